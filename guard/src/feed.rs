//! Following an issuer's endings: by its feed, which a client with scope `revocations` may read.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use eventsource_stream::Eventsource as _;
use form_urlencoded::byte_serialize;
use futures_util::StreamExt as _;
use http::StatusCode;
use serde::Deserialize;

use crate::{
    WhenBehind,
    endings::{Endings, Event},
    issuer::Issuer,
    metadata::ANSWER_WITHIN,
};

/// How long the guard may have heard nothing, where nothing else is said. The issuer speaks every two seconds.
const BOUND: Duration = Duration::from_secs(5);

/// How soon the feed is asked again after it broke off: doubled each time, up to the most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A stream that says nothing for so long is given up, before the bound is reached.
const SILENCE: Duration = Duration::from_secs(4);

/// Events on a page.
const SOME: &str = "1000";

/// How the endings of an issuer are followed.
#[derive(Clone)]
pub struct Feed {
    client_id: String,
    client_secret: String,
    pub(crate) bound: Duration,
    pub(crate) when_behind: WhenBehind,
    polling: Option<Duration>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { client_id, bound, when_behind, polling, .. } = self;
        write!(
            f,
            "Feed {{ client_id: {client_id}, bound: {bound:?}, when_behind: {when_behind:?}, polling: {polling:?} }}"
        )
    }
}

impl Feed {
    /// The feed, read by a client of the issuer that may have scope `revocations` by `client_credentials`.
    pub fn as_client(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            bound: BOUND,
            when_behind: WhenBehind::default(),
            polling: None,
        }
    }

    /// How long nothing may be heard until the guard counts as behind; five seconds where it is not said.
    #[must_use]
    pub fn bound(self, bound: Duration) -> Self {
        Self { bound, ..self }
    }

    /// What becomes of good tokens meanwhile; they are refused where it is not said.
    #[must_use]
    pub fn when_behind(self, when_behind: WhenBehind) -> Self {
        Self { when_behind, ..self }
    }

    /// Asks for a page now and then, where a proxy in between holds streams back.
    #[must_use]
    pub fn polling(self, every: Duration) -> Self {
        Self { polling: Some(every), ..self }
    }

    /// A request by this client. Both halves are encoded before they are joined (RFC 6749 §2.3.1).
    fn authenticated(&self, asked: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let (id, secret) = (encoded(&self.client_id), encoded(&self.client_secret));
        asked.basic_auth(id, Some(secret)).timeout(ANSWER_WITHIN)
    }

    /// Whether pages are asked for often enough, and not without a pause.
    pub(crate) fn is_possible(&self) -> bool {
        self.polling.is_none_or(|every| !every.is_zero() && every < self.bound)
    }

    /// Whether the issuer says of a token that it counts (RFC 7662).
    pub(crate) async fn introspect(
        &self,
        issuer: &Arc<Issuer>,
        token: &str,
    ) -> Result<bool, NotRead> {
        #[derive(Deserialize)]
        struct Told {
            active: bool,
        }
        let metadata = issuer.keys.metadata().await.ok_or(NotRead::NoMetadata)?;
        let endpoint = metadata.introspection_endpoint.ok_or(NotRead::NoMetadata)?;
        let asked = self.authenticated(issuer.http.post(endpoint)).form(&[("token", token)]);
        let told = asked.send().await?.error_for_status()?;
        Ok(told.json::<Told>().await?.active)
    }
}

/// Why the feed could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the issuer's metadata cannot be had, or lacks an endpoint that is needed")]
    NoMetadata,
    #[error("the feed answered {0}")]
    Status(StatusCode),
    #[error("an event is not what it should be: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("the stream broke off: {0}")]
    Broken(String),
    #[error("a page leads to itself")]
    Standing,
    #[error("nothing was heard for {SILENCE:?}")]
    Silent,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    next: String,
    head: i64,
}

/// Where a reader stands.
#[derive(Default)]
struct Reader {
    cursor: Option<String>,
    token: Option<String>,
}

/// Follows for as long as the guard is there.
pub(crate) async fn follow(issuer: Arc<Issuer>, feed: Feed) {
    let (mut reader, mut pause) = (Reader::default(), FIRST_PAUSE);
    loop {
        let began = Instant::now();
        let why = reader.read(&issuer, &feed).await;
        // One that was heard in between is asked again soon.
        if issuer.endings.silent_for().is_some_and(|since| since < began.elapsed()) {
            pause = FIRST_PAUSE;
        }
        match why {
            Ok(()) => {}
            Err(NotRead::Status(StatusCode::UNAUTHORIZED)) => reader.token = None,
            Err(NotRead::Status(StatusCode::GONE)) => {
                tracing::warn!(
                    issuer = issuer.url,
                    "the issuer counts its endings anew: they are read from the beginning"
                );
                reader.cursor = None;
            }
            Err(why) => {
                tracing::warn!(issuer = issuer.url, error = %why, "the endings of an issuer cannot be read");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Reader {
    /// Reads what was missed, and then what comes, until that breaks off.
    async fn read(&mut self, issuer: &Issuer, feed: &Feed) -> Result<(), NotRead> {
        self.catch_up(issuer, feed).await?;
        match feed.polling {
            None => self.stream(issuer, feed).await,
            Some(every) => loop {
                tokio::time::sleep(every).await;
                self.catch_up(issuer, feed).await?;
            },
        }
    }

    async fn ask(
        &mut self,
        issuer: &Issuer,
        feed: &Feed,
    ) -> Result<reqwest::RequestBuilder, NotRead> {
        let token = match &self.token {
            Some(token) => token.clone(),
            None => self.token.insert(token_of(issuer, feed).await?).clone(),
        };
        let address = format!("{}/oauth2/revocations", issuer.url.trim_end_matches('/'));
        Ok(issuer.http.get(address).bearer_auth(token))
    }

    /// Reads pages up to the last event that there is.
    async fn catch_up(&mut self, issuer: &Issuer, feed: &Feed) -> Result<(), NotRead> {
        loop {
            let mut query = vec![("limit", SOME.to_owned())];
            query.extend(self.cursor.clone().map(|cursor| ("after", cursor)));
            let asked = self.ask(issuer, feed).await?.query(&query).timeout(ANSWER_WITHIN);
            let began = Instant::now();
            let answer = asked.send().await?;
            if answer.status() != StatusCode::OK {
                return Err(NotRead::Status(answer.status()));
            }
            let page: Page = answer.json().await?;
            let is_last = page.next == page.head.to_string();
            page.events.into_iter().for_each(|event| issuer.endings.apply(event));
            let is_further = self.cursor.as_ref() != Some(&page.next);
            self.cursor = Some(page.next);
            if is_last {
                issuer.endings.heard(began);
                issuer.endings.prune(issuer.long_gone());
                return Ok(());
            }
            if !is_further {
                return Err(NotRead::Standing);
            }
        }
    }

    async fn stream(&mut self, issuer: &Issuer, feed: &Feed) -> Result<(), NotRead> {
        let mut asked =
            self.ask(issuer, feed).await?.header(http::header::ACCEPT, "text/event-stream");
        if let Some(cursor) = &self.cursor {
            asked = asked.header("Last-Event-ID", cursor);
        }
        let answered = tokio::time::timeout(SILENCE, asked.send()).await;
        let answer = answered.map_err(|_| NotRead::Silent)??;
        if answer.status() != StatusCode::OK {
            return Err(NotRead::Status(answer.status()));
        }
        // A comment is the sign that nothing else has ended, and no event.
        let (endings, mut comments): (&Endings, _) = (&issuer.endings, Comments::default());
        let pieces = answer.bytes_stream().inspect(|piece| {
            if piece.as_ref().is_ok_and(|piece| comments.are_in(piece)) {
                endings.heard(Instant::now());
            }
        });
        let mut events = pin!(pieces.eventsource());
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = tokio::time::sleep(SILENCE) => match endings.silent_for() {
                    Some(since) if since < SILENCE => continue,
                    _ => return Err(NotRead::Silent),
                },
            };
            let Some(event) = event else { return Ok(()) };
            let event = event.map_err(|why| NotRead::Broken(why.to_string()))?;
            issuer.endings.apply(serde_json::from_str(&event.data)?);
            issuer.endings.prune(issuer.long_gone());
            self.cursor = Some(event.id);
        }
    }
}

/// Looks for comments in a stream that comes in pieces: lines that begin with a colon.
struct Comments {
    is_at_start: bool,
}

impl Default for Comments {
    fn default() -> Self {
        Self { is_at_start: true }
    }
}

impl Comments {
    fn are_in(&mut self, piece: &[u8]) -> bool {
        let mut found = false;
        for byte in piece {
            found |= self.is_at_start && *byte == b':';
            self.is_at_start = matches!(byte, b'\n' | b'\r');
        }
        found
    }
}

/// The client's own token, for the feed.
async fn token_of(issuer: &Issuer, feed: &Feed) -> Result<String, NotRead> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    let endpoint = issuer.keys.metadata().await.and_then(|it| it.token_endpoint);
    let form = [("grant_type", "client_credentials"), ("scope", "revocations")];
    let asked = issuer.http.post(endpoint.ok_or(NotRead::NoMetadata)?);
    let asked = feed.authenticated(asked).form(&form);
    Ok(asked.send().await?.error_for_status()?.json::<Granted>().await?.access_token)
}

#[cfg(test)]
mod tests {
    use super::Comments;

    #[test]
    fn a_comment_is_a_line_that_begins_with_a_colon_wherever_the_pieces_are_cut() {
        let mut comments = Comments::default();
        let pieces = ["data:{\"id\":", "\":\"}\n", "\n:al", "ive\n", "id: 7\n"];
        let found = pieces.map(|piece| comments.are_in(piece.as_bytes()));
        assert_eq!(found, [false, false, true, false, false]);
    }
}
