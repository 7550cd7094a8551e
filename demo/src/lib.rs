//! The demo's site, and the stand-ins: nothing of the product looks at it.

pub mod livechat_accounts;
pub mod site;
