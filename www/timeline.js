// Draws what happened lately: calls, cache hits, joins, answers to the widget, requests with their attempts, and what went over the network.

import { byId, html, svg } from "./element.js";
import { duration } from "./duration.js";
import { fillPanel, radio } from "./panel.js";

/** @typedef {import("../pkg/index.js").IdentityEvent} IdentityEvent */

/** @typedef {import("./network.js").SentRequest} SentRequest */

/**
 * One asking of the source; `code` says why it failed.
 * @typedef {{ start: number, end?: number, code?: string }} Attempt
 */

/**
 * One run of the source.
 * @typedef {object} Request
 * @property {number} id
 * @property {number} began
 * @property {Attempt[]} attempts
 * @property {number} [end]
 * @property {"done" | "failed" | "aborted"} [outcome]
 */

/** Marks that are drawn as one. @typedef {{ x: number, labels: string[], isBad: boolean }} Cluster */

/** Where a time is drawn. @typedef {(at: number) => number} Scale */

/** Answers are drawn only where a callback waits for them. */
const CALLS = 0,
  HITS = 1,
  JOINS = 2,
  ANSWERS = 3;
let lanes = ["Calls", "Cache hits", "Joins", "Requests", "Network"];
const TOP = 8;
const LANE = 38;
const GUTTER = 78;
const EDGE = 14;
/** Marks nearer than this are drawn as one, with their number. Pixels. */
const NEAR = 16;
/** Nothing older can be shown. Milliseconds. */
const OLDEST = 130_000;

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Everything that takes no time. @type {{lane: number, at: number, label: string, isBad: boolean}[]} */
let marks = [];
/** By their numbers. @type {Map<number, Request>} */
const requests = new Map();
/** What the browser says was sent. @type {SentRequest[]} */
let sent = [];
let span = 30_000;
let width = 640;
let latest = 0;

/** @param {number} lane @param {number} at @param {string} label */
const mark = (lane, at, label, isBad = false) => marks.push({ lane, at, label, isBad });

/** @param {Request} request @param {number} at @param {string} [code] */
const endAttempt = (request, at, code) => {
  const attempt = request.attempts.at(-1);
  if (attempt && attempt.end === undefined) Object.assign(attempt, { end: at, code });
};

/** @param {{ request: number, at: number }} event @param {Request["outcome"]} outcome @param {string} [code] */
const end = (event, outcome, code) => {
  const request = requests.get(event.request);
  if (!request || request.end !== undefined) return;
  endAttempt(request, event.at, code);
  Object.assign(request, { end: event.at, outcome });
};

/** Takes note of an event of the package. @param {IdentityEvent} event */
export const addEvent = (event) => {
  switch (event.type) {
    case "call":
      mark(CALLS, event.at, event.method);
      break;
    case "cache_hit":
      mark(HITS, event.at, "answered from the cache");
      break;
    case "restored":
      mark(HITS, event.at, "restored from sessionStorage");
      break;
    case "joined":
      mark(JOINS, event.at, `${event.method} joined request ${event.request}`);
      break;
    case "widget_answered":
      mark(ANSWERS, event.at, event.ok ? "answered" : `answered without a token: ${event.code}`, !event.ok);
      break;
    case "sign_in_asked":
      mark(ANSWERS, event.at, "somebody was asked to sign in");
      break;
    case "widget_error":
      mark(ANSWERS, event.at, `lcw:error ${event.errorCode}: ${event.meaning}`, true);
      break;
    case "request_began":
      requests.set(event.request, { id: event.request, began: event.at, attempts: [{ start: event.at }] });
      break;
    case "request_retrying": {
      const request = requests.get(event.request);
      if (!request) break;
      endAttempt(request, event.at, event.code);
      request.attempts.push({ start: event.at + event.delay });
      break;
    }
    case "request_succeeded":
    case "request_shared":
      end(event, "done");
      break;
    case "request_failed":
      end(event, "failed", event.code);
      break;
    case "request_aborted":
      end(event, "aborted");
      break;
  }
  latest = Math.max(latest, event.at);
  draw();
};

/** Takes note of something that went over the network. @param {SentRequest} entry */
export const addSent = (entry) => {
  sent.push(entry);
  latest = Math.max(latest, entry.at + entry.duration);
  draw();
};

/** Forgets what is over; what still runs goes on being drawn. */
export const clear = () => {
  marks = [];
  sent = [];
  for (const [id, request] of requests) if (request.end !== undefined) requests.delete(id);
  draw();
};

/** The names of some marks with how often each occurs. @param {string[]} labels */
const tally = (labels) => {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => (count > 1 ? `${count} × ${label}` : label)).join(", ");
};

/** Marks of one lane, those near each other together. @param {number} lane @param {Scale} x */
const clusters = (lane, x) => {
  /** @type {Cluster[]} */
  const found = [];
  for (const { at, label, isBad } of marks.filter((one) => one.lane === lane)) {
    const here = x(at);
    if (here < GUTTER) continue;
    const last = found.at(-1);
    if (last && last.isBad === isBad && here - last.x < NEAR) last.labels.push(label);
    else found.push({ x: here, labels: [label], isBad });
  }
  return found;
};

/** Of each lane of marks. @type {((x: number, y: number, isBad: boolean) => SVGElement)[]} */
const shapes = [
  (x, y) => svg("circle", { class: "mark", cx: x, cy: y, r: 6 }),
  (x, y) => svg("path", { class: "mark", d: `M${x} ${y - 8}L${x + 8} ${y}L${x} ${y + 8}L${x - 8} ${y}Z` }),
  (x, y) => svg("path", { class: "mark hollow", d: `M${x - 7} ${y - 6}H${x + 7}L${x} ${y + 7}Z` }),
  (x, y, isBad) =>
    isBad
      ? svg("path", {
          class: "mark cross",
          d: `M${x - 5} ${y - 5}L${x + 5} ${y + 5}M${x - 5} ${y + 5}L${x + 5} ${y - 5}`,
        })
      : svg("rect", { class: "mark", x: x - 6, y: y - 6, width: 12, height: 12, rx: 2 }),
];

/** @param {number} lane @param {Cluster} cluster @param {number} y */
const drawCluster = (lane, { x, labels, isBad }, y) => {
  const group = svg("g", isBad ? { class: "bad" } : {}, svg("title", {}, tally(labels)));
  if (labels.length === 1) group.append(shapes[lane](x, y, isBad));
  else {
    const half = labels.length > 9 ? 13 : 10;
    group.append(
      svg("rect", { class: "mark", x: x - half, y: y - 10, width: half * 2, height: 20, rx: lane === HITS ? 3 : 10 }),
      svg("text", { class: "count", x, y }, String(labels.length)),
    );
  }
  return group;
};

/**
 * A name beside a bar, on the side where there is room: up to the next bar, or from the one before.
 * @param {string} text
 * @param {number} from
 * @param {number} to
 * @param {number} y
 */
const barName = (text, from, to, y, next = width - EDGE, former = GUTTER) => {
  const room = next - to > text.length * 6.6 + 8;
  const inFront = from - former > text.length * 6.6 + 8;
  if (!room && to - from > text.length * 6.6) return svg("text", { class: "bar-name", x: from, y: y - 10 }, text);
  if (!room && !inFront) return undefined;
  return svg(
    "text",
    { class: "bar-name", x: room ? to + 5 : from - 5, y: y + 4, "text-anchor": room ? "start" : "end" },
    text,
  );
};

/** @param {Request} request */
const outcomeOf = ({ id, began, end, outcome, attempts }) => {
  const code = attempts.findLast((attempt) => attempt.code)?.code;
  const tries = attempts.filter((attempt) => attempt.end !== undefined || end === undefined).length;
  const count = tries > 1 ? `, ${tries} attempts` : "";
  if (end === undefined) return `#${id} running${count}`;
  if (outcome === "done") return `#${id} ${duration(end - began)}${count}`;
  return outcome === "aborted" ? `#${id} aborted` : `#${id} ${code}${count}`;
};

/**
 * @param {Request} request
 * @param {Scale} x
 * @param {number} now
 * @param {number} y
 * @param {Request | undefined} former
 * @param {Request | undefined} next
 */
const drawRequest = (request, x, now, y, former, next) => {
  const text = outcomeOf(request);
  const group = svg("g", {}, svg("title", {}, text));
  const to = Math.max(x(request.end ?? now), GUTTER);
  for (const attempt of request.attempts) {
    if (attempt.start > (request.end ?? now)) continue;
    const from = Math.max(x(attempt.start), GUTTER);
    const until = Math.max(x(attempt.end ?? request.end ?? now), from + 3);
    const kind =
      attempt.end === undefined ? "running" : attempt.code ? "bad" : request.outcome === "aborted" ? "aborted" : "";
    group.append(svg("rect", { class: `bar ${kind}`, x: from, y: y - 7, width: until - from, height: 14, rx: 3 }));
  }
  for (const [index, attempt] of request.attempts.entries()) {
    const next = request.attempts[index + 1];
    if (!next || attempt.end === undefined) continue;
    const from = Math.max(x(attempt.end), GUTTER);
    const until = Math.max(x(Math.min(next.start, request.end ?? now)), GUTTER);
    if (until > from) group.append(svg("line", { class: "pause", x1: from, x2: until, y1: y, y2: y }));
  }
  const name = barName(
    text,
    Math.max(x(request.began), GUTTER),
    to,
    y,
    next && x(next.began),
    former && x(former.end ?? now),
  );
  if (name) group.append(name);
  return group;
};

/**
 * @param {SentRequest} entry
 * @param {Scale} x
 * @param {number} y
 * @param {boolean} isLast
 * @param {SentRequest | undefined} former
 */
const drawSent = (entry, x, y, isLast, former) => {
  const from = Math.max(x(entry.at), GUTTER);
  const until = Math.max(x(entry.at + entry.duration), from + 3);
  const isBad = entry.status === 0 || (entry.status !== undefined && entry.status >= 400);
  const answer = entry.status === 0 ? "no answer" : (entry.status ?? "answered");
  const group = svg("g", {}, svg("title", {}, `${entry.name}: ${answer}, ${duration(entry.duration)}`));
  group.append(
    svg("rect", { class: isBad ? "bar bad" : "bar", x: from, y: y - 4, width: until - from, height: 8, rx: 2 }),
  );
  const name = isLast
    ? barName(
        `${entry.name.split("/").at(-1)} ${answer}`,
        from,
        until,
        y,
        undefined,
        former && x(former.at + former.duration),
      )
    : undefined;
  if (name) group.append(name);
  return group;
};

const summary = () => {
  /** @param {number} lane */
  const count = (lane) => marks.filter((one) => one.lane === lane).length;
  /** @param {number} number @param {string} name */
  const said = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
  const parts = [
    said(count(CALLS), "call"),
    said(count(HITS), "cache hit"),
    said(count(JOINS), "join"),
    said(requests.size, "request"),
  ];
  if (lanes.includes("Answers")) parts.push(said(count(ANSWERS), "answer"));
  return `Timeline: ${parts.join(", ")}. The log lists them.`;
};

/** Draws everything anew: there is little of it. */
export const draw = () => {
  const now = Date.now();
  const oldest = now - OLDEST;
  marks = marks.filter((one) => one.at > oldest);
  sent = sent.filter((entry) => entry.at + entry.duration > oldest);
  for (const [id, request] of requests) if ((request.end ?? now) < oldest) requests.delete(id);

  /** @type {Scale} */
  const x = (at) => width - EDGE - ((now - at) / span) * (width - EDGE - GUTTER);
  /** @param {number} lane */
  const y = (lane) => TOP + lane * LANE + LANE / 2;
  const bottom = TOP + lanes.length * LANE;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${bottom + 24}`, role: "img", "aria-label": summary() });

  for (const [lane, name] of lanes.entries()) {
    picture.append(
      svg("text", { class: "lane-name", x: 0, y: y(lane) + 4 }, name),
      svg("line", { class: "lane-line", x1: GUTTER, x2: width - EDGE, y1: y(lane), y2: y(lane) }),
    );
  }
  for (let part = 0; part <= 3; part++) {
    const seconds = (span / 1000 / 3) * (3 - part);
    const here = x(now - seconds * 1000);
    const name =
      part === 3 ? "now" : `−${seconds >= 60 ? `${+(seconds / 60).toFixed(1)} min` : `${Math.round(seconds)} s`}`;
    picture.append(
      svg("line", { class: "tick", x1: here, x2: here, y1: TOP, y2: bottom }),
      svg("text", { class: "tick-name", x: here, y: bottom + 16 }, name),
    );
  }
  const [requestLane, networkLane] = [lanes.length - 2, lanes.length - 1];
  for (let lane = 0; lane < requestLane; lane++)
    picture.append(...clusters(lane, x).map((cluster) => drawCluster(lane, cluster, y(lane))));

  const begins = now - span;
  let isEmpty = !marks.some((one) => one.at > begins);
  const recent = [...requests.values()].filter((request) => (request.end ?? now) >= begins);
  isEmpty &&= recent.length === 0;
  for (const [index, request] of recent.entries()) {
    const former = recent[index - 1];
    // Two at once stand above each other.
    const isBeside = former !== undefined && request.began < (former.end ?? now);
    picture.append(drawRequest(request, x, now, y(requestLane) + (isBeside ? 9 : -2), former, recent[index + 1]));
  }
  const visible = sent.filter((entry) => entry.at + entry.duration > begins);
  picture.append(
    ...visible.map((entry, index) =>
      drawSent(entry, x, y(networkLane), index === visible.length - 1, visible[index - 1]),
    ),
  );
  if (isEmpty) {
    picture.append(
      svg("text", { class: "empty", x: GUTTER + (width - GUTTER) / 2, y: y(JOINS) - 8 }, "Nothing happened lately."),
    );
  }
  byId("drawing").replaceChildren(picture);
};

/** Whether anything shown still moves. */
const isMoving = () =>
  Date.now() - latest < span + 2000 || [...requests.values()].some((request) => request.end === undefined);

const fill = () =>
  fillPanel(
    "timeline",
    "Timeline",
    html(
      "fieldset",
      { id: "span", class: "choice" },
      html("legend", { class: "unseen" }, "Time shown"),
      radio("span", "10", false, "10 s"),
      radio("span", "30", true, "30 s"),
      radio("span", "120", false, "2 min"),
    ),
    html("div", { id: "drawing", class: "drawing" }),
  );

/** Begins to draw: whenever something happens, and while time passes over what is shown. */
export const start = ({ hasAnswers = false } = {}) => {
  if (hasAnswers) lanes = lanes.toSpliced(ANSWERS, 0, "Answers");
  fill();
  byId("drawing").classList.toggle("tall", hasAnswers);
  new ResizeObserver(([entry]) => {
    width = Math.max(280, Math.round(entry.contentRect.width));
    draw();
  }).observe(byId("drawing"));
  byId("span").addEventListener("change", (event) => {
    span = Number(/** @type {HTMLInputElement} */ (event.target).value) * 1000;
    draw();
  });
  // Time that creeps is motion too: whoever wants less of it gets a step a second.
  let skipped = 0;
  setInterval(() => {
    if (document.hidden || !isMoving()) return;
    if (still.matches && ++skipped % 8 !== 0) return;
    draw();
  }, 125);
};
