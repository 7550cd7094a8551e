// Auth0's SDK with refresh tokens, and the tokens in localStorage.

import { Auth0Client } from "@auth0/auth0-spa-js";

const client = () =>
  new Auth0Client({
    domain: location.origin,
    clientId: "client",
    cacheLocation: "localstorage",
    useRefreshTokens: true,
  });

export const provider = () => {
  const kept = client();
  return { getToken: () => kept.getTokenSilently() };
};

export const signIn = () =>
  client().loginWithCustomTokenExchange({ subject_token: "any", subject_token_type: "urn:example:site" });
