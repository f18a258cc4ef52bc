//! oxide-auth's state machines, and the only place that knows them.
//!
//! They decide what RFC 6749 says about a grant: which scope it may have, and whether it
//! belongs to the client that presents it. What they get wrong or leave open is mended here:
//! - they read the clock themselves, so grants are handed over as if they never expired and
//!   expiry is checked by the caller, who has the request's one instant;
//! - they answer `invalid_request` to an unknown code where RFC 6749 §5.2 says `invalid_grant`;
//! - they compare redirect URIs after parsing, so the caller's texts are compared as well;
//! - they require a redirect URI at the token endpoint even where the authorization request
//!   named none (RFC 6749 §4.1.3), so the stored one stands in;
//! - they do not compare the client of a public client's refresh, so every client is handed
//!   over as one that has authenticated, which it has.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use oxide_auth::{
    code_grant::{
        accesstoken::{self, AccessToken, Authorization as Credentials},
        authorization::{self, Authorization},
        error::{AccessTokenErrorType, AuthorizationErrorType},
        refresh::{self, Refresh},
    },
    primitives::{
        grant::{Extensions, Grant},
        registrar::{BoundClient, ExactUrl, PreGrant, RegisteredUrl},
        scope::Scope as Rights,
    },
};

use crate::{
    domain::AuthorizationCode,
    protocol::{ErrorCode, OauthError, Params, Scope},
};

/// Decides the scope of an authorization request: what is `requested` where it lies within
/// `ceiling`, `default` where nothing is (RFC 6749 §3.3).
///
/// # Errors
/// `unsupported_response_type`, `invalid_scope`.
pub(super) fn negotiate(
    params: &Params,
    requested: Option<&Scope>,
    redirect_uri: &str,
    ceiling: &Scope,
    default: &Scope,
) -> Result<Scope, OauthError> {
    let client_id = params.find("client_id").unwrap_or_default();
    let request =
        AuthorizationParams { params, scope: requested.map(Scope::to_string), redirect_uri };
    let mut machine = Authorization::new(&request);
    let mut input = authorization::Input::None;
    loop {
        input = match machine.advance(input) {
            authorization::Output::Bind { .. } => authorization::Input::Bound {
                request: &request,
                bound_client: BoundClient {
                    client_id: Cow::Owned(client_id.to_owned()),
                    redirect_uri: Cow::Owned(RegisteredUrl::Exact(exact(redirect_uri)?)),
                },
            },
            authorization::Output::Extend => authorization::Input::Extended(Extensions::new()),
            authorization::Output::Negotiate { scope, .. } => {
                let scope = within(scope, ceiling, default)?;
                let redirect_uri = RegisteredUrl::Exact(exact(redirect_uri)?);
                let pre_grant = PreGrant { client_id: client_id.to_owned(), redirect_uri, scope };
                authorization::Input::Negotiated { pre_grant, state: None }
            }
            authorization::Output::Ok { pre_grant, .. } => return granted(&pre_grant.scope),
            authorization::Output::Err(authorization::Error::Redirect(mut error)) => {
                return Err(match error.description().kind() {
                    AuthorizationErrorType::UnsupportedResponseType => OauthError::new(
                        ErrorCode::UnsupportedResponseType,
                        "response_type must be code",
                    ),
                    _ => invalid_scope(),
                });
            }
            authorization::Output::Err(_) => {
                return Err(OauthError::invalid_request("malformed request"));
            }
        };
    }
}

/// Decides the scope of a request that needs no redirect: client credentials and password.
///
/// # Errors
/// `invalid_scope`.
pub(super) fn narrow(
    requested: Option<&str>,
    ceiling: &Scope,
    default: &Scope,
) -> Result<Scope, OauthError> {
    let requested = requested.map(rights).transpose()?;
    granted(&within(requested, ceiling, default)?)
}

/// Holds a code against the token request that presents it (RFC 6749 §4.1.3).
///
/// # Errors
/// `invalid_grant` where client or redirect URI differ.
pub(super) fn redeem(
    code: &AuthorizationCode,
    params: &Params,
    client_id: &str,
) -> Result<(), OauthError> {
    let presented = params.find("redirect_uri");
    let redirect_uri = match presented {
        Some(given) => given,
        None if !code.redirect_uri_given => &code.redirect_uri,
        None => return Err(OauthError::invalid_grant().because("redirect_uri missing")),
    };
    if redirect_uri != code.redirect_uri {
        return Err(OauthError::invalid_grant().because("another redirect_uri"));
    }
    let request = TokenParams { params, client_id, redirect_uri };
    let mut machine = AccessToken::new(&request);
    let mut input = accesstoken::Input::None;
    loop {
        input = match machine.advance(input) {
            // The client has authenticated before it came here, by whatever method it registered.
            accesstoken::Output::Authenticate { .. } => accesstoken::Input::Authenticated,
            accesstoken::Output::Recover { .. } => {
                let redirect_uri = exact(&code.redirect_uri)?.to_url();
                let grant =
                    grant(&code.user_id.to_string(), &code.client_id, &code.scope, redirect_uri)?;
                accesstoken::Input::Recovered(Some(Box::new(grant)))
            }
            accesstoken::Output::Extend { .. } => {
                accesstoken::Input::Extended { access_extensions: Extensions::new() }
            }
            accesstoken::Output::Issue { .. } | accesstoken::Output::Ok(_) => return Ok(()),
            accesstoken::Output::Err(_) => {
                return Err(OauthError::invalid_grant().because("another client"));
            }
        };
    }
}

/// Decides the scope of a refresh: what is asked for where it lies within what was granted
/// (RFC 6749 §6).
///
/// # Errors
/// `invalid_scope`.
pub(super) fn narrow_refresh(
    requested: Option<&str>,
    family_scope: &Scope,
    owner: &str,
    client_id: &str,
) -> Result<Scope, OauthError> {
    let request = RefreshParams { client_id };
    let mut machine = Refresh::new(&request);
    let mut input = refresh::Input::None;
    loop {
        let scope = requested.map(Cow::Borrowed);
        input = match machine.advance(input) {
            refresh::Output::Unauthenticated { .. } => refresh::Input::Authenticated { scope },
            refresh::Output::RecoverRefresh { .. } => {
                let nowhere = exact("https://refresh.invalid/")?.to_url();
                let grant = grant(owner, client_id, family_scope, nowhere)?;
                refresh::Input::Recovered { scope, grant: Some(Box::new(grant)) }
            }
            refresh::Output::Refresh { grant, .. } => return granted(&grant.scope),
            refresh::Output::Ok(_) => return Err(OauthError::invalid_grant()),
            refresh::Output::Err(mut error) => {
                let kind = error.description().map(|description| description.kind());
                return Err(match kind {
                    Some(AccessTokenErrorType::InvalidScope) => invalid_scope(),
                    _ => OauthError::invalid_grant().because("refused by the engine"),
                });
            }
        };
    }
}

fn invalid_scope() -> OauthError {
    OauthError::new(
        ErrorCode::InvalidScope,
        "the scope is malformed, unknown, or more than may be granted",
    )
}

fn rights(text: &str) -> Result<Rights, OauthError> {
    // Our own bound on the number of tokens comes first.
    text.parse::<Scope>().map_err(|_| invalid_scope())?;
    text.parse().map_err(|_| invalid_scope())
}

fn granted(rights: &Rights) -> Result<Scope, OauthError> {
    rights.to_string().parse().map_err(|_| invalid_scope())
}

fn within(
    requested: Option<Rights>,
    ceiling: &Scope,
    default: &Scope,
) -> Result<Rights, OauthError> {
    match requested {
        None => rights(&default.to_string()),
        Some(requested) if rights(&ceiling.to_string())?.priviledged_to(&requested) => {
            Ok(requested)
        }
        Some(_) => Err(invalid_scope()),
    }
}

fn exact(uri: &str) -> Result<ExactUrl, OauthError> {
    ExactUrl::new(uri.to_owned()).map_err(|_| OauthError::invalid_request("redirect_uri is no URI"))
}

fn grant(
    owner: &str,
    client_id: &str,
    scope: &Scope,
    redirect_uri: url::Url,
) -> Result<Grant, OauthError> {
    Ok(Grant {
        owner_id: owner.to_owned(),
        client_id: client_id.to_owned(),
        scope: rights(&scope.to_string())?,
        redirect_uri,
        until: DateTime::<Utc>::MAX_UTC,
        extensions: Extensions::new(),
    })
}

struct AuthorizationParams<'a> {
    params: &'a Params,
    scope: Option<String>,
    redirect_uri: &'a str,
}

impl authorization::Request for AuthorizationParams<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.params.find("client_id").map(Cow::Borrowed)
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.scope.as_deref().map(Cow::Borrowed)
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.redirect_uri))
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        self.params.find("response_type").map(Cow::Borrowed)
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.params.find(key).map(Cow::Borrowed)
    }
}

struct TokenParams<'a> {
    params: &'a Params,
    client_id: &'a str,
    redirect_uri: &'a str,
}

impl accesstoken::Request for TokenParams<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.params.find("code").map(Cow::Borrowed)
    }
    fn authorization(&self) -> Credentials<'_> {
        Credentials::Username(Cow::Borrowed(self.client_id))
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.redirect_uri))
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("authorization_code"))
    }
    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

struct RefreshParams<'a> {
    client_id: &'a str,
}

impl refresh::Request for RefreshParams<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("checked before"))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("refresh_token"))
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn extension(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}
