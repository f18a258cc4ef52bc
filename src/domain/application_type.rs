//! What kind of application a client is, and what a registration of that kind is made of where nothing else is said.

use super::{ApplicationType, AuthMethod, ClientMetadata, GrantType};
use crate::protocol::Scope;

impl ApplicationType {
    /// What it is called for people, and what it is.
    pub fn in_words(self) -> (&'static str, &'static str) {
        match self {
            Self::Web => ("Web application", "has a server, which keeps a secret; signs people in"),
            Self::SinglePage => {
                ("Single-page application", "runs in the browser alone; signs people in")
            }
            Self::Native => {
                ("Native application", "runs on people's machines or phones; signs people in")
            }
            Self::Machine => {
                ("Machine", "a service or a job that acts for itself; nobody signs in")
            }
            Self::ResourceServer => {
                ("API", "is called with access tokens; checks them and hears of endings")
            }
        }
    }

    /// A registration of this kind of which nothing else was said.
    pub fn defaults(self) -> ClientMetadata {
        let kind = ClientMetadata { application_type: Some(self), ..ClientMetadata::default() };
        match self {
            Self::Web => kind,
            Self::SinglePage | Self::Native => ClientMetadata {
                token_endpoint_auth_method: AuthMethod::None,
                additional_token_endpoint_auth_methods: Vec::new(),
                ..kind
            },
            Self::Machine => ClientMetadata {
                grant_types: vec![GrantType::ClientCredentials],
                scope: Scope::default(),
                ..kind
            },
            Self::ResourceServer => ClientMetadata {
                grant_types: vec![GrantType::ClientCredentials],
                scope: Scope::of(&[Scope::REVOCATIONS]),
                ..kind
            },
        }
    }
}
