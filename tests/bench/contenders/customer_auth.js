// LiveChat's own, which its widget uses where a page brings no provider; it has its token from the stand-in by the build's change of address.

import createAuth from "@livechat/customer-auth";

/** @param {{organization: string}} options */
export const provider = ({ organization }) =>
  createAuth({ organizationId: organization, clientId: "client" }, "1", "production");
