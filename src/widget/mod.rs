//! The widgets, and the handle by which each asks.

pub mod provider;

use crate::core::{Account, Kind};

/// A chat widget that takes a credential from the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Widget {
    LiveChat,
    Omnichannel,
    LiveAssist,
}

impl Widget {
    /// The widget of this number, by the order of `WIDGETS` in `pkg/src/options.js`.
    pub(crate) fn numbered(number: u8) -> Self {
        match number {
            1 => Self::Omnichannel,
            2 => Self::LiveAssist,
            _ => Self::LiveChat,
        }
    }

    /// The name as JavaScript sees it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LiveChat => "livechat",
            Self::Omnichannel => "omnichannel",
            Self::LiveAssist => "live_assist",
        }
    }

    /// What it needs of its source.
    pub(crate) fn kind(self, account: Account, is_code_flow: bool) -> Kind {
        match self {
            Self::LiveChat => Kind::Token(account),
            Self::LiveAssist if is_code_flow => Kind::Code,
            Self::LiveAssist => Kind::Jwt { may_be_encrypted: true },
            Self::Omnichannel => Kind::Jwt { may_be_encrypted: false },
        }
    }
}
