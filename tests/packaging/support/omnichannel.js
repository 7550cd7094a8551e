// A stand-in for Microsoft Omnichannel's service, as far as its chat SDK needs it: the widget's configuration, a conversation, its messages.
// A token is checked as Microsoft does it, by signature and life, with the public key of who signed it.

import { createPrivateKey, generateKeyPairSync, sign, verify } from "node:crypto";

export const organization = {
  orgUrl: "https://organization.omnichannel.test",
  orgId: "organization",
  widgetId: "widget",
};

const base64url = (value) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A signer of JSON Web Tokens, with a key that it makes for itself. */
export const signer = () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return {
    /** A token for this customer that lives for so many seconds. */
    token(subject, lifetime = 300) {
      const iat = Math.floor(Date.now() / 1000);
      const content = `${base64url({ alg: "RS256", typ: "JWT", kid: "one" })}.${base64url({ iss: "site", sub: subject, iat, nbf: iat, exp: iat + lifetime })}`;
      return `${content}.${sign("sha256", Buffer.from(content), createPrivateKey(privateKey)).toString("base64url")}`;
    },
    /** Whose token it is; undefined when it is not good. */
    subject(token) {
      const [header, claims, signature] = token.split(".");
      if (!verify("sha256", Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, "base64url")))
        return undefined;
      const { sub, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
      return exp * 1000 > Date.now() ? sub : undefined;
    },
  };
};

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "*",
  "access-control-expose-headers": "*",
};

/**
 * Answers in Microsoft's place whatever a page asks of hosts outside of this machine.
 * @param {import("playwright-core").Page} page
 * @param {ReturnType<typeof signer>} keys whose tokens are good
 * @param {{authenticated?: boolean}} [settings] whether the widget has authentication settings
 */
export async function omnichannel(page, keys, { authenticated = true } = {}) {
  /** @type {{path: string, subject: string | undefined, token: string | undefined}[]} */
  const requests = [];
  // What the SDK's own chat client gets is a token of that service: its life is read, its signature never.
  const chatToken = `${base64url({ alg: "none" })}.${base64url({ exp: 4_000_000_000, skypeid: "acs:visitor" })}.${base64url("none")}`;
  const conversation = {
    ChatId: "conversation",
    Token: chatToken,
    RegionGtms: "{}",
    VisitorId: "visitor",
    ACSEndpoint: "https://chat.omnichannel.test/",
  };
  const answers = {
    config: {
      LiveChatVersion: 2,
      ChatWidgetLanguage: { msdyn_localeid: "1033" },
      DataMaskingInfo: { setting: { msdyn_maskforcustomer: false } },
      LiveWSAndLiveChatEngJoin: {
        msdyn_prechatenabled: "false",
        msdyn_conversationmode: "192350000",
        msdyn_widgetsnippet: "",
      },
      ...(authenticated && { LiveChatConfigAuthSettings: { msdyn_javascriptclientfunction: "getAuthToken" } }),
    },
    conversation,
    sessionclose: {},
    getliveworkitemdetails: { State: "Active", ConversationId: "conversation", CanRenderPostChat: "False" },
  };
  await page.route(/^https?:\/\/(?!127\.0\.0\.1)/, async (route) => {
    const request = route.request();
    const { hostname, pathname } = new URL(request.url());
    if (request.method() === "OPTIONS" || hostname !== new URL(organization.orgUrl).hostname) {
      // Where the SDK's chat client would listen for messages; nobody is there.
      const notifications = {
        trouterServiceUrl: "https://notifications.omnichannel.test",
        registrarServiceUrl: "https://registrar.omnichannel.test",
        cloudType: "Public",
        // Where the chat client goes from there; without it, it would ask the page's own server some seconds later.
        socketio: "https://notifications.omnichannel.test/",
      };
      return route.fulfill({ status: request.method() === "OPTIONS" ? 204 : 200, headers: cors, json: notifications });
    }
    const token = request.headers().authenticatedusertoken;
    const subject = token && keys.subject(token);
    requests.push({ path: pathname, subject, token });
    if (token && !subject) return route.fulfill({ status: 401, headers: cors });
    const name = Object.keys(answers).find((name) => new RegExp(`/${name}(/|$)`).test(pathname));
    return route.fulfill(name ? { status: 200, headers: cors, json: answers[name] } : { status: 404, headers: cors });
  });
  return {
    requests,
    /** What was asked of an endpoint, by the last part of its path. */
    to: (name) => requests.filter(({ path }) => path.endsWith(`/${name}`)),
  };
}
