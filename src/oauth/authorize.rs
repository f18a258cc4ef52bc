//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! Every request is decided anew, from its parameters and the session alone: a page that was shown in
//! between, a login or a consent, carries the [`Interaction`](super::interaction::Interaction), and its
//! request is checked as if it had never been seen.

use std::sync::Arc;

pub use super::response::{AuthorizeError, Incoming, Response};
use super::{
    Cx,
    checks::{Understood, understand},
    grants::{code_digest, new_code},
    resource,
    response::{away, error_response},
};
use crate::{
    accounts::Visitor,
    domain::{
        Actor, Authentication, AuthorizationCode, Client, Event, EventNumber, FamilyId, User,
    },
    protocol::{ErrorCode, OauthError, Scope},
    storage::TenantStore,
};

/// What the browser is shown next.
pub enum Next {
    /// The login page; then this request again.
    Login {
        /// Who asks for it.
        client: Arc<Client>,
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

/// Decides what follows on an authorization request.
///
/// # Errors
/// [`AuthorizeError`].
pub async fn begin(
    cx: &Cx<'_>,
    incoming: Incoming<'_>,
    signed_in: Option<Visitor>,
) -> Result<Next, AuthorizeError> {
    let understood = understand(cx, &incoming).await?;
    let interaction = incoming.interaction;
    let Understood { request, redirect_uri, client, .. } = &understood;
    let error = |code, text: &'static str| Err(understood.refuse(cx, &OauthError::new(code, text)));
    let login = || understood.login();
    let Some(signed_in) = signed_in else {
        return if request.prompt.none {
            error(ErrorCode::LoginRequired, "nobody is signed in")
        } else {
            Ok(login())
        };
    };
    if understood.means_another(&signed_in.user) {
        // Whoever is signed in here is not told of, nor spoken for.
        return if request.prompt.none {
            error(ErrorCode::LoginRequired, "another user is signed in")
        } else {
            Ok(login())
        };
    }
    if interaction.owes_login(request, &signed_in.session, cx.now) {
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
        return Ok(Next::Consent(Box::new(Consent {
            client,
            user: signed_in.user,
            scope,
            redirect_uri,
        })));
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
    signed_in: &Visitor,
    allowed: bool,
) -> Result<Next, AuthorizeError> {
    let understood = understand(cx, &incoming).await?;
    let owes_login =
        incoming.interaction.owes_login(&understood.request, &signed_in.session, cx.now);
    if owes_login || understood.means_another(&signed_in.user) {
        return Ok(understood.login());
    }
    if !allowed {
        let actor = Actor::User(signed_in.user.id.to_string());
        cx.refused(&actor, Event::ConsentDenied { client_id: understood.client.client_id.clone() });
        let denied = OauthError::new(ErrorCode::AccessDenied, "the user denied the request");
        return Err(understood.refuse(cx, &denied));
    }
    let scope = resource::permitted(&signed_in.user, &understood.scope);
    understood.respond(cx, signed_in, scope, true).await.map(Next::Respond)
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
    let given = unit
        .tenant(cx.tenant)
        .find_consent(user.id, &understood.client.client_id)
        .await
        .map_err(away)?;
    Ok(!scope.is_within(&given))
}

/// Whether a request of ours means another than `user`, by its `id_token_hint`.
///
/// # Errors
/// [`AuthorizeError`], as for the whole request.
pub async fn means_another(
    cx: &Cx<'_>,
    incoming: Incoming<'_>,
    user: &User,
) -> Result<bool, AuthorizeError> {
    Ok(understand(cx, &incoming).await?.means_another(user))
}

impl Understood {
    fn means_another(&self, user: &User) -> bool {
        self.hinted.as_ref().is_some_and(|sub| *sub != user.id.to_string())
    }

    fn login(&self) -> Next {
        let (client, redirect_uri) = (Arc::clone(&self.client), self.redirect_uri.clone());
        Next::Login { client, hint: self.request.login_hint.clone(), redirect_uri }
    }

    fn refuse(&self, cx: &Cx<'_>, error: &OauthError) -> AuthorizeError {
        let (mode, state) = (self.request.response_mode, self.request.state.as_deref());
        AuthorizeError::Redirect(error_response(cx, &self.redirect_uri, mode, state, error))
    }

    /// Makes a code and the response that carries it (RFC 6749 §4.1.2, RFC 9207).
    async fn respond(
        &self,
        cx: &Cx<'_>,
        signed_in: &Visitor,
        scope: Scope,
        consented: bool,
    ) -> Result<Response, AuthorizeError> {
        let mut unit = cx.app.storage.write(&**cx.tenant).await.map_err(away)?;
        let mut store = unit.tenant(cx.tenant);
        let (known, authentication) = self.grounds(cx, &mut store, signed_in).await?;
        let code = new_code(&cx.app.effects, cx.tenant.id);
        let row = self.code_row(cx, &code, signed_in, (known, authentication), &scope);
        if consented {
            let given = store.find_consent(row.user_id, &row.client_id).await.map_err(away)?;
            let both = given.union(&scope);
            store
                .put_consent(row.user_id, &row.client_id, &both, known, cx.now)
                .await
                .map_err(away)?;
            let actor = Actor::User(row.user_id.to_string());
            let event = Event::ConsentGiven { client_id: row.client_id.clone(), scope };
            store.tell(&cx.occurrence(&actor, event));
        }
        store.insert_code(&row).await.map_err(away)?;
        store.touch_session(row.session_id, cx.now).await.map_err(away)?;
        unit.commit().await.map_err(away)?;
        let mut params = vec![("code", code)];
        params.extend(self.request.state.clone().map(|state| ("state", state)));
        params.push(("iss", cx.app.issuer(cx.tenant)));
        Ok(Response {
            redirect_uri: self.redirect_uri.clone(),
            mode: self.request.response_mode,
            params,
        })
    }

    /// What a code rests on, as it stands now: somebody may have ended the session, or signed in anew, since
    /// it was read.
    async fn grounds(
        &self,
        cx: &Cx<'_>,
        store: &mut TenantStore<'_>,
        signed_in: &Visitor,
    ) -> Result<(EventNumber, Authentication), AuthorizeError> {
        let found = store
            .session_standing(signed_in.session.id, &self.client.client_id)
            .await
            .map_err(away)?;
        let ended = |why| {
            let error = OauthError::new(ErrorCode::LoginRequired, "the sign-in has been ended");
            self.refuse(cx, &error.because(why))
        };
        let (session, standing) = found.ok_or_else(|| ended("session ended"))?;
        match standing.session_refusal(&session, cx.now).or_else(|| standing.client_refusal()) {
            None => Ok((standing.head, session.authentication)),
            Some(why) => Err(ended(why)),
        }
    }

    fn code_row(
        &self,
        cx: &Cx<'_>,
        code: &str,
        signed_in: &Visitor,
        (known, authentication): (EventNumber, Authentication),
        scope: &Scope,
    ) -> AuthorizationCode {
        AuthorizationCode {
            tenant_id: cx.tenant.id,
            digest: code_digest(code),
            client_id: self.client.client_id.clone(),
            user_id: signed_in.user.id,
            session_id: signed_in.session.id,
            family_id: cx.app.effects.id::<FamilyId>(),
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
        }
    }
}
