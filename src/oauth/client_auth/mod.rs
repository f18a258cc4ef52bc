//! Client authentication (RFC 6749 §2.3): one file per method.

mod basic;
mod post;
mod private_key_jwt;
mod secret;

use std::ops::Deref;

use super::Cx;
use crate::{
    domain::{Actor, AuthMethod, Client, Event, EventNumber, Standing, Tenant},
    memory::Known,
    protocol::{ErrorCode, OauthError, Params},
};

/// What a request shows to prove who the client is.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The body's parameters.
    pub params: &'a Params,
}

/// A client that has proven who it is, or has nothing to prove it with.
pub struct Authenticated(pub(super) Known);

impl Deref for Authenticated {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.0.client
    }
}

impl Authenticated {
    /// The last event that its proof was checked by: what it is issued for itself bears its number.
    pub(super) fn known(&self) -> EventNumber {
        self.0.by
    }

    /// Its tenant as it was then.
    pub(super) fn tenant(&self) -> &Tenant {
        &self.0.tenant
    }

    /// The last event by which it may have been ended before its proof was checked. A proof by a
    /// secret that was withdrawn since is worth nothing; who has none has nothing to withdraw.
    pub(super) fn proven_by(&self) -> EventNumber {
        if self.is_confidential() { self.0.by } else { EventNumber(i64::MAX) }
    }

    /// Checks that its proof has not been overtaken.
    ///
    /// # Errors
    /// `temporarily_unavailable`: it must prove anew who it is.
    pub(super) fn still_counts(&self, standing: &Standing) -> Result<(), OauthError> {
        if standing.client_ended.is_some_and(|ended| ended > self.proven_by()) {
            return Err(
                OauthError::unavailable().because("the client was ended since it proved who it is")
            );
        }
        Ok(())
    }
}

/// What a request says of itself, before any proof of it is looked at.
pub struct Claimed {
    /// The client.
    pub client_id: String,
    /// How it would prove that.
    pub method: AuthMethod,
    /// The secret, where it is a secret.
    pub secret: Option<String>,
}

/// Reads that, and checks nothing: for whoever looks how hostile requests are read.
///
/// # Errors
/// `invalid_request` or `invalid_client`, as [`authenticate`] would answer before it asks the database.
pub fn read_claimed(presented: Presented<'_>) -> Result<Claimed, OauthError> {
    let claim = read(presented)?;
    let (client_id, method) = (claim.client_id().to_owned(), claim.method());
    let secret = match claim {
        Claim::Basic { secret, .. } | Claim::Post { secret, .. } => Some(secret),
        Claim::Assertion { .. } | Claim::Nothing { .. } => None,
    };
    Ok(Claimed { client_id, method, secret })
}

/// A claim to be a client, not yet checked.
enum Claim {
    Basic { client_id: String, secret: String },
    Post { client_id: String, secret: String },
    Assertion { client_id: String, assertion: String },
    Nothing { client_id: String },
}

impl Claim {
    fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Nothing { client_id } => client_id,
        }
    }

    fn method(&self) -> AuthMethod {
        match self {
            Self::Basic { .. } => AuthMethod::ClientSecretBasic,
            Self::Post { .. } => AuthMethod::ClientSecretPost,
            Self::Assertion { .. } => AuthMethod::PrivateKeyJwt,
            Self::Nothing { .. } => AuthMethod::None,
        }
    }
}

/// The client that the request proves to come from.
///
/// # Errors
/// `invalid_request` where it uses more than one method (RFC 6749 §2.3), `invalid_client`
/// where the proof fails, is missing, or is of another method than the registered one.
pub async fn authenticate(
    cx: &Cx<'_>,
    presented: Presented<'_>,
) -> Result<Authenticated, OauthError> {
    let claim = read(presented)?;
    let key = (cx.tenant.id, claim.client_id(), cx.origin.network());
    let checked = match cx.app.client_failures.enter(key) {
        Ok(attempt) => {
            let checked = check(cx, &claim).await;
            // Only a proof that failed counts: where the database was away, nothing was guessed.
            if checked.as_ref().err().is_none_or(|error| error.code != ErrorCode::InvalidClient) {
                attempt.succeeded();
            }
            checked
        }
        // Whoever guesses is not told any more whether a guess was right.
        Err(wait) => {
            let mut error = OauthError::invalid_client().because("too many failures");
            error.retry_after = Some(wait);
            Err(error)
        }
    };
    checked.inspect_err(|error| {
        let reason = error.reason.clone().unwrap_or("client authentication failed".into());
        let actor = Actor::Client(claim.client_id().to_owned());
        cx.refused(
            &actor,
            Event::ClientRefused { client_id: claim.client_id().to_owned(), why: reason },
        );
    })
}

fn read(presented: Presented<'_>) -> Result<Claim, OauthError> {
    let params = presented.params;
    let header = presented.authorization.map(basic::read).transpose()?;
    let post = post::read(params);
    let assertion = private_key_jwt::read(params)?;
    match (header, post, assertion) {
        (Some(claim), None, None) => {
            // RFC 6749 §3.2.1 lets client_id stand in the body too, if it is the same.
            match params.find("client_id") {
                Some(other) if other != claim.client_id() => Err(OauthError::invalid_request(
                    "client_id differs from the Authorization header",
                )),
                _ => Ok(claim),
            }
        }
        (None, Some(claim), None) | (None, None, Some(claim)) => Ok(claim),
        (None, None, None) => match params.find("client_id") {
            Some(client_id) => Ok(Claim::Nothing { client_id: client_id.to_owned() }),
            None => Err(OauthError::invalid_client().because("no client authentication")),
        },
        _ => Err(OauthError::invalid_request("more than one client authentication method")),
    }
}

/// What the trail says of a client that came by a method it is not registered for: the cure is in it.
fn another_method(client: &Client, used: AuthMethod) -> String {
    let registered: Vec<&str> = client.metadata.auth_methods().map(AuthMethod::as_str).collect();
    format!("it used {}, and is registered for {}", used.as_str(), registered.join(" and "))
}

async fn check(cx: &Cx<'_>, claim: &Claim) -> Result<Authenticated, OauthError> {
    let found = cx.app.directory.known(cx.tenant, claim.client_id()).await?;
    let Some(known) = found else {
        return Err(OauthError::invalid_client().because("unknown client"));
    };
    let client = &known.client;
    cx.is_of_client(&client.client_id);
    if !client.metadata.accepts(claim.method()) {
        return Err(OauthError::invalid_client().because(another_method(client, claim.method())));
    }
    match claim {
        Claim::Basic { secret, .. } | Claim::Post { secret, .. } => {
            secret::check(client, secret, cx.now)?
        }
        Claim::Assertion { assertion, .. } => private_key_jwt::check(cx, client, assertion).await?,
        Claim::Nothing { .. } => {}
    }
    Ok(Authenticated(known))
}
