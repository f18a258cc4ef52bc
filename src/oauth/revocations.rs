//! The feed of a tenant's endings, for its resource servers: which tokens are dead that have not expired.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::{Cx, verify_access_token};
use crate::{
    changes::Follower,
    domain::{EventNumber, Origin, Tenant, TenantEnding, TenantId, Timestamp},
    installation::Installation,
    keys::unverified_issuer,
    protocol::{ErrorCode, OauthError, Scope},
};

/// Endings on a page where nothing is said, and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

/// How often a stream says that it lives. Whoever hears nothing for five seconds may take it for broken.
const BREATH: Duration = Duration::from_secs(2);

/// How long a stream waits where the database is away.
const AGAIN: Duration = Duration::from_millis(250);

/// An ending, as the feed tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndingTold {
    /// Its number: what comes later has a higher one.
    pub n: i64,
    /// What was ended: `token`, `grant`, `session`, `user`, `client`, `tenant` or `key`.
    kind: &'static str,
    /// The `jti`, `gid`, `sid`, `sub`, `client_id` or `kid` of the tokens that are dead; of a tenant its id.
    id: String,
    /// Seconds since the epoch, when the last of those tokens has expired.
    until: i64,
}

impl EndingTold {
    fn of(tenant: TenantId, TenantEnding { number, ending, until }: TenantEnding) -> Self {
        // Up to the next second: a token is good until its own is over.
        let until = Timestamp::from_millis(until.millis() + 999).secs();
        Self { n: number.0, kind: ending.kind(), id: ending.subject(tenant), until }
    }
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedPage {
    /// The endings that can still meet a token, the oldest first.
    events: Vec<EndingTold>,
    /// Where the next page begins.
    next: String,
    /// The number of the installation's last event.
    head: i64,
}

/// Why a page cannot be had.
#[derive(Debug)]
pub enum NoPage {
    /// The request is refused.
    Refused(OauthError),
    /// The cursor is none of this installation's any more: what is in force is to be read anew.
    Gone,
}

impl<E: Into<OauthError>> From<E> for NoPage {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// What a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    after: Option<EventNumber>,
    limit: i64,
}

impl Reading {
    /// What these parameters ask for: everything that is in force where there is no cursor.
    ///
    /// # Errors
    /// `invalid_request` for a cursor or a limit that is none.
    pub fn of(after: Option<&str>, limit: Option<&str>) -> Result<Self, OauthError> {
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        let after = after.map(|text| {
            let cursor = number(text).map(EventNumber);
            cursor.ok_or_else(|| OauthError::invalid_request("after is no cursor of this feed"))
        });
        let limit = limit.map(|text| {
            let limit = number(text).filter(|limit| *limit > 0);
            limit.ok_or_else(|| OauthError::invalid_request("limit is a number of 1 or more"))
        });
        let limit = limit.transpose()?.unwrap_or(USUAL).min(MOST);
        Ok(Self { after: after.transpose()?, limit })
    }
}

/// Whether a token is a client's own and may follow this tenant.
///
/// # Errors
/// `invalid_token`; `insufficient_scope`; `not_found` for another tenant's token.
pub async fn may_follow(cx: &Cx<'_>, token: &str) -> Result<(), OauthError> {
    let claims = match verify_access_token(cx, token).await {
        Ok(claims) => claims,
        Err(error) if error.code == ErrorCode::InvalidToken && is_anothers(cx, token) => {
            return Err(OauthError::new(ErrorCode::NotFound, "a token of another tenant"));
        }
        Err(error) => return Err(error),
    };
    cx.is_of_client(&claims.client_id);
    if !claims.scope.contains(Scope::REVOCATIONS) || claims.sub != claims.client_id {
        return Err(OauthError::new(
            ErrorCode::InsufficientScope,
            "a client's own token with scope revocations is needed",
        ));
    }
    if !claims.aud.contains(&claims.iss) {
        return Err(OauthError::invalid_token().because("a token for another audience"));
    }
    Ok(())
}

/// Whether a token, which is not good here, says that it is another tenant's. What it says is not believed:
/// it decides how it is refused, and no more.
fn is_anothers(cx: &Cx<'_>, token: &str) -> bool {
    unverified_issuer(token).is_some_and(|issuer| issuer != cx.app.issuer(cx.tenant))
}

/// A page of what was ended.
///
/// # Errors
/// [`NoPage`].
pub async fn page(cx: &Cx<'_>, reading: Reading) -> Result<FeedPage, NoPage> {
    let mut unit = cx.app.storage.read(&**cx.tenant).await?;
    let head = unit.head().await?;
    let after = begin(reading.after, head)?;
    let page = unit.tenant(cx.tenant).endings_between(after, head, reading.limit).await?;
    let told = page.endings.into_iter().map(|ending| EndingTold::of(cx.tenant.id, ending));
    Ok(FeedPage { events: told.collect(), next: page.to.to_string(), head: head.0 })
}

/// After which number a reader goes on. Where it has no cursor, from the beginning of the numbers that are
/// counted now: what was ended before them ended with everything else, by the first of them.
fn begin(cursor: Option<EventNumber>, head: EventNumber) -> Result<EventNumber, NoPage> {
    match cursor {
        None => Ok(head.epoch_begin()),
        Some(cursor) if cursor >= head.epoch_begin() && cursor <= head => Ok(cursor),
        Some(_) => Err(NoPage::Gone),
    }
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Something has ended.
    Ended(EndingTold),
    /// Nothing else has, up to this moment.
    Alive,
}

/// A stream of what is ended.
pub struct Stream {
    app: Arc<Installation>,
    tenant: Arc<Tenant>,
    origin: Origin,
    token: String,
    follower: Follower,
    waiting: VecDeque<TenantEnding>,
    /// When it is to say next that it lives.
    due: Instant,
}

/// Follows what is ended, from what `reading` asks for on, for as long as `token` may.
///
/// # Errors
/// [`NoPage`].
pub async fn stream(
    cx: &Cx<'_>,
    app: &Arc<Installation>,
    token: &str,
    reading: Reading,
) -> Result<Stream, NoPage> {
    let after = begin(reading.after, cx.app.storage.read(&**cx.tenant).await?.head().await?)?;
    let follower = cx
        .app
        .revocations
        .follower(cx.tenant, after)
        .map_err(|_| OauthError::unavailable().because("too many follow this tenant"))?;
    Ok(Stream {
        app: Arc::clone(app),
        tenant: Arc::clone(cx.tenant),
        origin: cx.origin.clone(),
        token: token.to_owned(),
        follower,
        waiting: VecDeque::new(),
        due: Instant::now(),
    })
}

impl Stream {
    /// What is to be said next; `None` at the end, where the reader's token is no longer good. Where it cannot
    /// be said whether something has ended, it says nothing.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(ending) = self.waiting.pop_front() {
                return Some(Said::Ended(EndingTold::of(self.tenant.id, ending)));
            }
            if self.due <= Instant::now() {
                self.due = Instant::now() + BREATH;
                if !self.may_go_on().await {
                    return None;
                }
                if self.app.view.is_current() && self.follower.is_whole() {
                    return Some(Said::Alive);
                }
            }
            match timeout_at(self.due, self.follower.next()).await {
                Ok(Ok(endings)) => self.waiting.extend(endings),
                Ok(Err(why)) => {
                    why.report();
                    tokio::time::sleep(AGAIN).await;
                }
                Err(_) => {}
            }
        }
    }

    /// Whether the reader's token is still good: it, its client and its key may have been ended, too.
    async fn may_go_on(&self) -> bool {
        let cx = Cx::new(&self.app, &self.tenant, &self.origin);
        match verify_access_token(&cx, &self.token).await {
            Ok(_) => true,
            // Where it cannot be said, nothing else is said either.
            Err(why) => why.code != ErrorCode::InvalidToken,
        }
    }
}
