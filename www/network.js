// What really went over the network for tokens, codes and keys, as the browser measures it: nothing is wrapped, so nothing is changed.

const PATHS =
  /\/(livechat\/token|livechat\/transfer|customer\/token|omnichannel\/(token|public-keys)|live-assist\/(token|code|public-key|redeem|engagement))$/;

/**
 * A request that has finished; its status is 0 where there was no answer, undefined where the browser does not tell.
 * @typedef {{ at: number, duration: number, name: string, status: number | undefined }} SentRequest
 */

/** Tells of every finished request of these. @param {(request: SentRequest) => void} listener */
export const watchNetwork = (listener) => {
  if (!PerformanceObserver.supportedEntryTypes?.includes("resource")) return;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { pathname } = new URL(entry.name);
      if (!PATHS.test(pathname)) continue;
      // It ended only just now; its own start is by a clock that stands still while the machine sleeps.
      const { responseStatus } = /** @type {PerformanceResourceTiming} */ (entry);
      listener({ at: Date.now() - entry.duration, duration: entry.duration, name: pathname, status: responseStatus });
    }
  }).observe({ type: "resource", buffered: false });
};
