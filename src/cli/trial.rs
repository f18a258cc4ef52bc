//! `portcullis client try`: the whole flow of a client, with a browser of this machine.
//!
//! It is tried with a twin: a client of the same registration with a secret and an address of its own, so that neither
//! the client's secret nor a change of its redirect URIs is needed. The twin is deleted afterwards.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    Done, Failure, TenantArgument, Work,
    door::{Address, text},
    loopback::Loopback,
    sign_in::{
        App, CALLBACK, Metadata, Tokens, browse, by_itself, discover, read_json, refreshed_by,
        signed_in,
    },
};
use crate::outside::{HttpClient, Request, header};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The client
    client_id: String,
    /// What to ask for; what the client is registered for if left out
    #[arg(long)]
    scope: Option<String>,
    /// Print the addresses to go to, and open no browser
    #[arg(long)]
    no_browser: bool,
}

/// Members of a registration that the twin has from its client.
const SHARED: [&str; 5] =
    ["application_type", "grant_types", "scope", "skip_consent", "strict_assertion_audience"];

/// Where the browser goes after signing out.
const SIGNED_OUT: &str = "/signed-out";

/// One trial.
struct Trial<'w> {
    work: &'w Work,
    slug: String,
    http: HttpClient,
    metadata: Metadata,
    app: App,
    grants: Vec<String>,
    scope: String,
    opens: bool,
}

pub(super) async fn run(arguments: Arguments, work: &Work) -> Done {
    let Arguments { tenant: TenantArgument { slug }, client_id, scope, no_browser } = arguments;
    let client = work.door.get(&Address::of(&["tenants", &slug, "clients", &client_id])).await;
    let client = work.door.named(&slug, &format!("client {client_id}"), client).await?;
    let tenant = work.door.get(&Address::of(&["tenants", &slug])).await?;
    let issuer = text(&tenant, "issuer").to_owned();
    let server = issuer.strip_suffix(&format!("/t/{slug}")).unwrap_or(&issuer).to_owned();
    let http = HttpClient::new();
    let metadata = discover(&http, &server, &slug).await.map_err(|Failure(why)| {
        Failure(format!(
            "{why}: the server has to run for its clients to be tried: portcullis serve"
        ))
    })?;
    let (app, twin) = twin_of(work, &slug, &client).await?;
    let grants = twin.get("grant_types").and_then(Value::as_array).into_iter().flatten();
    let trial = Trial {
        work,
        slug,
        http,
        metadata,
        app,
        grants: grants.filter_map(Value::as_str).map(str::to_owned).collect(),
        scope: scope.unwrap_or_else(|| text(&twin, "scope").to_owned()),
        opens: !no_browser,
    };
    let tried = tokio::select! {
        tried = trial.all() => tried,
        _ = tokio::signal::ctrl_c() => Err(Failure("interrupted".into())),
    };
    let told = match &tried {
        Ok(()) => Ok(()),
        Err(_) => trial.explain().await,
    };
    let gone = work
        .door
        .delete(&Address::of(&["tenants", &trial.slug, "clients", &trial.app.client_id]))
        .await;
    tried.and(told).and(Ok(gone.map(|_| ())?))
}

/// Registers the twin of a client.
async fn twin_of(work: &Work, slug: &str, client: &Value) -> Result<(App, Value), Failure> {
    let client_id = text(client, "client_id");
    let mut twin = json!({
        "client_name": format!("{client_id}, tried from a shell"),
        "redirect_uris": [format!("http://127.0.0.1{CALLBACK}")],
        "post_logout_redirect_uris": [format!("http://127.0.0.1{SIGNED_OUT}")],
    });
    if let (Value::Object(members), Value::Object(known)) = (&mut twin, client) {
        for name in SHARED {
            members.extend(known.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        let method = match text(client, "token_endpoint_auth_method") {
            "none" => "none",
            "client_secret_post" => "client_secret_post",
            "private_key_jwt" => {
                work.out.note(
                    "it signs with a key that is not here: it is tried with a secret in its place",
                );
                "client_secret_basic"
            }
            _ => "client_secret_basic",
        };
        members.insert("token_endpoint_auth_method".into(), method.into());
    }
    let made = work.door.post(&Address::of(&["tenants", slug, "clients"]), &twin).await?;
    let secret = made.get("client_secret").and_then(Value::as_str);
    let app = App {
        client_id: text(&made, "client_id").to_owned(),
        secret: secret.map(|secret| SecretString::from(secret.to_owned())),
        in_body: text(&made, "token_endpoint_auth_method") != "client_secret_basic",
    };
    Ok((app, made))
}

impl Trial<'_> {
    /// Every step that the client's grants allow.
    async fn all(&self) -> Done {
        let has = |grant: &str| self.grants.iter().any(|one| one == grant);
        if has("authorization_code") {
            self.people(has("refresh_token")).await
        } else if has("client_credentials") {
            self.step("token (client_credentials)");
            let tokens = by_itself(&self.http, &self.metadata, &self.app).await?;
            self.show(&tokens)?;
            self.introspected(&tokens.access_token, true).await?;
            self.revoked(&tokens.access_token).await?;
            self.introspected(&tokens.access_token, false).await
        } else {
            Err(Failure(
                "its grants are for requests that no browser makes: there is nothing to try".into(),
            ))
        }
    }

    async fn people(&self, refreshes: bool) -> Done {
        self.step("sign in (authorization_code, PKCE)");
        let browser = |address: &str| browse(address, self.opens, self.work.out);
        let mut tokens =
            signed_in(&self.http, &self.metadata, &self.app, &self.scope, browser).await?;
        self.show(&tokens)?;
        if refreshes && let Some(refresh_token) = tokens.refresh_token.clone() {
            self.step("refresh (refresh_token)");
            let endpoint = &self.metadata.token_endpoint;
            let next = refreshed_by(&self.http, endpoint, &self.app, &refresh_token).await?;
            self.show(&next)?;
            let id_token = next.id_token.or(tokens.id_token);
            tokens = Tokens { id_token, ..next };
        }
        if tokens.scope.split(' ').any(|scope| scope == "openid") {
            self.step("userinfo");
            let request = Request::get(&self.metadata.userinfo_endpoint)
                .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access_token));
            let claims: Value = read_json(&self.http, request.body(Vec::new())?).await?;
            self.work.out.one(&json!({ "userinfo": claims }))?;
        }
        self.introspected(&tokens.access_token, true).await?;
        self.signed_out(&tokens).await?;
        self.introspected(&tokens.access_token, false).await
    }

    fn step(&self, name: &str) {
        self.work.out.note(&format!("== {name}"));
    }

    /// Shows tokens, opened: what stands in one is no secret to who has it, and the token itself is not shown.
    fn show(&self, tokens: &Tokens) -> Done {
        let refresh_token = tokens.refresh_token.as_ref().map(|_| "opaque, held");
        self.work.out.one(&json!({
            "scope": tokens.scope,
            "access_token": opened(&tokens.access_token),
            "id_token": tokens.id_token.as_deref().map(opened),
            "refresh_token": refresh_token,
        }))
    }

    /// Asks whether a token still counts, where the client may ask (RFC 7662).
    async fn introspected(&self, token: &str, expected: bool) -> Done {
        if self.app.secret.is_none() {
            return Ok(());
        }
        self.step("introspect");
        let request = self.form(&self.metadata.introspection_endpoint, token)?;
        let answer: Value = read_json(&self.http, request).await?;
        let active = answer.get("active").and_then(Value::as_bool) == Some(true);
        self.work.out.one(&json!({ "introspection": answer }))?;
        if active == expected {
            return Ok(());
        }
        Err(Failure(match expected {
            true => "the token that was just issued is not active".into(),
            false => "the token is still active after it was ended".into(),
        }))
    }

    async fn revoked(&self, token: &str) -> Done {
        self.step("revoke");
        let answer = self.http.send(self.form(&self.metadata.revocation_endpoint, token)?).await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(Failure(format!("revocation answered {}", answer.status().as_u16()))),
        }
    }

    /// A request about a token in which the client says who it is.
    fn form(&self, endpoint: &str, token: &str) -> Result<Request<Vec<u8>>, Failure> {
        let App { client_id, secret, in_body } = &self.app;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token);
        let mut request = Request::post(endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match secret.as_ref().map(|secret| secret.expose_secret()) {
            Some(secret) if !in_body => {
                let pair = base64::engine::general_purpose::STANDARD
                    .encode(format!("{client_id}:{secret}"));
                request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
            }
            secret => {
                form.append_pair("client_id", client_id);
                secret.map(|secret| form.append_pair("client_secret", secret));
            }
        }
        Ok(request.body(form.finish().into_bytes())?)
    }

    /// Signs out by the browser (OpenID Connect RP-Initiated Logout): the session lives there.
    async fn signed_out(&self, tokens: &Tokens) -> Done {
        let Some(id_token) = &tokens.id_token else {
            return self.revoked(&tokens.access_token).await;
        };
        self.step("sign out (end_session_endpoint)");
        let loopback = Loopback::open().await?;
        let state = oauth2::CsrfToken::new_random();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("id_token_hint", id_token)
            .append_pair("post_logout_redirect_uri", &loopback.address(SIGNED_OUT))
            .append_pair("state", state.secret())
            .finish();
        let address = format!("{}?{query}", self.metadata.end_session_endpoint);
        browse(&address, self.opens, self.work.out);
        loopback.wait(SIGNED_OUT, state.secret()).await.map(|_| ())
    }

    /// What the trail has of the twin: why it was refused.
    async fn explain(&self) -> Done {
        let at = Address::of(&["tenants", &self.slug, "audit"]);
        let entries = self.work.door.list(&at, Some(200)).await?;
        let is_of_twin = |entry: &&Value| {
            text(entry, "target") == self.app.client_id
                || text(entry, "actor") == format!("client:{}", self.app.client_id)
        };
        for entry in entries
            .iter()
            .filter(is_of_twin)
            .filter(|entry| text(entry, "action").ends_with("refused"))
        {
            let (at, action, reason) =
                (text(entry, "at"), text(entry, "action"), text(entry, "reason"));
            self.work.out.note(&format!("the trail: {at} {action}: {reason}"));
        }
        Ok(())
    }
}

/// What stands in a JWT; not believed, only shown.
fn opened(token: &str) -> Value {
    let part = |at: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    match (part(0), part(1)) {
        (Some(header), Some(claims)) => json!({ "header": header, "claims": claims }),
        _ => json!("opaque"),
    }
}
