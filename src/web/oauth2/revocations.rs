//! The feed of a tenant's endings: a page of JSON, or a stream of server-sent events.

use std::{pin::Pin, sync::Arc};

use rocket::{
    Request,
    futures::{Stream, stream},
    get,
    http::{Accept, Header, MediaType, Status},
    request::{FromRequest, Outcome},
    response::{
        self, Responder,
        stream::{Event, EventStream},
    },
};

use crate::{
    oauth::{
        Cx,
        revocations::{self, FeedPage, NoPage, Reading, Said},
    },
    protocol::OauthError,
    web::{
        Site,
        answers::{Json, WithStatus},
        guards::{Addressed, Bearer, NoTenant, Peer, Query},
    },
};

type Events = EventStream<Pin<Box<dyn Stream<Item = Event> + Send>>>;

pub(super) enum Answer {
    Page(Json<FeedPage>),
    Stream(Events),
}

impl<'r> Responder<'r, 'r> for Answer {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'r> {
        match self {
            Self::Page(page) => page.respond_to(request),
            Self::Stream(events) => {
                let mut response = events.respond_to(request)?;
                response.set_header(Header::new("Cache-Control", "no-store"));
                // nginx keeps an answer back until it has enough of it.
                response.set_header(Header::new("X-Accel-Buffering", "no"));
                Ok(response)
            }
        }
    }
}

/// How a reader wants it, and where its last stream ended.
pub(super) struct Wanted {
    stream: bool,
    last: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Wanted {
    type Error = OauthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, OauthError> {
        let streams = |accept: &Accept| accept.media_types().any(is_of_events);
        let last = request.headers().get_one("Last-Event-ID").map(str::to_owned);
        Outcome::Success(Self { stream: request.accept().is_some_and(streams), last })
    }
}

fn is_of_events(media: &MediaType) -> bool {
    media.top() == "text" && media.sub() == "event-stream"
}

#[get("/<_>/oauth2/revocations")]
pub(super) async fn feed(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
    query: Query,
    wanted: Wanted,
) -> Result<Answer, WithStatus> {
    let refused = |error: OauthError| WithStatus(error.status(), error);
    let no_page = |why| match why {
        NoPage::Refused(error) => refused(error),
        NoPage::Gone => WithStatus(
            Status::Gone,
            OauthError::invalid_request("the cursor is too old: read anew what is in force"),
        ),
    };
    let tenant = tenant.map_err(|why| refused(why.into()))?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let bearer = bearer.map_err(refused)?;
    revocations::may_follow(&cx, &bearer.0).await.map_err(refused)?;
    if let Some(fault) = query.fault {
        return Err(refused(fault));
    }
    let after = wanted.last.as_deref().filter(|_| wanted.stream);
    let after = after.or_else(|| query.params.find("after"));
    let reading = Reading::of(after, query.params.find("limit")).map_err(refused)?;
    if !wanted.stream {
        return revocations::page(&cx, reading)
            .await
            .map(|page| Answer::Page(Json(page)))
            .map_err(no_page);
    }
    let place = Arc::clone(&site.streams).try_acquire_owned();
    let place =
        place.map_err(|_| refused(OauthError::unavailable().because("too many streams")))?;
    let told = revocations::stream(&cx, &site.app, &bearer.0, reading).await.map_err(no_page)?;
    let closing = site.closing.subscribe();
    let events =
        stream::unfold((told, closing, place), |(mut told, mut closing, place)| async move {
            let said = tokio::select! {
                said = told.next() => said?,
                _ = closing.wait_for(|closing| *closing) => return None,
            };
            Some((event_of(said), (told, closing, place)))
        });
    let events: Pin<Box<dyn Stream<Item = Event> + Send>> = Box::pin(events);
    // Rocket's own sign of life says nothing: ours says that nothing has ended.
    Ok(Answer::Stream(EventStream::from(events).heartbeat(None)))
}

fn event_of(said: Said) -> Event {
    match said {
        Said::Ended(ending) => Event::json(&ending).id(ending.n.to_string()),
        Said::Alive => Event::comment("alive"),
    }
}
