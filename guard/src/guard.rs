//! The guard: whether an access token is good, here and now.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::Validation;
use serde::Serialize;

use crate::{
    Clock, Feed, Principal, Refusal, SystemClock, WhenBehind,
    endings::Verdict,
    issuer::{Common, Issuer, Issuers, TENANT},
    keys::{Key, NoKey},
    metadata::ANSWER_WITHIN,
    principal::Claims,
};

/// No token is longer, in bytes.
const LONGEST: usize = 16 * 1024;

/// Tokens that were seen to be good and are not verified again.
const MOST_SEEN: u64 = 10_000;

/// Clocks may differ by so many seconds, where nothing else is said.
const LEEWAY: u64 = 10;

/// What a guard is made of.
pub struct Builder {
    audience: String,
    issuers: Vec<String>,
    leeway: u64,
    feed: Option<Feed>,
    takes_bound: bool,
    clock: Arc<dyn Clock>,
}

/// Why a guard cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotBuilt {
    /// There is no issuer whose tokens it would take.
    #[error("a guard needs an issuer")]
    NoIssuer,
    /// An issuer has more than one `{tenant}` in it.
    #[error("{0} is no pattern of issuers: there is one {{tenant}} in it at most")]
    NoPattern(String),
    /// An issuer is no address of https, and none of this machine.
    #[error("{0} is no address of https")]
    NotHttps(String),
    /// Pages of the feed are asked for without a pause, or less often than its bound.
    #[error("the feed is to be asked more often than its bound, and with a pause")]
    Polling,
    /// The client for HTTP could not be made.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
}

impl Builder {
    /// Takes tokens of this issuer; the name is compared to the letter. May be said again.
    ///
    /// With `{tenant}` in it, it is a pattern, such as `https://id.example/t/{tenant}`: every issuer of it is taken, and
    /// the tenant is in the principal. Each has its own keys, and one's never verify another's tokens.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Takes tokens that are bound to a key or a certificate (`cnf`: RFC 9449, RFC 8705). Whoever says so proves the
    /// binding by [`Principal::confirmation`] at each request: this crate does not, and refuses them where it is not said.
    #[must_use]
    pub fn takes_bound_tokens(self) -> Self {
        Self { takes_bound: true, ..self }
    }

    /// Clocks may differ by so many seconds; ten where it is not said.
    #[must_use]
    pub fn leeway(self, seconds: u64) -> Self {
        Self { leeway: seconds, ..self }
    }

    /// Hears of what is ended.
    #[must_use]
    pub fn follow(self, feed: Feed) -> Self {
        Self { feed: Some(feed), ..self }
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Makes the guard, in a Tokio runtime: the feeds are followed from now on.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn build(self) -> Result<Guard, NotBuilt> {
        if self.issuers.is_empty() {
            return Err(NotBuilt::NoIssuer);
        }
        if let Some(open) = self.issuers.iter().find(|name| !is_closed(name)) {
            return Err(NotBuilt::NotHttps(open.clone()));
        }
        if self.feed.as_ref().is_some_and(|feed| !feed.is_possible()) {
            return Err(NotBuilt::Polling);
        }
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for issuer in self.issuers {
            match issuer.split(TENANT).collect::<Vec<_>>()[..] {
                [_] => names.push(issuer),
                [before, after] => patterns.push((before.to_owned(), after.to_owned())),
                _ => return Err(NotBuilt::NoPattern(issuer)),
            }
        }
        // A redirect may lead from an issuer to anywhere.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(ANSWER_WITHIN)
            .build()?;
        let Self { audience, leeway, feed, clock, takes_bound, .. } = self;
        let common = Common { http, clock: Arc::clone(&clock), leeway, feed };
        Ok(Guard(Arc::new(Inner {
            audience,
            leeway,
            takes_bound,
            clock,
            issuers: Arc::new(Issuers::of(names, patterns, common)),
            seen: moka::sync::Cache::new(MOST_SEEN),
            counted: Counted::default(),
        })))
    }
}

/// Whether nobody in between can answer for it: https, or this very machine.
fn is_closed(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(&address.replace(TENANT, "tenant")) else { return false };
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let is_plain = url.username().is_empty() && url.password().is_none();
    is_plain && url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_here)
}

#[derive(Default)]
struct Counted {
    ended: AtomicU64,
    refused_behind: AtomicU64,
    asked_behind: AtomicU64,
    passed_behind: AtomicU64,
}

/// What a guard has counted, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Good tokens that were refused since they were ended.
    pub ended: u64,
    /// Good tokens that were refused since the guard was behind.
    pub refused_behind: u64,
    /// Good tokens that the issuer was asked about since the guard was behind.
    pub asked_behind: u64,
    /// Good tokens that passed though the guard was behind.
    pub passed_behind: u64,
    /// Endings that are held.
    pub endings: usize,
    /// Milliseconds since the issuer was heard that was silent for longest; none where one was never heard, or
    /// none is followed.
    pub silent_for_ms: Option<u64>,
}

struct Inner {
    audience: String,
    leeway: u64,
    takes_bound: bool,
    clock: Arc<dyn Clock>,
    issuers: Arc<Issuers>,
    seen: moka::sync::Cache<Box<str>, Arc<Seen>>,
    counted: Counted,
}

/// A token that was verified.
struct Seen {
    principal: Arc<Principal>,
    issuer: Arc<Issuer>,
    key: Arc<Key>,
}

impl Seen {
    /// Whether the key that has verified it is still the issuer's.
    fn has_its_key(&self) -> bool {
        self.issuer.keys.has(self.key.id(), &self.key)
    }
}

/// Checks access tokens. It is cheap to clone, and made once.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("audience", &self.0.audience).finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard of the API that tokens name as `aud`.
    pub fn for_audience(audience: impl Into<String>) -> Builder {
        Builder {
            audience: audience.into(),
            issuers: Vec::new(),
            leeway: LEEWAY,
            feed: None,
            takes_bound: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// Whom a request with this `Authorization` header speaks for (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn verify_header(&self, header: Option<&str>) -> Result<Arc<Principal>, Refusal> {
        let mut words = header.unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        let is_bearer = words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
        match (words.next(), words.next()) {
            (Some(token), None) if is_bearer => self.verify(token).await,
            (Some(_), Some(_)) if is_bearer => Err(Refusal::InvalidRequest),
            _ => Err(Refusal::NoToken),
        }
    }

    /// Whom a token speaks for.
    ///
    /// # Errors
    /// [`Refusal::InvalidToken`], and [`Refusal::Unavailable`] where it cannot be said.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, Refusal> {
        let held = self.0.seen.get(token);
        // Where its key is gone it is looked at as if it were new: another of that name may be there.
        let seen = match held.filter(|seen| seen.has_its_key()) {
            Some(seen) => seen,
            None => {
                let seen = Arc::new(self.verified(token).await?);
                self.0.seen.insert(token.into(), Arc::clone(&seen));
                seen
            }
        };
        self.decide(&seen, token).await?;
        Ok(Arc::clone(&seen.principal))
    }

    /// What was counted since the guard was made.
    pub fn figures(&self) -> Figures {
        let Counted { ended, refused_behind, asked_behind, passed_behind } = &self.0.counted;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let issuers = self.0.issuers.all();
        let silent: Option<Vec<Duration>> =
            issuers.iter().map(|issuer| issuer.endings.silent_for()).collect();
        let longest = silent.and_then(|silent| silent.into_iter().max());
        Figures {
            ended: count(ended),
            refused_behind: count(refused_behind),
            asked_behind: count(asked_behind),
            passed_behind: count(passed_behind),
            endings: issuers.iter().map(|issuer| issuer.endings.len()).sum(),
            silent_for_ms: longest.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// The clock that it goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Verifies a token: what does not change while its key is the issuer's.
    async fn verified(&self, token: &str) -> Result<Seen, Refusal> {
        if token.len() > LONGEST {
            return Err(refused("too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("no JWT"))?;
        // Nothing is understood that a header could call critical (RFC 7515 §4.1.11).
        if header.crit.is_some() {
            return Err(refused("crit"));
        }
        // An ID token is a JWT of the same issuer and key (RFC 9068 §4).
        let typ = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(refused("no access token by its typ"));
        }
        let named = jsonwebtoken::dangerous::insecure_decode::<Claims>(token);
        let named = named.map_err(|_| refused("claims are missing"))?.claims;
        let issuer = self.0.issuers.find(&named.iss).await.map_err(|why| match why {
            NoKey::Unknown => refused("another issuer"),
            NoKey::Away => unavailable("a tenant's issuer cannot be reached"),
        })?;
        let key = issuer.keys.find(header.kid.as_deref()).await.map_err(|why| match why {
            NoKey::Unknown => refused("unknown kid"),
            NoKey::Away => unavailable("the issuer's keys cannot be had"),
        })?;
        let mut validation = Validation::new(header.alg);
        validation.algorithms.clone_from(&key.algorithms);
        validation.leeway = self.0.leeway;
        validation.set_audience(&[&self.0.audience]);
        validation.set_issuer(&[&issuer.url]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By this guard's own clock, each time.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        let verified = jsonwebtoken::decode::<Claims>(token, &key.verifies, &validation);
        let claims = verified.map_err(|why| refused_by(&why))?.claims;
        // As a bearer token it would serve whoever has stolen it (RFC 9449 §7.2).
        if claims.cnf.is_some() && !self.0.takes_bound {
            return Err(refused("bound to a key or a certificate"));
        }
        let key_id = key.id().map(str::to_owned);
        let principal = Principal { claims, key_id, tenant: issuer.tenant.clone() };
        Ok(Seen { principal: Arc::new(principal), issuer, key })
    }

    /// What changes: the time, and what was ended.
    async fn decide(&self, seen: &Seen, token: &str) -> Result<(), Refusal> {
        let Seen { principal, issuer, .. } = seen;
        let (now, leeway) = (self.0.clock.now() as f64, self.0.leeway as f64);
        if now >= principal.claims.exp + leeway {
            return Err(refused("expired"));
        }
        if principal.claims.nbf.is_some_and(|nbf| nbf > now + leeway) {
            return Err(refused("not yet"));
        }
        let Some(feed) = self.0.issuers.feed() else { return Ok(()) };
        let counted = &self.0.counted;
        match issuer.endings.judge(principal, feed.bound) {
            Verdict::Good => Ok(()),
            Verdict::Ended => {
                counted.ended.fetch_add(1, Ordering::Relaxed);
                Err(refused("ended"))
            }
            Verdict::Behind => match feed.when_behind {
                WhenBehind::Refuse => {
                    counted.refused_behind.fetch_add(1, Ordering::Relaxed);
                    Err(unavailable("nothing was heard from the issuer for too long"))
                }
                WhenBehind::GoOn => {
                    counted.passed_behind.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                }
                WhenBehind::AskIntrospection => {
                    counted.asked_behind.fetch_add(1, Ordering::Relaxed);
                    match feed.introspect(issuer, token).await {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(refused("the issuer says that it no longer counts")),
                        Err(why) => {
                            tracing::debug!(issuer = issuer.url, error = %why, "the issuer cannot be asked about a token");
                            Err(Refusal::Unavailable)
                        }
                    }
                }
            },
        }
    }
}

fn refused(why: &'static str) -> Refusal {
    tracing::debug!(why, "an access token is refused");
    Refusal::InvalidToken
}

fn refused_by(why: &jsonwebtoken::errors::Error) -> Refusal {
    tracing::debug!(%why, "an access token is refused");
    Refusal::InvalidToken
}

/// Who is away is warned of where it is asked, not at each request.
fn unavailable(why: &'static str) -> Refusal {
    tracing::debug!(why, "it cannot be said whether an access token is good");
    Refusal::Unavailable
}
