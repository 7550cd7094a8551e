// What the demo's pages and the widgets' stand-ins put on `window`, as the vendors document it.

interface Window {
  __lc: { license?: number | null; organizationId?: string | null; custom_identity_provider?: any };
  __lc_inited?: boolean;
  LiveChatWidget?: any;
  LC_API?: object;
  Microsoft?: { Omnichannel: { LiveChatWidget: { SDK: any } } };
}
