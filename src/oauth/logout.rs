//! OpenID Connect RP-Initiated Logout 1.0.

use super::{Cx, first_party::end_own_session};
use crate::{
    domain::{Session, SessionId, redirect_uri_matches},
    keys::TokenType,
    protocol::{IdTokenClaims, OauthError, Params},
};

/// What follows on a logout request.
pub enum Logout {
    /// Ask the user: nothing proves that it is their own wish. Once they agree, the way leads
    /// to this registered address, where the request names one.
    Confirm(Option<String>),
    /// The session has ended; go back to the client.
    Return(String),
    /// The session has ended; say so here.
    Done,
}

/// Logs out of the session that the browser holds.
///
/// An ID token of that very session proves that the request comes from one of its clients;
/// so does the user's own confirmation. Anything else is asked about first.
///
/// # Errors
/// `invalid_request`, to be shown as a page: an ID token that is none of ours, or a
/// `post_logout_redirect_uri` that is not registered. The session has ended all the same
/// where the request was proven.
pub async fn logout(
    cx: &Cx<'_>,
    params: &Params,
    session: Option<&Session>,
    confirmed: bool,
) -> Result<Logout, OauthError> {
    let hint = match params.find("id_token_hint") {
        Some(token) => Some(read_hint(cx, token).await?),
        None => None,
    };
    let proven = |session: &Session| hint.as_ref().is_some_and(|hint| hint.sid == session.id.to_string());
    match session {
        Some(session) if confirmed || proven(session) => {
            end_own_session(cx, session.id, &session.user_id.to_string()).await?;
        }
        Some(_) => {
            let leads_to = match back(cx, params, hint.as_ref()).await {
                Ok(Logout::Return(uri)) => Some(uri),
                // What is wrong with it is told once the session has ended.
                _ => None,
            };
            return Ok(Logout::Confirm(leads_to));
        }
        None => end_hinted(cx, hint.as_ref()).await?,
    }
    back(cx, params, hint.as_ref()).await
}

/// The browser has no session any more, but its client still speaks of one.
async fn end_hinted(cx: &Cx<'_>, hint: Option<&IdTokenClaims>) -> Result<(), OauthError> {
    let Some(hint) = hint else { return Ok(()) };
    let Ok(id) = hint.sid.parse::<SessionId>() else { return Ok(()) };
    let session = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_session(id).await?;
    match session {
        Some(session) if session.is_live(cx.now) => end_own_session(cx, session.id, &hint.sub).await,
        _ => Ok(()),
    }
}

/// An ID token of this tenant, expired ones too (RP-Initiated Logout §2).
async fn read_hint(cx: &Cx<'_>, token: &str) -> Result<IdTokenClaims, OauthError> {
    let keys = cx.app.keys.of(cx.tenant).await?;
    let wrong = || OauthError::invalid_request("id_token_hint is no ID token of this server");
    let claims: IdTokenClaims = keys.verify(TokenType::Id, token).map_err(|_| wrong())?;
    if claims.iss == cx.app.issuer(cx.tenant) { Ok(claims) } else { Err(wrong()) }
}

async fn back(cx: &Cx<'_>, params: &Params, hint: Option<&IdTokenClaims>) -> Result<Logout, OauthError> {
    let Some(wanted) = params.find("post_logout_redirect_uri") else { return Ok(Logout::Done) };
    let unregistered = || OauthError::invalid_request("this post_logout_redirect_uri is not registered");
    let named = params.find("client_id");
    let client_id = match (hint, named) {
        (Some(hint), Some(named)) if hint.aud != named => {
            return Err(OauthError::invalid_request("client_id differs from id_token_hint"));
        }
        (Some(hint), _) => hint.aud.as_str(),
        (None, Some(named)) => named,
        (None, None) => return Err(unregistered()),
    };
    let client = cx.app.directory.find_client(cx.tenant, client_id).await?.ok_or_else(unregistered)?;
    let registered = &client.metadata.post_logout_redirect_uris;
    if !registered.iter().any(|known| redirect_uri_matches(known, wanted)) {
        return Err(unregistered());
    }
    let mut uri = url::Url::parse(wanted).map_err(|_| unregistered())?;
    if let Some(state) = params.find("state") {
        uri.query_pairs_mut().append_pair("state", state);
    }
    Ok(Logout::Return(uri.into()))
}
