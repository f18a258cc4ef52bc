//! OpenID Connect RP-Initiated Logout 1.0.

use super::{
    Cx,
    first_party::{end_own_grant, end_own_session},
    hint::{Hint, read_hint},
};
use crate::{
    domain::{Session, SessionId},
    protocol::{OauthError, Params},
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
    let proven = |session: &Session| {
        hint.as_ref()
            .is_some_and(|hint| hint.is_proven && hint.claims.sid == session.id.to_string())
    };
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

/// The browser shows no session, but a client speaks of one: what the client was granted in it ends.
/// The session itself is the user's, who may be signed in at another browser.
async fn end_hinted(cx: &Cx<'_>, hint: Option<&Hint>) -> Result<(), OauthError> {
    let Some(Hint { claims, is_proven: true }) = hint else { return Ok(()) };
    let Ok(id) = claims.sid.parse::<SessionId>() else { return Ok(()) };
    let mut before = None;
    loop {
        let mut unit = cx.app.storage.read(&**cx.tenant).await?;
        let families = unit.tenant(cx.tenant).list_families_of(id, &claims.aud, before).await?;
        drop(unit);
        let Some(last) = families.last() else { return Ok(()) };
        before = Some(last.id);
        for family in families.iter().filter(|family| family.is_live(cx.now)) {
            end_own_grant(cx, family.id, &claims.sub).await?;
        }
    }
}

async fn back(cx: &Cx<'_>, params: &Params, hint: Option<&Hint>) -> Result<Logout, OauthError> {
    let Some(wanted) = params.find("post_logout_redirect_uri") else { return Ok(Logout::Done) };
    let unregistered =
        || OauthError::invalid_request("this post_logout_redirect_uri is not registered");
    let named = params.find("client_id");
    let client_id = match (hint, named) {
        (Some(hint), Some(named)) if hint.claims.aud != named => {
            return Err(OauthError::invalid_request("client_id differs from id_token_hint"));
        }
        (Some(hint), _) => hint.claims.aud.as_str(),
        (None, Some(named)) => named,
        (None, None) => return Err(unregistered()),
    };
    let client =
        cx.app.directory.find_client(cx.tenant, client_id).await?.ok_or_else(unregistered)?;
    let registered = &client.metadata.post_logout_redirect_uris;
    if !registered.iter().any(|known| known.matches(wanted)) {
        return Err(unregistered());
    }
    let mut uri = url::Url::parse(wanted).map_err(|_| unregistered())?;
    if let Some(state) = params.find("state") {
        uri.query_pairs_mut().append_pair("state", state);
    }
    Ok(Logout::Return(uri.into()))
}
