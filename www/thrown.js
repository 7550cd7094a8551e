// What was thrown, as a person reads it: most often an error, though anything can be thrown.

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
