// The package, as its README has it.

import { custom_identity_provider } from "custom-identity-provider";

const person = { id: "somebody" };

/** @param {{organization: string} & Record<string, unknown>} options */
export const provider = ({ organization, ...more }) =>
  custom_identity_provider({
    organizationId: organization,
    identity: () => person.id,
    source: "/livechat/token",
    ...more,
  });
