// The shop's chat: the one line that tells the widget who is signed in, and what follows when somebody else is.

/** Whom the running widget serves: a customer's id, null for a guest; undefined when none runs. */
let served;

/** Takes the widget off the page, with everything that it shows. */
export const endChat = () => {
  served = undefined;
  window.LiveChatWidget.call("destroy");
};

/** Starts the widget for who is there now, unless it serves them already. */
export const startChat = ({ custom_identity_provider }, { licenseId, organizationId }, identity) => {
  const customer = identity();
  if (served === customer) return;
  endChat();
  served = customer;
  if (customer === null) delete window.__lc.custom_identity_provider;
  else window.__lc.custom_identity_provider = () => custom_identity_provider({ licenseId, organizationId, identity, source: "/livechat/token" });
  window.LiveChatWidget.init();
};
