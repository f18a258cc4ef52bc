//! What is asked of an authorization request, in this order (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.2,
//! RFC 9700 §2.1). Whoever lets one in by another door (pushed, in a token, at a device) asks the same here.

use std::sync::Arc;

use super::{
    Cx, engine,
    hint::read_hint,
    resource,
    response::{AuthorizeError, Incoming, away, error_response},
};
use crate::{
    domain::{Actor, Client, Event, GrantType},
    protocol::{AuthorizationRequest, ErrorCode, OauthError, Params, ResponseMode, Scope},
};

/// A request that was understood: client and redirect URI trusted, scope decided.
pub(super) struct Understood {
    pub(super) client: Arc<Client>,
    pub(super) redirect_uri: String,
    pub(super) redirect_uri_given: bool,
    pub(super) request: AuthorizationRequest,
    pub(super) scope: Scope,
    pub(super) resource: Vec<String>,
    /// The user whom `id_token_hint` means, by `sub`.
    pub(super) hinted: Option<String>,
}

/// Reads the request: first who asks and where the answer goes, then everything else.
pub(super) async fn understand(
    cx: &Cx<'_>,
    incoming: &Incoming<'_>,
) -> Result<Understood, AuthorizeError> {
    let params = incoming.interaction.params();
    let (client, redirect_uri, redirect_uri_given) =
        trusted(cx, params).await.inspect_err(|error| {
            if let AuthorizeError::Page(error) = error {
                // Its code says the least of it: what is told to the page is told to the trail.
                let why =
                    error.reason.clone().unwrap_or_else(|| error.description.to_string().into());
                let client_id = params.find("client_id").unwrap_or_default().to_owned();
                cx.refused(&Actor::Anonymous, Event::AuthorizeRefused { client_id, why });
            }
        })?;
    let refuse = |error: OauthError| {
        let why = error.reason.clone().unwrap_or(error.code.as_str().into());
        let client_id = client.client_id.clone();
        cx.refused(&Actor::Client(client_id.clone()), Event::AuthorizeRefused { client_id, why });
        let mode = ResponseMode::from_params(params).unwrap_or(ResponseMode::Query);
        AuthorizeError::Redirect(error_response(
            cx,
            &redirect_uri,
            mode,
            params.find("state"),
            &error,
        ))
    };
    if let Some(fault) = &incoming.fault {
        return Err(refuse(fault.clone()));
    }
    let request = AuthorizationRequest::from_params(params).map_err(refuse)?;
    if !client.allows(GrantType::AuthorizationCode) {
        let text = "the client is not registered for authorization_code";
        return Err(refuse(OauthError::new(ErrorCode::UnauthorizedClient, text)));
    }
    let scope = negotiated(cx, &client, params, &request, &redirect_uri).map_err(refuse)?;
    let resource = resource::requested(cx.tenant, &request.resource, &scope).map_err(refuse)?;
    let hinted = match params.find("id_token_hint") {
        Some(token) => Some(read_hint(cx, token).await.map_err(refuse)?.claims.sub),
        None => None,
    };
    Ok(Understood { client, redirect_uri, redirect_uri_given, request, scope, resource, hinted })
}

/// What is asked for, of what the client may ask (RFC 6749 §3.3).
fn negotiated(
    cx: &Cx<'_>,
    client: &Client,
    params: &Params,
    request: &AuthorizationRequest,
    redirect_uri: &str,
) -> Result<Scope, OauthError> {
    let default = resource::default_scope(client, true);
    let understood = |scope| resource::understood(cx.tenant, scope);
    let requested = request.scope.as_ref().map(understood).transpose()?;
    engine::negotiate(params, requested.as_ref(), redirect_uri, &client.metadata.scope, &default)
}

/// The client and its redirect URI, or a page: nobody may be redirected to before this.
async fn trusted(
    cx: &Cx<'_>,
    params: &Params,
) -> Result<(Arc<Client>, String, bool), AuthorizeError> {
    let page = |text: &'static str| AuthorizeError::Page(OauthError::invalid_request(text));
    let client_id = params.find("client_id").ok_or_else(|| page("client_id is missing"))?;
    let client = cx.app.directory.find_client(cx.tenant, client_id).await.map_err(away)?;
    let client = client.ok_or_else(|| page("this client is not known here"))?;
    cx.is_of_client(&client.client_id);
    let registered = &client.metadata.redirect_uris;
    let (redirect_uri, given) = match (params.find("redirect_uri"), registered.as_slice()) {
        (Some(uri), _) if registered.iter().any(|known| known.matches(uri)) => {
            (uri.to_owned(), true)
        }
        (Some(_), _) => return Err(page("this redirect_uri is not registered for the client")),
        (None, [only]) => (only.as_str().to_owned(), false),
        (None, _) => return Err(page("redirect_uri is missing")),
    };
    Ok((client, redirect_uri, given))
}
