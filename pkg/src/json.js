// @ts-check
// Parses JSON that comes from outside.

/** `JSON.parse` quotes the text in its error, so that error is not kept. @param {string} text @returns {{parsed: any} | undefined} */
export const parse = (text) => {
  try {
    return { parsed: JSON.parse(text) };
  } catch {
    return undefined;
  }
};
