//! Scope (RFC 6749 §3.3): a set of tokens.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scope tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// OpenID Connect's mark.
    pub const OPENID: &'static str = "openid";
    /// Read and write access to the admin API.
    pub const ADMIN: &'static str = "admin";
    /// Read access to the admin API.
    pub const ADMIN_READ: &'static str = "admin:read";
    /// A client's own right to follow what is ended in its tenant.
    pub const REVOCATIONS: &'static str = "revocations";

    /// The scopes that speak of a user, which no client has for itself.
    const OF_USER: [&'static str; 4] = [Self::OPENID, "profile", "email", "offline_access"];

    /// The scopes that every tenant has, with the words that the consent page shows.
    pub const BUILT_IN: [(&'static str, &'static str); 7] = [
        (Self::OPENID, "Know who you are"),
        ("profile", "See your name"),
        ("email", "See your e-mail address"),
        ("offline_access", "Stay signed in while you are away"),
        (Self::ADMIN, "Administer this tenant for you"),
        (Self::ADMIN_READ, "Read this tenant's administration for you"),
        (Self::REVOCATIONS, "Follow what is ended in this tenant"),
    ];

    const MOST: usize = 100;

    /// All that speaks of a user: what a client may ask for of which nothing else was said.
    pub fn of_user() -> Self {
        Self(Self::OF_USER.map(str::to_owned).into())
    }

    /// These alone.
    pub fn of(tokens: &[&str]) -> Self {
        Self(tokens.iter().map(|token| (*token).to_owned()).collect())
    }

    /// Whether a token speaks of a user.
    pub fn is_of_user(token: &str) -> bool {
        Self::OF_USER.contains(&token)
    }

    /// Whether `text` is a scope token: `1*( %x21 / %x23-5B / %x5D-7E )`.
    pub fn is_token(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|c| matches!(c, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether it holds `token`.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every token of it stands in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The tokens of both.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The tokens that `keep` says yes to.
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most 100 scope tokens, single spaces between them (RFC 6749 section 3.3)")]
pub struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
        if tokens.len() > Self::MOST || !tokens.iter().all(|token| Self::is_token(token)) {
            return Err(NotAScope);
        }
        Ok(Self(tokens.into_iter().map(str::to_owned).collect()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, token) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
