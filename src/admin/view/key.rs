//! A signing key as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{SigningKey, Timestamp};

/// A signing key, its public half.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyView {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub alg: String,
    /// `next`, `active` or `retiring`.
    pub state: String,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it began to sign.
    #[schema(value_type = Option<String>)]
    pub activated_at: Option<Timestamp>,
    /// When it is forgotten.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

impl From<&SigningKey> for KeyView {
    fn from(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            created_at: key.created_at,
            activated_at: key.activated_at,
            expires_at: key.expires_at,
        }
    }
}
