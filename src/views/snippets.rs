//! Programs of twenty lines for a client, with its values in them: for the shell's `init` and the console.

use serde::{Deserialize, Serialize};
use tera::{Context, Tera};

use crate::domain::ApplicationType;

/// The programs, as their list names them.
const TEMPLATES: &[(&str, &str)] = &[
    ("machine/curl.sh.tera", include_str!("../../templates/snippets/machine/curl.sh.tera")),
    ("machine/go.go.tera", include_str!("../../templates/snippets/machine/go.go.tera")),
    ("machine/node.mjs.tera", include_str!("../../templates/snippets/machine/node.mjs.tera")),
    ("machine/python.py.tera", include_str!("../../templates/snippets/machine/python.py.tera")),
    ("native/go.go.tera", include_str!("../../templates/snippets/native/go.go.tera")),
    ("native/python.py.tera", include_str!("../../templates/snippets/native/python.py.tera")),
    (
        "resource_server/axum.rs.tera",
        include_str!("../../templates/snippets/resource_server/axum.rs.tera"),
    ),
    (
        "resource_server/express.mjs.tera",
        include_str!("../../templates/snippets/resource_server/express.mjs.tera"),
    ),
    (
        "resource_server/fastapi.py.tera",
        include_str!("../../templates/snippets/resource_server/fastapi.py.tera"),
    ),
    (
        "resource_server/fastify.mjs.tera",
        include_str!("../../templates/snippets/resource_server/fastify.mjs.tera"),
    ),
    (
        "resource_server/flask.py.tera",
        include_str!("../../templates/snippets/resource_server/flask.py.tera"),
    ),
    (
        "resource_server/nest.mts.tera",
        include_str!("../../templates/snippets/resource_server/nest.mts.tera"),
    ),
    (
        "resource_server/nethttp.go.tera",
        include_str!("../../templates/snippets/resource_server/nethttp.go.tera"),
    ),
    (
        "resource_server/rocket.rs.tera",
        include_str!("../../templates/snippets/resource_server/rocket.rs.tera"),
    ),
    (
        "spa/oidc-client-ts.html.tera",
        include_str!("../../templates/snippets/spa/oidc-client-ts.html.tera"),
    ),
    ("web/axum.rs.tera", include_str!("../../templates/snippets/web/axum.rs.tera")),
    ("web/express.mjs.tera", include_str!("../../templates/snippets/web/express.mjs.tera")),
    ("web/fastapi.py.tera", include_str!("../../templates/snippets/web/fastapi.py.tera")),
    ("web/go.go.tera", include_str!("../../templates/snippets/web/go.go.tera")),
    ("web/nest.mts.tera", include_str!("../../templates/snippets/web/nest.mts.tera")),
    (
        "web/oauth2-proxy.cfg.tera",
        include_str!("../../templates/snippets/web/oauth2-proxy.cfg.tera"),
    ),
    ("web/rocket.rs.tera", include_str!("../../templates/snippets/web/rocket.rs.tera")),
];

/// What is known of each program.
const LIST: &str = include_str!("../../templates/snippets/index.json");

/// A program for a kind of client, in one framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snippet {
    /// The framework, in small letters.
    pub name: String,
    /// The framework's own name.
    pub title: String,
    /// The kinds of client that it is for.
    pub types: Vec<ApplicationType>,
    /// The language, as highlighters call it.
    pub language: String,
    /// What the program is to be called.
    pub file: String,
    /// Where its template is.
    template: String,
    /// The path of its redirect URI, where it cannot be another.
    #[serde(default)]
    pub path: Option<String>,
    /// What installs its packages.
    install: String,
    /// What runs it.
    run: String,
}

/// A client's values, as a program needs them.
#[derive(Debug, Clone, Serialize)]
pub struct Values {
    /// The tenant's issuer.
    pub issuer: String,
    /// The client.
    pub client_id: String,
    /// Where responses go.
    pub redirect_uri: String,
    /// Where the browser goes after signing out.
    pub post_logout_redirect_uri: String,
    /// What it asks for.
    pub scope: String,
    /// The folder in which the guards are.
    pub guard: String,
}

/// A program with a client's values in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// The framework's own name.
    pub title: String,
    /// The language, as highlighters call it.
    pub language: String,
    /// What it is to be called.
    pub file: String,
    /// The program.
    pub text: String,
    /// What installs its packages.
    pub install: String,
    /// What runs it.
    pub run: String,
}

/// A program that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SnippetError {
    /// A value that would end the quotes that it stands in.
    #[error("no program has room for {0:?}: it has quotes or other marks of programs in it")]
    Unsafe(String),
    /// A list or a template that is broken: a defect of this program.
    #[error("a program cannot be written: {0}")]
    Broken(String),
}

fn broken(why: &dyn std::error::Error) -> SnippetError {
    SnippetError::Broken(why.source().map_or_else(|| why.to_string(), ToString::to_string))
}

impl Snippet {
    /// Every program for a kind of client.
    ///
    /// # Errors
    /// [`SnippetError::Broken`].
    pub fn of(kind: ApplicationType) -> Result<Vec<Self>, SnippetError> {
        let all: Vec<Self> = serde_json::from_str(LIST).map_err(|why| broken(&why))?;
        Ok(all.into_iter().filter(|snippet| snippet.types.contains(&kind)).collect())
    }

    /// The program with these values in it.
    ///
    /// # Errors
    /// [`SnippetError`].
    pub fn written(&self, values: &Values) -> Result<Program, SnippetError> {
        let Values { issuer, client_id, redirect_uri, post_logout_redirect_uri, scope, guard } =
            values;
        for value in [issuer, client_id, redirect_uri, post_logout_redirect_uri, scope, guard] {
            if value.contains(['\'', '"', '`', '\\', '$', '<', '>', '{', '}'])
                || value.contains(char::is_control)
            {
                return Err(SnippetError::Unsafe(value.clone()));
            }
        }
        let template = TEMPLATES.iter().find(|(name, _)| *name == self.template);
        let (_, template) = template.ok_or(SnippetError::Broken(self.template.clone()))?;
        let mut context = Context::from_serialize(values).map_err(|why| broken(&why))?;
        let address = url::Url::parse(redirect_uri).ok();
        let port = address.as_ref().and_then(url::Url::port_or_known_default).unwrap_or(9000);
        context.insert("port", &port);
        context.insert("path", address.as_ref().map_or("/callback", url::Url::path));
        let write = |text: &str| Tera::one_off(text, &context, false).map_err(|why| broken(&why));
        Ok(Program {
            title: self.title.clone(),
            language: self.language.clone(),
            file: self.file.clone(),
            text: write(template)?,
            install: write(&self.install)?,
            run: write(&self.run)?,
        })
    }
}
