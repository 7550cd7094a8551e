// The stand-in for LiveChat's accounts: what it counts, and the faults it is told to have.

/**
 * How the stand-in misbehaves, and for how many requests; null until changed.
 * @typedef {object} Faults
 * @property {number | null} [latency_ms]
 * @property {number | null} [status]
 * @property {number | null} [retry_after]
 * @property {boolean} [cut_connection]
 * @property {boolean} [html]
 * @property {number | null} [lifetime_seconds]
 * @property {number | null} [remaining]
 */

/**
 * What the stand-in counts, and how it misbehaves.
 * @typedef {{ customers: number, tokens_issued: number, faults: Faults }} State
 */

/** @type {string | null} */
let address = null;

/** Where the stand-in is; null with LiveChat itself. @param {string | null} url */
export const useStandIn = (url) => {
  address = url;
};

/** @param {string} path @param {string} [method] @param {object} [body] @param {RequestInit} [init] */
const ask = async (path, method = "GET", body, init) => {
  const response = await fetch(new URL(path, address ?? undefined), {
    ...init,
    method,
    cache: "no-store",
    credentials: "omit",
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`the stand-in answered ${response.status} to ${path}`);
  return response;
};

/** Its state; null where there is no stand-in. @returns {Promise<State | null>} */
export const readState = async () => (address ? (await ask("/stand-in/state")).json() : null);

/** Tells it how to misbehave from now on. @param {Faults} faults */
export const setFaults = (faults) => ask("/stand-in/faults", "PUT", faults);

/** Tells it to behave. @param {RequestInit} [init] for `fetch` */
export const resetFaults = (init) => ask("/stand-in/faults", "DELETE", undefined, init);

/** The faults that the page offers, by the value of their radio button. @type {Record<string, Faults>} */
export const FAULTS = {
  latency: { latency_ms: 3000 },
  error: { status: 500 },
  limited: { status: 429, retry_after: 2 },
  cut: { cut_connection: true },
  html: { html: true },
  short: { lifetime_seconds: 15 },
};

/** Faults as a sentence. @param {Faults} faults */
export const describeFaults = (faults) => {
  /** @type {string[]} */
  const parts = [];
  if (faults.latency_ms) parts.push(`answers after ${faults.latency_ms / 1000} s`);
  if (faults.status)
    parts.push(`status ${faults.status}${faults.retry_after ? ` with Retry-After: ${faults.retry_after}` : ""}`);
  if (faults.cut_connection) parts.push("the connection is cut");
  if (faults.html) parts.push("HTML instead of JSON");
  if (faults.lifetime_seconds) parts.push(`tokens live ${faults.lifetime_seconds} s`);
  if (parts.length === 0) return "No fault is set.";
  const length =
    faults.remaining === 1
      ? "for the next request"
      : faults.remaining
        ? `for ${faults.remaining} requests`
        : "until changed";
  return `Set: ${parts.join(", ")}, ${length}.`;
};
