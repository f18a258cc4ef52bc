//! `portcullis init`: a tenant, somebody to sign in, a client, and a program that signs people in.

use std::path::PathBuf;

use clap::ValueEnum as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    Done, Failure, Work,
    confirm::{answer_to, read_password},
    door::{Address, said, text},
    output::say,
    profiles::write_private,
};
use crate::{
    domain::ApplicationType,
    effects::Effects,
    views::snippets::{Program, Snippet, Values},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The tenant; made where it is not there
    #[arg(long)]
    tenant: Option<String>,
    /// What the application is: web, spa, native, machine or resource_server
    #[arg(long = "type", value_enum)]
    kind: Option<Kind>,
    /// What it is written with; whoever names another is told what there is
    #[arg(long)]
    framework: Option<String>,
    /// The client, which must not be there yet; app, or api for a resource server, if left out
    #[arg(long)]
    client_id: Option<String>,
    /// Where the browser comes back to
    #[arg(long)]
    redirect_uri: Option<String>,
    /// The port that the program listens at: 9000, or 8080 for an API, if left out
    #[arg(long)]
    port: Option<u16>,
    /// Who signs in first, and administers the tenant; made where it is not there
    #[arg(long)]
    username: Option<String>,
    /// The folder in which Portcullis's guards are, for a resource server
    #[arg(long, default_value = "guard")]
    guard: PathBuf,
    /// The file for the program's settings, its secret among them
    #[arg(long, default_value = ".env")]
    env_file: PathBuf,
}

/// [`ApplicationType`], as the shell reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind(ApplicationType);

impl clap::ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        use ApplicationType::{Machine, Native, ResourceServer, SinglePage, Web};
        &[Self(Web), Self(SinglePage), Self(Native), Self(Machine), Self(ResourceServer)]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.as_str()).help(self.0.in_words().1))
    }
}

/// What is to be made.
struct Plan {
    tenant: String,
    kind: ApplicationType,
    snippet: Snippet,
    client_id: String,
    redirect_uri: Option<String>,
    port: u16,
    username: String,
    guard: PathBuf,
    env_file: PathBuf,
}

/// What is typed where a terminal is there to ask at; else what is usual.
fn asked(given: Option<String>, question: &str, usual: &str) -> Result<String, Failure> {
    let typed = match given {
        Some(given) => Some(given),
        None => answer_to(&format!("{question} [{usual}]: "))?,
    };
    Ok(typed.filter(|text| !text.is_empty()).unwrap_or_else(|| usual.to_owned()))
}

fn names(snippets: &[Snippet]) -> String {
    snippets.iter().map(|snippet| &*snippet.name).collect::<Vec<_>>().join(", ")
}

/// Where the browser comes back to, for an application that people sign in to.
fn comes_back_to(
    given: Option<String>,
    port: u16,
    kind: ApplicationType,
    snippet: &Snippet,
) -> Result<Option<String>, Failure> {
    let is_of_people = matches!(
        kind,
        ApplicationType::Web | ApplicationType::SinglePage | ApplicationType::Native
    );
    let usual = match kind {
        // Any port will do (RFC 8252 §7.3).
        ApplicationType::Native => "http://127.0.0.1/callback".to_owned(),
        ApplicationType::SinglePage => format!("http://127.0.0.1:{port}/"),
        _ => format!("http://127.0.0.1:{port}{}", snippet.path.as_deref().unwrap_or("/callback")),
    };
    let redirect_uri = match is_of_people {
        true => Some(asked(given, "the browser comes back to", &usual)?),
        false => None,
    };
    if let (Some(path), Some(uri)) = (&snippet.path, &redirect_uri)
        && url::Url::parse(uri).is_ok_and(|uri| uri.path() != path)
    {
        return Err(Failure(format!(
            "with {} the browser comes back to {path} alone",
            snippet.name
        )));
    }
    Ok(redirect_uri)
}

impl Arguments {
    fn plan(self) -> Result<Plan, Failure> {
        let tenant = asked(self.tenant, "tenant", "demo")?;
        let kind = match self.kind {
            Some(Kind(kind)) => kind,
            None => {
                let typed =
                    asked(None, "application (web, spa, native, machine, resource_server)", "web")?;
                Kind::from_str(&typed, false)
                    .map_err(|_| format!("no kind of application: {typed}"))?
                    .0
            }
        };
        let snippets = Snippet::of(kind)?;
        let usual = snippets.first().map(|snippet| snippet.name.clone()).unwrap_or_default();
        let framework =
            asked(self.framework, &format!("written with ({})", names(&snippets)), &usual)?;
        let snippet = snippets.iter().find(|snippet| snippet.name == framework).cloned();
        let snippet = snippet.ok_or_else(|| {
            format!(
                "no program for {} in {framework}: there is {}",
                kind.as_str(),
                names(&snippets)
            )
        })?;
        let usual = if kind == ApplicationType::ResourceServer { 8080 } else { 9000 };
        let port = self.port.unwrap_or(usual);
        let redirect_uri = comes_back_to(self.redirect_uri, port, kind, &snippet)?;
        let usual = if kind == ApplicationType::ResourceServer { "api" } else { "app" };
        Ok(Plan {
            tenant,
            kind,
            snippet,
            client_id: self.client_id.unwrap_or_else(|| usual.to_owned()),
            redirect_uri,
            port,
            username: asked(self.username, "your name, to sign in with", "admin")?,
            guard: self.guard,
            env_file: self.env_file,
        })
    }
}

pub(super) async fn run(arguments: Arguments, work: &Work) -> Done {
    let plan = arguments.plan()?;
    if plan.env_file.exists() {
        return Err(Failure(format!(
            "{} is there already: name another by --env-file, or move it away",
            plan.env_file.display()
        )));
    }
    let issuer = plan.tenant(work).await?;
    let password = plan.user(work).await?;
    let client = plan.client(work, &issuer).await?;
    let values = plan.values(&issuer);
    let program = plan.snippet.written(&values)?;
    let secret = client.get("client_secret").and_then(Value::as_str);
    write_private(&plan.env_file, plan.environment(&values, secret).as_bytes())
        .map_err(|why| Failure::from(format!("{}: {why}", plan.env_file.display())))?;
    plan.tell(work, &issuer, password.as_ref(), &program);
    if work.out.is_structured() {
        return work.out.one(&json!({
            "tenant": plan.tenant, "issuer": issuer, "client_id": plan.client_id, "username": plan.username,
            "password": password.as_ref().map(|password| password.expose_secret()),
            "env_file": plan.env_file, "program": program,
        }));
    }
    say(program.text.trim_end())
}

impl Plan {
    /// The tenant's issuer, once it is there.
    async fn tenant(&self, work: &Work) -> Result<String, Failure> {
        let found = match work.door.get(&Address::of(&["tenants", &self.tenant])).await {
            Err(refused) if refused.is_missing() => {
                let made = json!({ "slug": self.tenant });
                let made = work.door.post(&Address::of(&["tenants"]), &made).await?;
                work.out.note(&format!("made tenant {}", self.tenant));
                made
            }
            found => found?,
        };
        Ok(text(&found, "issuer").to_owned())
    }

    /// Somebody who administers the tenant; answers the password that was made up, where none was given.
    async fn user(&self, work: &Work) -> Result<Option<SecretString>, Failure> {
        let users = Address::of(&["tenants", &self.tenant, "users"]);
        let known = work.door.get(&users.clone().with("username", Some(&self.username))).await?;
        if known.pointer("/items/0").is_some() {
            work.out.note(&format!("user {} is there already", self.username));
            return Ok(None);
        }
        let given = read_password(&format!("a password for {}", self.username))?;
        let is_given = !given.is_empty();
        let password = if is_given { given } else { Effects::system().secret() };
        let user =
            json!({ "username": self.username, "password": password, "roles": ["tenant_admin"] });
        work.door.post(&users, &user).await?;
        work.out
            .note(&format!("made user {}, who administers tenant {}", self.username, self.tenant));
        Ok((!is_given).then(|| SecretString::from(password)))
    }

    async fn client(&self, work: &Work, issuer: &str) -> Result<Value, Failure> {
        let redirect_uris = self.redirect_uri.iter().collect::<Vec<_>>();
        let registration = json!({
            "client_id": self.client_id,
            "application_type": self.kind.as_str(),
            "redirect_uris": redirect_uris,
            "post_logout_redirect_uris": self.redirect_uri.as_deref().and_then(home_of).into_iter().collect::<Vec<_>>(),
        });
        let made = work
            .door
            .post(&Address::of(&["tenants", &self.tenant, "clients"]), &said(registration))
            .await?;
        work.out.note(&format!("made client {} of {issuer}", self.client_id));
        Ok(made)
    }

    fn values(&self, issuer: &str) -> Values {
        // An API listens beside the application that calls it.
        let redirect_uri =
            self.redirect_uri.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}/", self.port));
        let guard = self.guard.canonicalize().unwrap_or_else(|_| self.guard.clone());
        Values {
            issuer: issuer.to_owned(),
            client_id: self.client_id.clone(),
            post_logout_redirect_uri: home_of(&redirect_uri).unwrap_or_default(),
            redirect_uri,
            scope: "openid profile email offline_access".to_owned(),
            guard: guard.display().to_string(),
        }
    }

    /// The program's settings. None of the values has a space or a mark that a shell or a reader of such files
    /// would take for its own.
    fn environment(&self, values: &Values, secret: Option<&str>) -> String {
        let mut lines =
            vec![format!("ISSUER={}", values.issuer), format!("CLIENT_ID={}", values.client_id)];
        lines.extend(secret.map(|secret| format!("CLIENT_SECRET={secret}")));
        lines.extend(self.redirect_uri.iter().map(|uri| format!("REDIRECT_URI={uri}")));
        match self.kind {
            ApplicationType::Web => {
                lines.push(format!("SESSION_SECRET={}", Effects::system().secret()))
            }
            // Tokens that were asked for no API are for the issuer itself.
            ApplicationType::ResourceServer => lines.push(format!("AUDIENCE={}", values.issuer)),
            _ => {}
        }
        lines.join("\n") + "\n"
    }

    /// What was made, and what to do next.
    fn tell(&self, work: &Work, issuer: &str, password: Option<&SecretString>, program: &Program) {
        let Self { tenant, username, .. } = self;
        let server = issuer.strip_suffix(&format!("/t/{tenant}")).unwrap_or(issuer);
        let said = password
            .map(|password| format!(", password {} (told this once)", password.expose_secret()));
        work.out.note(&format!(
            "wrote {}\n\n\
             1. portcullis serve          console: {server}/admin, tenant {tenant}, user {username}{}\n\
             2. save what follows as {}\n\
             3. {}\n\
             4. {}\n",
            self.env_file.display(),
            said.unwrap_or_default(),
            program.file,
            program.install,
            program.run,
        ));
    }
}

/// The page that a browser goes to after signing out: the first one of the same origin.
fn home_of(redirect_uri: &str) -> Option<String> {
    let uri = url::Url::parse(redirect_uri).ok()?;
    matches!(uri.scheme(), "http" | "https").then(|| uri.join("/").ok()).flatten().map(String::from)
}
