//! The flags of Microsoft Omnichannel.

use clap::Args;

use super::signing::token_lifetime;
use crate::{
    omnichannel::OmnichannelSettings,
    setting::{SettingError, given, unused},
};

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct OmnichannelFlags {
    /// Serve Microsoft Omnichannel.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL")]
    pub omnichannel: bool,
    /// How long a token for Omnichannel lives, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL_TOKEN_LIFETIME", default_value_t = 600, value_name = "SECONDS")]
    pub omnichannel_token_lifetime: u64,
    /// A context variable of the workstream; may be repeated or separated by commas. Without any, all are allowed.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL_CONTEXT_VARIABLE", value_delimiter = ',', value_name = "NAME")]
    pub omnichannel_context_variable: Vec<String>,
}

impl OmnichannelFlags {
    /// Checks them; None when Omnichannel is not served.
    pub fn check(self) -> Result<Option<OmnichannelSettings>, SettingError> {
        let context_variables = given(self.omnichannel_context_variable);
        if !self.omnichannel {
            return match context_variables.is_empty() {
                true => Ok(None),
                false => Err(unused("omnichannel-context-variable", "omnichannel")),
            };
        }
        Ok(Some(OmnichannelSettings {
            token_lifetime: token_lifetime("omnichannel-token-lifetime", self.omnichannel_token_lifetime)?,
            context_variables: context_variables.into(),
        }))
    }
}
