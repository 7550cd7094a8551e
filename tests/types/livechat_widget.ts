// connectLiveChat: what a page may and may not write, and what it gets.

import { configure, connectLiveChat, type ConnectLiveChatOptions } from "custom-identity-provider";

declare const user: { id: string } | undefined;
const identity = () => user?.id ?? null;
const source = "/livechat/token";

// The options of custom_identity_provider, and three of its own. The licence may be named by the snippet.
connectLiveChat({ identity, source }) satisfies () => void;
connectLiveChat({
  identity,
  source,
  licenseId: 12345678,
  organizationId: "o",
  cache: "memory",
  margin: 1_000,
  onEvent: (event) => console.log(event.type),
});
connectLiveChat({ identity, source, restart: false, onSignOut: () => {} });
connectLiveChat({ source, cache: "memory" });
({ identity, source, restart: true }) satisfies ConnectLiveChatOptions;

// Beside those that configure was given.
configure({ identity, source });
connectLiveChat();
connectLiveChat({ restart: false });

// @ts-expect-error identity is missing
connectLiveChat({ source });
// @ts-expect-error identity answers at once
connectLiveChat({ identity: async () => "customer-1", source });
// @ts-expect-error restart is a yes or a no
connectLiveChat({ identity, source, restart: "no" });
// @ts-expect-error what is called at sign-out is a function
connectLiveChat({ identity, source, onSignOut: true });
// @ts-expect-error starting a chat is Omnichannel's
connectLiveChat({ identity, source, startChat: true });
// @ts-expect-error a default concerns every provider, and not the widget
configure({ restart: false });
// @ts-expect-error what undoes it takes nothing
connectLiveChat({ identity, source })(true);
