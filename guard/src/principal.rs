//! Whom a good token speaks for.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Clock, Refusal};

/// What a good access token says (RFC 9068 §2.2).
#[derive(Debug, Clone)]
pub struct Principal {
    pub(crate) claims: Claims,
    pub(crate) key_id: Option<String>,
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    #[serde(default)]
    pub(crate) client_id: String,
    /// Both may have fractions (RFC 7519 §2).
    pub(crate) exp: f64,
    #[serde(default)]
    pub(crate) nbf: Option<f64>,
    #[serde(default)]
    pub(crate) jti: String,
    #[serde(default, deserialize_with = "tokens")]
    scope: BTreeSet<String>,
    pub(crate) sid: Option<String>,
    pub(crate) gid: Option<String>,
    #[serde(default)]
    pub(crate) rev: i64,
    auth_time: Option<u64>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    pub(crate) cnf: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

fn tokens<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    let text = String::deserialize(from)?;
    Ok(text.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect())
}

impl Principal {
    /// Who issued the token.
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// The part of the issuer's address that stands for `{tenant}` in [`Builder::issuer`](crate::Builder::issuer).
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The user, or the client where no user took part. It is unique at its issuer alone.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// The client that the token was issued to.
    pub fn client_id(&self) -> &str {
        &self.claims.client_id
    }

    /// Whether the token is a client's own: no user took part.
    pub fn is_client(&self) -> bool {
        self.claims.sub == self.claims.client_id
    }

    /// The session in which a user took part.
    pub fn session(&self) -> Option<&str> {
        self.claims.sid.as_deref()
    }

    /// The token's own identifier.
    pub fn token_id(&self) -> &str {
        &self.claims.jti
    }

    /// When the token expires, in seconds since the Unix epoch.
    pub fn expires_at(&self) -> u64 {
        self.claims.exp as u64
    }

    /// The scope tokens.
    pub fn scope(&self) -> impl Iterator<Item = &str> {
        self.claims.scope.iter().map(String::as_str)
    }

    /// Whether the scope holds a token.
    pub fn has_scope(&self, token: &str) -> bool {
        self.claims.scope.contains(token)
    }

    /// When the user last proved who they are, in seconds since the Unix epoch.
    pub fn authenticated_at(&self) -> Option<u64> {
        self.claims.auth_time
    }

    /// How well they did.
    pub fn acr(&self) -> Option<&str> {
        self.claims.acr.as_deref()
    }

    /// By what (RFC 8176).
    pub fn amr(&self) -> &[String] {
        &self.claims.amr
    }

    /// What the token is bound to (RFC 7800): an API that takes such tokens proves it
    /// ([`Builder::takes_bound_tokens`](crate::Builder::takes_bound_tokens)).
    pub fn confirmation(&self) -> Option<&Value> {
        self.claims.cnf.as_ref()
    }

    /// Any other claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.others.get(name)
    }

    /// Whether the scope holds all of these tokens.
    ///
    /// # Errors
    /// [`Refusal::InsufficientScope`], with all of them.
    pub fn require(&self, scope: &[&str]) -> Result<(), Refusal> {
        if scope.iter().all(|token| self.has_scope(token)) {
            Ok(())
        } else {
            Err(Refusal::InsufficientScope(scope.join(" ")))
        }
    }

    /// Whether the user authenticated in one of these ways, and no longer ago than `max_age` seconds (RFC 9470).
    ///
    /// # Errors
    /// [`Refusal::InsufficientUserAuthentication`], with what is wanted.
    pub fn require_authentication(
        &self,
        acr_values: &[&str],
        max_age: Option<u64>,
        clock: &dyn Clock,
    ) -> Result<(), Refusal> {
        let is_way =
            acr_values.is_empty() || self.acr().is_some_and(|acr| acr_values.contains(&acr));
        let is_recent = max_age.is_none_or(|seconds| {
            self.claims.auth_time.is_some_and(|at| clock.now() <= at.saturating_add(seconds))
        });
        if is_way && is_recent {
            return Ok(());
        }
        let acr_values = acr_values.iter().map(|way| (*way).to_owned()).collect();
        Err(Refusal::InsufficientUserAuthentication { acr_values, max_age })
    }
}
