//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! Every request is decided anew, from its parameters and the session alone: a page that was
//! shown in between, a login or a consent, gives the browser back the same request, and what
//! comes back is checked as if it had never been seen.

use std::sync::Arc;

use super::{
    Cx, engine,
    grants::{code_digest, new_code},
    hint::read_hint,
    resource,
};
use crate::{
    domain::{Actor, AuthorizationCode, Client, Event, FamilyId, GrantType, Session, User, redirect_uri_matches},
    protocol::{AuthorizationRequest, ErrorCode, OauthError, Params, ResponseMode, Scope},
};

/// Parameters going back to a client whose redirect URI is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Where to.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// What.
    pub params: Vec<(&'static str, String)>,
}

/// Why an authorization request was refused. Sending the browser to a redirect URI that has
/// not been trusted cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// The user is told, and nobody else (RFC 6749 §4.1.2.1).
    Page(OauthError),
    /// The client is told.
    Redirect(Response),
}

/// What the browser is shown next.
pub enum Next {
    /// The login page; then this request again.
    Login {
        /// A name to put into the form.
        hint: Option<String>,
        /// Where the response will go, for the page's policy.
        redirect_uri: String,
    },
    /// The consent page; then this request again.
    Consent(Box<Consent>),
    /// The client, with a code.
    Respond(Response),
}

/// What a user is asked to allow.
pub struct Consent {
    /// To whom.
    pub client: Arc<Client>,
    /// By whom.
    pub user: User,
    /// What.
    pub scope: Scope,
    /// Where the response will go, for the page's policy.
    pub redirect_uri: String,
}

/// A user at their browser: who, and in which session.
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

/// A request that was understood: client and redirect URI trusted, scope decided.
struct Understood {
    client: Arc<Client>,
    redirect_uri: String,
    redirect_uri_given: bool,
    request: AuthorizationRequest,
    scope: Scope,
    resource: Vec<String>,
    /// The user whom `id_token_hint` means, by `sub`.
    hinted: Option<String>,
}

/// What a user's browser sends: the parameters, and which of them came twice.
pub struct Incoming<'a> {
    /// The parameters; of those that came twice, none.
    pub params: &'a Params,
    /// What is wrong with the request as a whole.
    pub fault: Option<OauthError>,
}

/// Decides what follows on an authorization request.
///
/// # Errors
/// [`AuthorizeError`].
pub async fn begin(cx: &Cx<'_>, incoming: Incoming<'_>, signed_in: Option<SignedIn>) -> Result<Next, AuthorizeError> {
    let understood = understand(cx, incoming).await?;
    let Understood { request, redirect_uri, client, .. } = &understood;
    let error = |code, text: &'static str| Err(understood.refuse(cx, OauthError::new(code, text)));
    let login = || Next::Login { hint: request.login_hint.clone(), redirect_uri: redirect_uri.clone() };
    let Some(signed_in) = signed_in else {
        return if request.prompt.none { error(ErrorCode::LoginRequired, "nobody is signed in") } else { Ok(login()) };
    };
    if understood.means_another(&signed_in.user) {
        // Whoever is signed in here is not told of, nor spoken for.
        return if request.prompt.none {
            error(ErrorCode::LoginRequired, "another user is signed in")
        } else {
            Ok(login())
        };
    }
    if understood.needs_login(cx, &signed_in.session) {
        return if request.prompt.none {
            error(ErrorCode::LoginRequired, "the sign-in is older than max_age")
        } else {
            Ok(login())
        };
    }
    let scope = resource::permitted(&signed_in.user, &understood.scope);
    if needs_consent(cx, &understood, &signed_in.user, &scope).await? {
        if request.prompt.none {
            return error(ErrorCode::ConsentRequired, "the user has not consented");
        }
        let (client, redirect_uri) = (Arc::clone(client), redirect_uri.clone());
        return Ok(Next::Consent(Box::new(Consent { client, user: signed_in.user, scope, redirect_uri })));
    }
    understood.respond(cx, &signed_in, scope, false).await.map(Next::Respond)
}

/// Answers a request after its user has decided. What [`begin`] asks of a sign-in is asked here
/// too: the page may have stood open since, or never have been shown.
///
/// # Errors
/// [`AuthorizeError`]; `access_denied` to the client where the user said no.
pub async fn decide(
    cx: &Cx<'_>,
    incoming: Incoming<'_>,
    signed_in: &SignedIn,
    allowed: bool,
) -> Result<Next, AuthorizeError> {
    let understood = understand(cx, incoming).await?;
    if understood.needs_login(cx, &signed_in.session) || understood.means_another(&signed_in.user) {
        let Understood { request, redirect_uri, .. } = &understood;
        return Ok(Next::Login { hint: request.login_hint.clone(), redirect_uri: redirect_uri.clone() });
    }
    if !allowed {
        let actor = Actor::User(signed_in.user.id.to_string());
        cx.refused(&actor, Event::ConsentDenied { client_id: understood.client.client_id.clone() });
        let denied = OauthError::new(ErrorCode::AccessDenied, "the user denied the request");
        return Err(understood.refuse(cx, denied));
    }
    let scope = resource::permitted(&signed_in.user, &understood.scope);
    understood.respond(cx, signed_in, scope, true).await.map(Next::Respond)
}

/// What comes back from the database's troubles: a page, since nothing was decided.
fn away(error: impl Into<OauthError>) -> AuthorizeError {
    AuthorizeError::Page(error.into())
}

async fn needs_consent(
    cx: &Cx<'_>,
    understood: &Understood,
    user: &User,
    scope: &Scope,
) -> Result<bool, AuthorizeError> {
    if understood.request.prompt.consent {
        return Ok(true);
    }
    if understood.client.metadata.skip_consent {
        return Ok(false);
    }
    let mut unit = cx.app.storage.read(&**cx.tenant).await.map_err(away)?;
    let given = unit.tenant(cx.tenant).find_consent(user.id, &understood.client.client_id).await.map_err(away)?;
    Ok(!scope.is_within(&given))
}

/// Reads the request: first who asks and where the answer goes, then everything else.
async fn understand(cx: &Cx<'_>, incoming: Incoming<'_>) -> Result<Understood, AuthorizeError> {
    let params = incoming.params;
    let (client, redirect_uri, redirect_uri_given) = trusted(cx, params).await.inspect_err(|error| {
        if let AuthorizeError::Page(error) = error {
            let why = error.reason.unwrap_or(error.code.as_str());
            let client_id = params.find("client_id").unwrap_or_default().to_owned();
            cx.refused(&Actor::Anonymous, Event::AuthorizeRefused { client_id, why });
        }
    })?;
    let refuse = |error: OauthError| {
        let why = error.reason.unwrap_or(error.code.as_str());
        let client_id = client.client_id.clone();
        cx.refused(&Actor::Client(client_id.clone()), Event::AuthorizeRefused { client_id, why });
        let mode = ResponseMode::from_params(params).unwrap_or(ResponseMode::Query);
        AuthorizeError::Redirect(error_response(cx, &redirect_uri, mode, params.find("state"), &error))
    };
    if let Some(fault) = incoming.fault {
        return Err(refuse(fault));
    }
    let request = AuthorizationRequest::from_params(params).map_err(refuse)?;
    if !client.allows(GrantType::AuthorizationCode) {
        let text = "the client is not registered for authorization_code";
        return Err(refuse(OauthError::new(ErrorCode::UnauthorizedClient, text)));
    }
    let default = resource::default_scope(&client, true);
    let requested = request.scope.as_ref().map(|scope| resource::understood(cx.tenant, scope)).transpose();
    let requested = requested.map_err(refuse)?;
    let scope = engine::negotiate(params, requested.as_ref(), &redirect_uri, &client.metadata.scope, &default)
        .map_err(refuse)?;
    let resource = resource::requested(cx.tenant, &request.resource, &scope).map_err(refuse)?;
    let hinted = match params.find("id_token_hint") {
        Some(token) => Some(read_hint(cx, token).await.map_err(refuse)?.claims.sub),
        None => None,
    };
    Ok(Understood { client, redirect_uri, redirect_uri_given, request, scope, resource, hinted })
}

/// The client and its redirect URI, or a page: nobody may be redirected to before this.
async fn trusted(cx: &Cx<'_>, params: &Params) -> Result<(Arc<Client>, String, bool), AuthorizeError> {
    let page = |text: &'static str| AuthorizeError::Page(OauthError::invalid_request(text));
    let client_id = params.find("client_id").ok_or_else(|| page("client_id is missing"))?;
    let client = cx.app.directory.find_client(cx.tenant, client_id).await.map_err(away)?;
    let client = client.ok_or_else(|| page("this client is not known here"))?;
    let registered = &client.metadata.redirect_uris;
    let (redirect_uri, given) = match (params.find("redirect_uri"), registered.as_slice()) {
        (Some(uri), _) if registered.iter().any(|known| redirect_uri_matches(known, uri)) => (uri.to_owned(), true),
        (Some(_), _) => return Err(page("this redirect_uri is not registered for the client")),
        (None, [only]) => (only.clone(), false),
        (None, _) => return Err(page("redirect_uri is missing")),
    };
    Ok((client, redirect_uri, given))
}

fn error_response(
    cx: &Cx<'_>,
    redirect_uri: &str,
    mode: ResponseMode,
    state: Option<&str>,
    error: &OauthError,
) -> Response {
    let mut params =
        vec![("error", error.code.as_str().to_owned()), ("error_description", error.description.to_string())];
    params.extend(state.map(|state| ("state", state.to_owned())));
    params.push(("iss", cx.app.issuer(cx.tenant)));
    Response { redirect_uri: redirect_uri.to_owned(), mode, params }
}

/// Whether a request of ours means another than `user`, by its `id_token_hint`.
///
/// # Errors
/// [`AuthorizeError`], as for the whole request.
pub async fn means_another(cx: &Cx<'_>, incoming: Incoming<'_>, user: &User) -> Result<bool, AuthorizeError> {
    Ok(understand(cx, incoming).await?.means_another(user))
}

impl Understood {
    fn means_another(&self, user: &User) -> bool {
        self.hinted.as_ref().is_some_and(|sub| *sub != user.id.to_string())
    }

    /// Whether the user must prove anew who they are (OpenID Connect Core §3.1.2.1).
    fn needs_login(&self, cx: &Cx<'_>, session: &Session) -> bool {
        let age = cx.now.since(session.auth_time);
        let too_old = self.request.max_age.is_some_and(|most| age > most);
        too_old || self.request.prompt.login || self.request.prompt.select_account
    }

    fn refuse(&self, cx: &Cx<'_>, error: OauthError) -> AuthorizeError {
        let (mode, state) = (self.request.response_mode, self.request.state.as_deref());
        AuthorizeError::Redirect(error_response(cx, &self.redirect_uri, mode, state, &error))
    }

    /// Makes a code and the response that carries it (RFC 6749 §4.1.2, RFC 9207).
    async fn respond(
        &self,
        cx: &Cx<'_>,
        signed_in: &SignedIn,
        scope: Scope,
        consented: bool,
    ) -> Result<Response, AuthorizeError> {
        let mut unit = cx.app.storage.write(&**cx.tenant).await.map_err(away)?;
        let mut store = unit.tenant(cx.tenant);
        let found = store.session_standing(signed_in.session.id, &self.client.client_id).await.map_err(away)?;
        let refusal = match &found {
            None => Some("session ended"),
            Some((session, standing)) => {
                standing.session_refusal(session, cx.now).or_else(|| standing.client_refusal())
            }
        };
        // As it stands now: somebody may have signed in anew since it was read.
        let (known, authentication) = match (found, refusal) {
            (Some((session, standing)), None) => (standing.head, session.authentication()),
            (_, why) => {
                let text = "the sign-in has been ended";
                let error = OauthError::new(ErrorCode::LoginRequired, text);
                return Err(self.refuse(cx, error.because(why.unwrap_or("session ended"))));
            }
        };
        let code = new_code(&cx.app.effects, cx.tenant.id);
        let row = AuthorizationCode {
            tenant_id: cx.tenant.id,
            digest: code_digest(&code),
            client_id: self.client.client_id.clone(),
            user_id: signed_in.user.id,
            session_id: signed_in.session.id,
            family_id: FamilyId::new(&cx.app.effects),
            redirect_uri: self.redirect_uri.clone(),
            redirect_uri_given: self.redirect_uri_given,
            scope: scope.clone(),
            resource: self.resource.clone(),
            code_challenge: self.request.code_challenge.as_str().to_owned(),
            nonce: self.request.nonce.clone(),
            born_seq: known,
            authentication,
            created_at: cx.now,
            expires_at: cx.now.plus(AuthorizationCode::TTL),
            used_at: None,
        };
        if consented {
            let given = store.find_consent(row.user_id, &row.client_id).await.map_err(away)?;
            let both = given.union(&scope);
            store.put_consent(row.user_id, &row.client_id, &both, known, cx.now).await.map_err(away)?;
            let actor = Actor::User(row.user_id.to_string());
            let event = Event::ConsentGiven { client_id: row.client_id.clone(), scope: scope.clone() };
            store.tell(&cx.occurrence(&actor, event)).await.map_err(away)?;
        }
        store.insert_code(&row).await.map_err(away)?;
        store.touch_session(row.session_id, cx.now).await.map_err(away)?;
        unit.commit().await.map_err(away)?;
        let mut params = vec![("code", code)];
        params.extend(self.request.state.clone().map(|state| ("state", state)));
        params.push(("iss", cx.app.issuer(cx.tenant)));
        Ok(Response { redirect_uri: self.redirect_uri.clone(), mode: self.request.response_mode, params })
    }
}
