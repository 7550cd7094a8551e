// oidc-client-ts with refresh tokens, and the user in localStorage.

import { UserManager, WebStorageStateStore } from "oidc-client-ts";

const manager = () => {
  const authority = `${location.origin}/oidc`;
  return new UserManager({
    authority,
    client_id: "client",
    redirect_uri: location.href,
    automaticSilentRenew: false,
    userStore: new WebStorageStateStore({ store: localStorage }),
    metadata: { issuer: authority, token_endpoint: `${authority}/token` },
  });
};

export const provider = () => {
  const kept = manager();
  return {
    getToken: async () => {
      const user = await kept.getUser();
      return user && !user.expired ? user : kept.signinSilent();
    },
  };
};

export const signIn = () =>
  manager().signinResourceOwnerCredentials({ username: "somebody", password: "any", skipUserInfo: true });
