//! Portcullis, as a client sees it: A and B of RFC 6749's picture, and the refresh (G, H).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken, CoreTokenResponse,
    },
};

use crate::{
    http::Http,
    renewal::{Lost, Pair},
    settings::Settings,
};

const SCOPE: [&str; 4] = ["profile", "email", "offline_access", "reports.read"];

/// What the issuer says of itself, and its keys, are read again after so long.
const HELD_FOR: Duration = Duration::from_secs(300);

type Discovered = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A sign-in that has begun. It stays here: what comes back must fit it.
pub struct Pending {
    state: CsrfToken,
    nonce: Nonce,
    verifier: String,
}

/// Somebody who came back.
pub struct SignedIn {
    /// What they are called.
    pub name: String,
    /// Their ID token.
    pub id_token: String,
    /// What the API is called with.
    pub pair: Pair,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    /// What came back fits no sign-in that was begun here, or was refused.
    #[error("{0}")]
    Refused(String),
    /// Portcullis cannot be asked.
    #[error("Portcullis does not answer")]
    Away,
}

/// The query of the callback (RFC 6749 §4.1.2, RFC 9207).
#[derive(serde::Deserialize)]
pub struct Callback {
    /// The code.
    pub code: Option<String>,
    /// What the sign-in was begun with.
    pub state: Option<String>,
    /// Whose answer it is.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// The tenant at Portcullis.
pub struct Provider {
    settings: Settings,
    http: Http,
    discovered: RwLock<Option<(Instant, Arc<ProviderMetadataWithLogout>)>>,
}

impl Provider {
    /// A tenant that is first asked when somebody signs in.
    pub fn new(settings: Settings, http: Http) -> Self {
        Self { settings, http, discovered: RwLock::default() }
    }

    async fn metadata(&self) -> Option<Arc<ProviderMetadataWithLogout>> {
        let held = self.discovered.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = held
            && at.elapsed() < HELD_FOR
        {
            return Some(metadata);
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).ok()?;
        let read = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await.ok()?;
        let metadata = Arc::new(read);
        let mut held = self.discovered.write().unwrap_or_else(PoisonError::into_inner);
        *held = Some((Instant::now(), Arc::clone(&metadata)));
        Some(metadata)
    }

    async fn client(&self) -> Option<Discovered> {
        let metadata = self.metadata().await?;
        let redirect = RedirectUrl::new(format!("{}/callback", self.settings.base())).ok()?;
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let client = CoreClient::from_provider_metadata((*metadata).clone(), id, Some(secret));
        Some(client.set_redirect_uri(redirect))
    }

    /// A: where the browser is to go, and what is to be kept until it comes back.
    ///
    /// # Errors
    /// Portcullis is away.
    pub async fn begin(&self) -> Result<(String, Pending), NotSignedIn> {
        let client = self.client().await.ok_or(NotSignedIn::Away)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(SCOPE.map(|token| Scope::new(token.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Ok((url.into(), Pending { state, nonce, verifier: verifier.into_secret() }))
    }

    /// B: exchanges the code that came back.
    ///
    /// # Errors
    /// [`NotSignedIn`].
    pub async fn finish(&self, pending: &Pending, back: Callback) -> Result<SignedIn, NotSignedIn> {
        let refused = |why: &str| NotSignedIn::Refused(why.to_owned());
        if back.state.as_deref() != Some(pending.state.secret()) {
            return Err(refused("This answer belongs to another sign-in."));
        }
        // RFC 9207: an answer of another server is not to be taken to this one.
        if back.iss.as_deref() != Some(&self.settings.issuer) {
            return Err(refused("This answer comes from somewhere else."));
        }
        let code = match (back.code, back.error.as_deref()) {
            (Some(code), None) => AuthorizationCode::new(code),
            (_, Some("access_denied")) => return Err(refused("You did not allow it.")),
            _ => return Err(refused("Portcullis refused the sign-in.")),
        };
        let client = self.client().await.ok_or(NotSignedIn::Away)?;
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let asked = client.exchange_code(code).map_err(|_| NotSignedIn::Away)?;
        let answer = asked.set_pkce_verifier(verifier).request_async(&self.http).await;
        let tokens = answer.map_err(|why| match why {
            RequestTokenError::ServerResponse(_) => refused("The code is used up or too old."),
            _ => NotSignedIn::Away,
        })?;
        let id_token = tokens.id_token().ok_or_else(|| refused("There is no ID token."))?;
        let claims = id_token
            .claims(&client.id_token_verifier(), &pending.nonce)
            .map_err(|_| refused("The ID token is not for this sign-in."))?;
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        let name = name.unwrap_or_else(|| claims.subject().to_string());
        let pair = pair(&tokens).ok_or_else(|| refused("There is no refresh token."))?;
        Ok(SignedIn { name, id_token: id_token.to_string(), pair })
    }

    /// G and H: a new pair for a refresh token (RFC 6749 §6). Asked twice where the answer is lost: within its grace the
    /// server answers the same again.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn refresh(&self, refresh: &str) -> Result<Pair, Lost> {
        match self.refresh_once(refresh).await {
            Err(Lost::Away) => self.refresh_once(refresh).await,
            answered => answered,
        }
    }

    async fn refresh_once(&self, refresh: &str) -> Result<Pair, Lost> {
        let client = self.client().await.ok_or(Lost::Away)?;
        let token = RefreshToken::new(refresh.to_owned());
        let asked = client.exchange_refresh_token(&token).map_err(|_| Lost::Away)?;
        let answer = asked.request_async(&self.http).await.map_err(|why| match why {
            RequestTokenError::ServerResponse(said)
                if *said.error() == CoreErrorResponseType::InvalidGrant =>
            {
                Lost::Ended
            }
            _ => Lost::Away,
        })?;
        pair(&answer).ok_or(Lost::Away)
    }

    /// Where the browser is to go to be signed out of Portcullis too (RP-Initiated Logout).
    pub async fn sign_out(&self, id_token: &str) -> Option<String> {
        let metadata = self.metadata().await?;
        let endpoint = metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(format!("{}/", self.settings.base())).ok()?;
        let hint: CoreIdToken = id_token.parse().ok()?;
        let request = LogoutRequest::from(endpoint).set_id_token_hint(&hint);
        Some(request.set_post_logout_redirect_uri(back).http_get_url().into())
    }
}

fn pair(answer: &CoreTokenResponse) -> Option<Pair> {
    Some(Pair {
        access: answer.access_token().secret().clone(),
        refresh: answer.refresh_token()?.secret().clone(),
    })
}
