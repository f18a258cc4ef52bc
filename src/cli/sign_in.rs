//! The shell as an OAuth client of a tenant: a browser signs somebody in (RFC 8252), and tokens come of it.

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Failure, loopback::Loopback, now, output::Out, profiles::Profile};
use crate::outside::{HttpClient, HttpError, Request};

/// What a tenant says of itself (RFC 8414), as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) revocation_endpoint: String,
    pub(super) introspection_endpoint: String,
    pub(super) userinfo_endpoint: String,
    pub(super) end_session_endpoint: String,
}

/// The client that the shell is.
#[derive(Clone)]
pub(super) struct App {
    pub(super) client_id: String,
    pub(super) secret: Option<SecretString>,
    /// Whether the secret goes into the body (RFC 6749 §2.3.1).
    pub(super) in_body: bool,
}

/// What a token endpoint has handed out.
pub(super) struct Tokens {
    pub(super) access_token: String,
    /// In seconds since the Unix epoch.
    pub(super) expires_at: u64,
    pub(super) refresh_token: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) scope: String,
}

/// What OpenID Connect adds to an answer.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct OfOpenId {
    id_token: Option<String>,
}

impl ExtraTokenFields for OfOpenId {}

type Response = StandardTokenResponse<OfOpenId, BasicTokenType>;

type OauthClient = Client<
    BasicErrorResponse,
    Response,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl From<Response> for Tokens {
    fn from(response: Response) -> Self {
        let lives = response.expires_in().unwrap_or_default().as_secs();
        let scope = response.scopes().into_iter().flatten().map(|scope| scope.to_string());
        Self {
            access_token: response.access_token().secret().clone(),
            expires_at: now() + lives,
            refresh_token: response.refresh_token().map(|token| token.secret().clone()),
            id_token: response.extra_fields().id_token.clone(),
            scope: scope.collect::<Vec<_>>().join(" "),
        }
    }
}

/// Reads JSON of a server.
pub(super) async fn read_json<T: DeserializeOwned>(
    http: &HttpClient,
    request: Request<Vec<u8>>,
) -> Result<T, Failure> {
    let at = request.uri().to_string();
    let answer = http.send(request).await?;
    if !answer.status().is_success() {
        return Err(Failure(format!("{at} answered {}", answer.status().as_u16())));
    }
    serde_json::from_slice(answer.body())
        .map_err(|why| Failure(format!("{at} answered no such JSON: {why}")))
}

/// What a tenant of a server says of itself.
pub(super) async fn discover(
    http: &HttpClient,
    server: &str,
    tenant: &str,
) -> Result<Metadata, Failure> {
    let at = format!("{server}/t/{tenant}/.well-known/openid-configuration");
    let metadata: Metadata = read_json(http, Request::get(&at).body(Vec::new())?).await?;
    // Of another issuer it would be somebody else's (RFC 8414 §3.3).
    if metadata.issuer != format!("{server}/t/{tenant}") {
        return Err(Failure(format!("{at} speaks for {}: name that server", metadata.issuer)));
    }
    Ok(metadata)
}

fn client_of(app: &App, authorize: &str, token: &str) -> Result<OauthClient, Failure> {
    let client = Client::new(ClientId::new(app.client_id.clone()))
        .set_auth_uri(AuthUrl::new(authorize.to_owned())?)
        .set_token_uri(TokenUrl::new(token.to_owned())?)
        .set_auth_type(if app.in_body { AuthType::RequestBody } else { AuthType::BasicAuth });
    Ok(match &app.secret {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    })
}

async fn sent(http: HttpClient, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    http.send(request).await
}

/// A refusal in the words of the server.
fn refused(why: RequestTokenError<HttpError, BasicErrorResponse>) -> Failure {
    match why {
        RequestTokenError::ServerResponse(answer) => {
            let description = answer.error_description().map_or("", String::as_str);
            Failure(format!("{}: {description}", answer.error()))
        }
        RequestTokenError::Request(why) => Failure::from(why),
        other => Failure::from(other),
    }
}

/// The path at which the browser comes back.
pub(super) const CALLBACK: &str = "/callback";

/// Opens a browser at `address`, and says where it went for whoever has none here.
pub(super) fn browse(address: &str, opens: bool, out: Out) {
    if opens && open::that_detached(address).is_ok() {
        out.note(&format!("a browser was opened; if it was not, go to\n{address}"));
    } else {
        // Without it nothing can go on: it is said whatever is kept quiet.
        eprintln!("go to\n{address}");
    }
}

/// Signs somebody in with a browser: the authorization code flow with PKCE against a loopback address.
pub(super) async fn signed_in(
    http: &HttpClient,
    metadata: &Metadata,
    app: &App,
    scope: &str,
    browser: impl Fn(&str),
) -> Result<Tokens, Failure> {
    let loopback = Loopback::open().await?;
    let client = client_of(app, &metadata.authorization_endpoint, &metadata.token_endpoint)?
        .set_redirect_uri(RedirectUrl::new(loopback.address(CALLBACK))?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = scope.split_whitespace().map(|scope| Scope::new(scope.to_owned()));
    let (address, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes)
        .set_pkce_challenge(challenge)
        .url();
    browser(address.as_str());
    let came = loopback.wait(CALLBACK, state.secret()).await?;
    let of = |name: &str| came.get(name).map_or("", String::as_str);
    // RFC 9207: what another server has answered is not for this one.
    if of("iss") != metadata.issuer {
        return Err(Failure(format!(
            "the answer is of {:?} and not of {}",
            of("iss"),
            metadata.issuer
        )));
    }
    if let Some(error) = came.get("error") {
        return Err(Failure(format!("{error}: {}", of("error_description"))));
    }
    let code = AuthorizationCode::new(of("code").to_owned());
    let http = http.clone();
    let exchange = client.exchange_code(code).set_pkce_verifier(verifier);
    let response = exchange.request_async(&move |request| sent(http.clone(), request)).await;
    response.map(Tokens::from).map_err(refused)
}

/// Tokens for the client itself (RFC 6749 §4.4).
pub(super) async fn by_itself(
    http: &HttpClient,
    metadata: &Metadata,
    app: &App,
) -> Result<Tokens, Failure> {
    let client = client_of(app, &metadata.authorization_endpoint, &metadata.token_endpoint)?;
    let http = http.clone();
    let exchange = client.exchange_client_credentials();
    let response = exchange.request_async(&move |request| sent(http.clone(), request)).await;
    response.map(Tokens::from).map_err(refused)
}

/// The tokens that follow those of a refresh token (RFC 6749 §6).
pub(super) async fn refreshed_by(
    http: &HttpClient,
    token_endpoint: &str,
    app: &App,
    refresh_token: &str,
) -> Result<Tokens, Failure> {
    // No authorization is asked for: the address stands in for one.
    let client = client_of(app, token_endpoint, token_endpoint)?;
    let http = http.clone();
    let token = RefreshToken::new(refresh_token.to_owned());
    let exchange = client.exchange_refresh_token(&token);
    let response = exchange.request_async(&move |request| sent(http.clone(), request)).await;
    response.map(Tokens::from).map_err(refused)
}

/// The same for a profile.
pub(super) async fn refreshed(
    http: &HttpClient,
    profile: &Profile,
    refresh_token: &str,
) -> Result<Tokens, Failure> {
    let app = App { client_id: profile.client_id.clone(), secret: None, in_body: true };
    refreshed_by(http, &profile.token_endpoint, &app, refresh_token).await
}
