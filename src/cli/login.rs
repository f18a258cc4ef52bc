//! `portcullis login`, `logout` and `profile`: servers that this shell works with over the network.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, Failure,
    output::Out,
    profiles::{Profile, Profiles},
    sign_in::{App, Metadata, Tokens, browse, discover, read_json, signed_in},
};
use crate::outside::{HttpClient, Request, header};

/// The client that the shell is, where no other is named.
const CLIENT: &str = "portcullis-cli";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The tenant to sign in to; users of tenant system reach every tenant
    #[arg(long, default_value = "system")]
    tenant: String,
    /// The client that this shell is there
    #[arg(long, default_value = CLIENT)]
    client_id: String,
    /// What it may do: admin, or admin:read
    #[arg(long, default_value = "admin")]
    scope: String,
    /// Print the address to go to, and open no browser
    #[arg(long)]
    no_browser: bool,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the servers that were signed in to
    List,
    /// Use a server where none is named
    Use {
        /// The profile
        name: String,
    },
}

/// The name that a profile has where none was given: the server's host.
fn named_after(server: &str) -> String {
    let host = url::Url::parse(server).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| server.to_owned())
}

/// Who has signed in.
async fn user_of(
    http: &HttpClient,
    metadata: &Metadata,
    tokens: &Tokens,
) -> Result<String, Failure> {
    let request = Request::get(&metadata.userinfo_endpoint)
        .header(header::AUTHORIZATION, format!("Bearer {}", tokens.access_token));
    let claims: Value = read_json(http, request.body(Vec::new())?).await?;
    let user = claims.get("preferred_username").or(claims.get("sub")).and_then(Value::as_str);
    Ok(user.unwrap_or_default().to_owned())
}

pub(super) async fn run(
    arguments: Arguments,
    server: Option<String>,
    name: Option<String>,
    out: Out,
) -> Done {
    let server = server.ok_or("which server? name it: portcullis login --server https://HOST")?;
    let server = server.trim_end_matches('/').to_owned();
    let Arguments { tenant, client_id, scope, no_browser } = arguments;
    let http = HttpClient::new();
    let metadata = discover(&http, &server, &tenant).await?;
    let app = App { client_id: client_id.clone(), secret: None, in_body: true };
    let asked = format!("openid profile offline_access {scope}");
    let signed = signed_in(&http, &metadata, &app, &asked, |address| {
        browse(address, !no_browser, out);
        out.note(&format!(
            "If the page does not know client {client_id}, it has to be made once at the server:\n  portcullis client \
             create --tenant {tenant} --client-id {client_id} --type native --redirect-uri http://127.0.0.1/callback \
             --scope \"openid profile offline_access admin admin:read\""
        ));
    });
    let tokens = signed.await?;
    if !tokens.scope.split(' ').any(|granted| granted == scope) {
        return Err(Failure(format!(
            "scope {scope} was not granted: sign in as somebody with a role in tenant {tenant}"
        )));
    }
    let user = user_of(&http, &metadata, &tokens).await?;
    let profile = Profile {
        server: server.clone(),
        tenant: tenant.clone(),
        client_id,
        user,
        token_endpoint: metadata.token_endpoint,
        revocation_endpoint: metadata.revocation_endpoint,
        access_token: tokens.access_token,
        expires_at: tokens.expires_at,
        refresh_token: tokens.refresh_token,
    };
    let name = name.unwrap_or_else(|| named_after(&server));
    let told = json!({ "profile": name, "server": server, "tenant": tenant, "user": profile.user });
    let sentence = format!("signed in to {server} as {} of tenant {tenant}", profile.user);
    let _lock = Profiles::lock()?;
    let mut all = Profiles::load()?;
    all.current = Some(name.clone());
    all.profiles.insert(name, profile);
    all.save()?;
    out.told(&sentence, &told)
}

/// Gives the tokens back and forgets them.
pub(super) async fn log_out(server: Option<&str>, name: Option<&str>, out: Out) -> Done {
    let _lock = Profiles::lock()?;
    let mut all = Profiles::load()?;
    let found = match server {
        Some(server) => all.of_server(server),
        None => all.find(name),
    };
    let (name, profile) =
        found.ok_or("nobody is signed in there: see `portcullis profile list`")?;
    let token = profile.refresh_token.as_deref().unwrap_or(&profile.access_token);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token), ("client_id", &profile.client_id)])
        .finish();
    let request = Request::post(&profile.revocation_endpoint)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into_bytes())?;
    let revoked = HttpClient::new().send(request).await;
    all.profiles.remove(&name);
    if all.current.as_ref() == Some(&name) {
        all.current = None;
    }
    all.save()?;
    match revoked {
        Ok(answer) if answer.status().is_success() => {
            out.note(&format!("signed out of {}", profile.server));
            Ok(())
        }
        // What is not held any more can be used by nobody who reads this machine.
        Ok(answer) => Err(Failure(format!(
            "forgotten here, but {} answered {}: its session has to be ended there",
            profile.server,
            answer.status().as_u16()
        ))),
        Err(why) => {
            Err(Failure(format!("forgotten here, but {why}: its session has to be ended there")))
        }
    }
}

pub(super) fn profiles(command: Command, out: Out) -> Done {
    match command {
        Command::List => {
            let all = Profiles::load()?;
            let line = |(name, profile): (&String, &Profile)| {
                json!({
                    "profile": name, "server": profile.server, "tenant": profile.tenant, "user": profile.user,
                    "current": all.current.as_ref() == Some(name),
                })
            };
            let lines: Vec<Value> = all.profiles.iter().map(line).collect();
            out.list(&lines, &["profile", "server", "tenant", "user", "current"])
        }
        Command::Use { name } => {
            let _lock = Profiles::lock()?;
            let mut all = Profiles::load()?;
            if !all.profiles.contains_key(&name) {
                return Err(Failure(format!("no profile {name}: see `portcullis profile list`")));
            }
            out.note(&format!("{name} is used where no server is named"));
            all.current = Some(name);
            all.save()
        }
    }
}
