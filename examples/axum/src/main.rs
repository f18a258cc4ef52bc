//! An application and its API behind Portcullis, with axum: RFC 6749's picture from A to H.

mod api;
mod calls;
mod http;
mod pages;
mod provider;
mod renewal;
mod sessions;
mod settings;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use maud::Markup;

use calls::NoAnswer;
use http::Http;
use provider::{Callback, NotSignedIn, Provider};
use renewal::Renewed;
use sessions::{COOKIE, Session, Sessions};
use settings::Settings;

#[derive(Clone)]
struct App {
    settings: Settings,
    http: Http,
    provider: Arc<Provider>,
    sessions: Arc<Sessions>,
}

/// A page, as one that nobody else keeps and that loads nothing.
fn shown(app: &App, status: StatusCode, page: Markup) -> Response {
    let policy = pages::policy(&app.settings.issuer);
    let headers =
        [(header::CACHE_CONTROL, "no-store".to_owned()), (header::CONTENT_SECURITY_POLICY, policy)];
    (status, headers, page).into_response()
}

fn cookie(value: String) -> Cookie<'static> {
    // Served by https it is `Secure` too.
    Cookie::build((COOKIE, value)).http_only(true).same_site(SameSite::Lax).path("/").build()
}

fn id(jar: &CookieJar) -> &str {
    jar.get(COOKIE).map_or("", Cookie::value)
}

async fn home(State(app): State<App>, jar: CookieJar) -> Response {
    let session = app.sessions.find(id(&jar));
    shown(&app, StatusCode::OK, pages::home(session.as_ref().map(|it| it.name.as_str())))
}

async fn login(State(app): State<App>, jar: CookieJar) -> Response {
    match app.provider.begin().await {
        Ok((there, pending)) => {
            app.sessions.forget(id(&jar));
            let jar = jar.add(cookie(app.sessions.begin(pending)));
            (jar, Redirect::to(&there)).into_response()
        }
        Err(why) => refused(&app, &why),
    }
}

fn refused(app: &App, why: &NotSignedIn) -> Response {
    let (status, what) = match why {
        NotSignedIn::Refused(_) => (StatusCode::BAD_REQUEST, format!("{why} Sign in once more.")),
        NotSignedIn::Away => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}. Try again soon.")),
    };
    shown(app, status, pages::trouble("Not signed in", &what))
}

async fn callback(
    State(app): State<App>,
    jar: CookieJar,
    Query(back): Query<Callback>,
) -> Response {
    let Some(pending) = app.sessions.take(id(&jar)) else {
        let why = "No sign-in was begun here, or it is over.".to_owned();
        return refused(&app, &NotSignedIn::Refused(why));
    };
    match app.provider.finish(&pending, back).await {
        Ok(came) => {
            let (name, id_token) = (came.name, came.id_token);
            let session = Session { name, id_token, tokens: Renewed::new(came.pair) };
            (jar.add(cookie(app.sessions.keep(session))), Redirect::to("/")).into_response()
        }
        Err(why) => refused(&app, &why),
    }
}

async fn reports(State(app): State<App>, jar: CookieJar) -> Response {
    let Some(session) = app.sessions.find(id(&jar)) else {
        return Redirect::to("/login").into_response();
    };
    let address = format!("{}/api/reports", app.settings.base());
    match calls::get(&address, &session.tokens, &app.provider, &app.http).await {
        Ok(text) => shown(&app, StatusCode::OK, pages::reports(&text)),
        Err(NoAnswer::SignedOut) => {
            app.sessions.forget(id(&jar));
            Redirect::to("/login").into_response()
        }
        Err(NoAnswer::Forbidden) => {
            let page = pages::trouble("Not for you", "These reports are not open to you.");
            shown(&app, StatusCode::FORBIDDEN, page)
        }
        Err(NoAnswer::Away) => {
            let page = pages::trouble("Not now", "The reports cannot be had now. Try again soon.");
            shown(&app, StatusCode::SERVICE_UNAVAILABLE, page)
        }
    }
}

async fn logout(State(app): State<App>, jar: CookieJar, headers: HeaderMap) -> Response {
    // A form of another site is not the user's own wish.
    let own = app.settings.base();
    if headers
        .get(header::ORIGIN)
        .is_none_or(|origin| HeaderValue::as_bytes(origin) != own.as_bytes())
    {
        let page = pages::trouble("Not signed out", "This came from another site.");
        return shown(&app, StatusCode::FORBIDDEN, page);
    }
    let session = app.sessions.forget(id(&jar));
    let there = match &session {
        Some(session) => app.provider.sign_out(&session.id_token).await,
        None => None,
    };
    let jar = jar.remove(cookie(String::new()));
    (jar, Redirect::to(there.as_deref().unwrap_or("/"))).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, http) = (Settings::read()?, Http::new()?);
    let guard = api::guard(&settings)?;
    let app = App {
        provider: Arc::new(Provider::new(settings.clone(), http.clone())),
        sessions: Arc::default(),
        settings,
        http,
    };
    let listener = tokio::net::TcpListener::bind(app.settings.listen).await?;
    println!("Open {}", app.settings.base());
    let routes = Router::new()
        .route("/", get(home))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route("/reports", get(reports))
        .route("/logout", post(logout))
        .with_state(app)
        .merge(api::routes(guard));
    Ok(axum::serve(listener, routes).await?)
}
