// What a page writes by hand: a promise that is kept until its token expires. No library does less.

/** @param {{organization: string}} options */
export const provider = ({ organization }) => {
  let promise;
  let end = 0;
  const fetched = async () => {
    const answer = await fetch(`/livechat/token?${organization}`, { method: "POST" });
    const token = await answer.json();
    end = Date.now() + token.expires_in * 1000;
    return token;
  };
  return {
    getToken: () => {
      if (!promise || (end && Date.now() >= end)) {
        end = 0;
        promise = fetched();
      }
      return promise;
    },
  };
};
