//! The chat widgets, by the numbers and names that JavaScript has for them, and what each needs of its source.

use super::credential::{JwtProfile, Kind};
use super::token::Account;

/// A chat widget that takes a credential from the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Widget {
    /// LiveChat, by its Custom Identity Provider.
    LiveChat,
    /// Microsoft Omnichannel.
    Omnichannel,
    /// Live Assist, and LivePerson beneath it.
    LiveAssist,
}

/// Microsoft, "Send authentication token": signed with RS256; `sub` is the customer.
const OMNICHANNEL: JwtProfile = JwtProfile { signed: &["RS256"], encrypted: &[], subject: "sub" };

/// LivePerson, "Authentication": signed with RS256, and encrypted where the account has a key for it.
const LIVE_ASSIST: JwtProfile = JwtProfile { encrypted: &["RSA-OAEP-256"], ..OMNICHANNEL };

impl Widget {
    /// Each at its number: the `number` that its own file in `pkg/src` says.
    pub const ALL: [Self; 3] = [Self::LiveChat, Self::Omnichannel, Self::LiveAssist];

    /// The widget of this number; none where a later version of the package knows more of them than this core.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name as JavaScript sees it.
    ///
    /// ```
    /// use custom_identity_provider::core::Widget;
    ///
    /// assert_eq!(Widget::numbered(2).map(Widget::name), Some("live_assist"));
    /// assert_eq!(Widget::numbered(200), None);
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::LiveChat => "livechat",
            Self::Omnichannel => "omnichannel",
            Self::LiveAssist => "live_assist",
        }
    }

    /// What it needs of its source.
    pub fn kind(self, account: Account, is_code_flow: bool) -> Kind {
        match self {
            Self::LiveChat => Kind::Token(account),
            Self::LiveAssist if is_code_flow => Kind::Code,
            Self::LiveAssist => Kind::Jwt(&LIVE_ASSIST),
            Self::Omnichannel => Kind::Jwt(&OMNICHANNEL),
        }
    }
}
