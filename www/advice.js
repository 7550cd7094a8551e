// What to do about each error code of the package, for the person who reads it on the page.

/** @type {Record<import("../pkg/index.js").IdentityErrorCode, string>} */
const ADVICE = {
  BAD_OPTION: "Mend the option that the message names.",
  BAD_IDENTITY: "Let the function given as identity answer with a user id or null, at once.",
  BAD_ANSWER: "Look at what the service answers: the message names the field.",
  NOT_SIGNED_IN: "Sign in first.",
  REFUSED: "Asking again will not help: look at the service and at the status.",
  UNAVAILABLE: "It was tried again for as long as the patience lasts. Call again later, or lift the fault below.",
  NETWORK: "Check the connection, or lift the fault below, then call again.",
  TIMED_OUT: "The source is too slow. Call again later.",
  SOURCE_FAILED: "Look at the page’s own function: its error is the cause.",
  COOLING_DOWN: "Nothing was sent: the last request failed only just now. Call again when that time has passed.",
  SIGNED_OUT: "That is as it should be: whoever waited was told. Sign in to go on.",
  IDENTITY_CHANGED: "That is as it should be: the answer belonged to somebody else. Call again.",
  SSO_IDENTITY_EXCEPTION: "LiveChat does not accept this customer: start over with a new identity.",
  SSO_OAUTH_EXCEPTION: "LiveChat does not accept this client or grant: check the client id and what it is allowed.",
  WASM_BLOCKED: "This page runs no WebAssembly, so check that core_javascript.js can be loaded.",
  WASM_MISSING: "Check that the package was built and that its files can be loaded.",
  WASM_TRAPPED: "Reload the page.",
};

/** One sentence of help. @param {any} error whatever was thrown */
export const adviceFor = (error) =>
  ADVICE[/** @type {import("../pkg/index.js").IdentityErrorCode} */ (error?.code)] ??
  "This is no error of the package: look at the console.";
