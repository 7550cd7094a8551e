// The story's own time: it stands still while the story is paused, and may run faster than a person reads.

const TICK = 50;

/** The player's time, `speed` times as fast as real time. @param {number} speed */
export const makeClock = (speed) => {
  let isRunning = false;
  /** @param {AbortSignal} signal */
  const tick = (signal) => new Promise((resolve) => setTimeout(resolve, TICK)).then(() => signal.throwIfAborted());

  /** Waits while the story is paused. @param {AbortSignal} signal */
  const running = async (signal) => {
    signal.throwIfAborted();
    while (!isRunning) await tick(signal);
  };

  return {
    run: (/** @type {boolean} */ isNow) => (isRunning = isNow),
    isRunning: () => isRunning,
    running,
    /**
     * Waits that long while the story plays; `told` hears how much is left.
     * @param {number} duration
     * @param {AbortSignal} signal
     * @param {(left: number) => void} told
     */
    wait: async (duration, signal, told = () => {}) => {
      let left = duration;
      let last = performance.now();
      while (left > 0) {
        await tick(signal);
        const now = performance.now();
        if (isRunning) left -= (now - last) * speed;
        last = now;
        told(Math.max(0, left));
      }
      await running(signal);
    },
  };
};
