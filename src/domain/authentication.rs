//! How users prove who they are.

use super::{Timestamp, text_enum::text_enum};

text_enum! {
    /// A way of proving it, under its name as an authentication method reference (RFC 8176 §2).
    pub enum AuthenticationMethod {
        /// Something that they know: a password.
        Password = "pwd",
    }
}

/// How and when a user proved who they are. A session begins with one; what is granted in it goes on to
/// speak of the one that it was granted by, however late (OpenID Connect Core §12.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The instant of it, `auth_time` in tokens (OpenID Connect Core §2).
    pub at: Timestamp,
    /// The methods used (RFC 8176). As text: a later version may have stored one that this one does not know.
    pub amr: Vec<String>,
}

impl Authentication {
    /// A proof by `methods` at this instant.
    pub fn by(methods: &[AuthenticationMethod], at: Timestamp) -> Self {
        Self { at, amr: methods.iter().map(|method| method.as_str().to_owned()).collect() }
    }

    /// The class that the methods amount to, `acr` in tokens (OpenID Connect Core §2).
    pub fn acr(&self) -> &'static str {
        "urn:portcullis:acr:password"
    }
}
