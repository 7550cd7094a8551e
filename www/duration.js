// Durations and times of day as a person reads them.

/** Milliseconds in one or two units: `80 ms`, `2.4 s`, `9 min 5 s`, `7 h 59 min`. @param {number} milliseconds */
export const duration = (milliseconds) => {
  const value = Math.max(0, milliseconds);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 10_000) return `${+(value / 1000).toFixed(1)} s`;
  return remaining(value);
};

/** The same in whole seconds, for what counts down. @param {number} milliseconds */
export const remaining = (milliseconds) => {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** A time of day with milliseconds. @param {number} at */
export const timeOfDay = (at) => {
  const date = new Date(at);
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
};
