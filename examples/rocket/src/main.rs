//! An application and its API behind Portcullis, with Rocket: RFC 6749's picture from A to H. What is not the
//! framework's is the axum example's, file by file.

mod api;
#[path = "../../axum/src/calls.rs"]
mod calls;
#[path = "../../axum/src/http.rs"]
mod http;
#[path = "../../axum/src/pages.rs"]
mod pages;
#[path = "../../axum/src/provider.rs"]
mod provider;
#[path = "../../axum/src/renewal.rs"]
mod renewal;
#[path = "../../axum/src/sessions.rs"]
mod sessions;
#[path = "../../axum/src/settings.rs"]
mod settings;

use std::sync::Arc;

use maud::Markup;
use rocket::{
    Request, State, get,
    http::{Cookie, CookieJar, Header, SameSite, Status},
    post,
    request::{FromRequest, Outcome},
    response::{Redirect, Responder},
    routes,
};

use calls::NoAnswer;
use http::Http;
use provider::{Callback, NotSignedIn, Provider};
use renewal::Renewed;
use sessions::{COOKIE, Session, Sessions};
use settings::Settings;

struct App {
    settings: Settings,
    http: Http,
    provider: Arc<Provider>,
    sessions: Sessions,
}

/// A page, as one that nobody else keeps and that loads nothing.
#[derive(Responder)]
struct Shown {
    page: (Status, Markup),
    policy: Header<'static>,
    kept: Header<'static>,
}

/// What a route answers.
#[derive(Responder)]
#[allow(clippy::large_enum_variant, reason = "it is made once a request")]
enum Answer {
    Page(Shown),
    There(Box<Redirect>),
}

impl App {
    fn shown(&self, status: Status, page: Markup) -> Answer {
        Answer::Page(Shown {
            page: (status, page),
            policy: Header::new("Content-Security-Policy", pages::policy(&self.settings.issuer)),
            kept: Header::new("Cache-Control", "no-store"),
        })
    }

    fn refused(&self, why: &NotSignedIn) -> Answer {
        let (status, what) = match why {
            NotSignedIn::Refused(_) => (Status::BadRequest, format!("{why} Sign in once more.")),
            NotSignedIn::Away => (Status::ServiceUnavailable, format!("{why}. Try again soon.")),
        };
        self.shown(status, pages::trouble("Not signed in", &what))
    }
}

fn to(there: impl Into<String>) -> Answer {
    Answer::There(Box::new(Redirect::to(there.into())))
}

fn cookie(value: String) -> Cookie<'static> {
    // Served by https it is `Secure` too.
    Cookie::build((COOKIE, value)).http_only(true).same_site(SameSite::Lax).path("/").build()
}

fn id<'c>(jar: &'c CookieJar<'_>) -> &'c str {
    jar.get(COOKIE).map_or("", Cookie::value)
}

#[get("/")]
fn home(app: &State<App>, jar: &CookieJar<'_>) -> Answer {
    let session = app.sessions.find(id(jar));
    app.shown(Status::Ok, pages::home(session.as_ref().map(|it| it.name.as_str())))
}

#[get("/login")]
async fn login(app: &State<App>, jar: &CookieJar<'_>) -> Answer {
    match app.provider.begin().await {
        Ok((there, pending)) => {
            app.sessions.forget(id(jar));
            jar.add(cookie(app.sessions.begin(pending)));
            to(there)
        }
        Err(why) => app.refused(&why),
    }
}

#[get("/callback?<code>&<state>&<iss>&<error>")]
async fn callback(
    app: &State<App>,
    jar: &CookieJar<'_>,
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
) -> Answer {
    let Some(pending) = app.sessions.take(id(jar)) else {
        let why = "No sign-in was begun here, or it is over.".to_owned();
        return app.refused(&NotSignedIn::Refused(why));
    };
    match app.provider.finish(&pending, Callback { code, state, iss, error }).await {
        Ok(came) => {
            let (name, id_token) = (came.name, came.id_token);
            let session = Session { name, id_token, tokens: Renewed::new(came.pair) };
            jar.add(cookie(app.sessions.keep(session)));
            to("/")
        }
        Err(why) => app.refused(&why),
    }
}

#[get("/reports")]
async fn reports(app: &State<App>, jar: &CookieJar<'_>) -> Answer {
    let Some(session) = app.sessions.find(id(jar)) else { return to("/login") };
    let address = format!("{}/api/reports", app.settings.base());
    match calls::get(&address, &session.tokens, &app.provider, &app.http).await {
        Ok(text) => app.shown(Status::Ok, pages::reports(&text)),
        Err(NoAnswer::SignedOut) => {
            app.sessions.forget(id(jar));
            to("/login")
        }
        Err(NoAnswer::Forbidden) => {
            let page = pages::trouble("Not for you", "These reports are not open to you.");
            app.shown(Status::Forbidden, page)
        }
        Err(NoAnswer::Away) => {
            let page = pages::trouble("Not now", "The reports cannot be had now. Try again soon.");
            app.shown(Status::ServiceUnavailable, page)
        }
    }
}

/// Where a form came from, as the browser says.
struct Origin(Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Origin {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(request.headers().get_one("Origin").map(str::to_owned)))
    }
}

#[post("/logout")]
async fn logout(app: &State<App>, jar: &CookieJar<'_>, origin: Origin) -> Answer {
    // A form of another site is not the user's own wish.
    if origin.0 != Some(app.settings.base()) {
        let page = pages::trouble("Not signed out", "This came from another site.");
        return app.shown(Status::Forbidden, page);
    }
    let session = app.sessions.forget(id(jar));
    jar.remove(cookie(String::new()));
    let there = match &session {
        Some(session) => app.provider.sign_out(&session.id_token).await,
        None => None,
    };
    to(there.unwrap_or_else(|| "/".to_owned()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, http) = (Settings::read()?, Http::new()?);
    let guard = api::guard(&settings)?;
    let listen = settings.listen;
    let app = App {
        provider: Arc::new(Provider::new(settings.clone(), http.clone())),
        sessions: Sessions::default(),
        settings,
        http,
    };
    println!("Open {}", app.settings.base());
    let config = rocket::Config {
        address: listen.ip(),
        port: listen.port(),
        log_level: rocket::config::LogLevel::Critical,
        ..Default::default()
    };
    rocket::custom(config)
        .manage(guard)
        .manage(app)
        .mount("/", routes![home, login, callback, reports, logout])
        .mount("/api", api::routes())
        .launch()
        .await?;
    Ok(())
}
