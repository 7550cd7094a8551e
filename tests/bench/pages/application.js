// The page of one contender: it asks for a token as soon as it runs, and marks when it has it.

const query = new URLSearchParams(location.search);

/**
 * @param {{provider: (options: object) => {getToken: () => Promise<unknown>}, signIn?: () => Promise<unknown>}} contender
 */
export const run = async ({ provider, signIn }) => {
  // Who signs in does so in a visit of its own, before the ones that are measured.
  if (query.has("sign-in")) return signIn?.();
  const tabs = query.get("tabs");
  const { getToken } = provider({ organization: "organization", ...(tabs && { tabs }) });
  await Promise.all(Array.from({ length: Number(query.get("calls") ?? 1) }, () => getToken()));
  performance.mark("token");
  return performance.now();
};
