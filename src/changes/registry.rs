//! The endings in force, in memory: a handful of hash look-ups a token.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    domain::{Ending, EventNumber, TenantId},
    protocol::AccessTokenClaims,
};

/// What an ending names, as small as can be: there may be a million of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name {
    tenant: TenantId,
    kind: Kind,
    subject: Subject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Tenant,
    Client,
    User,
    Session,
    Grant,
    Token,
    Key,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Id([u8; 16]),
    Text(Box<str>),
}

impl Subject {
    /// Most identifiers are UUIDs written out, as they are written here.
    fn read(text: &str) -> Self {
        let id = text.parse::<TenantId>().ok().filter(|id| id.to_string() == text);
        id.map_or_else(|| Self::Text(text.into()), |id| Self::Id(*id.as_bytes()))
    }
}

impl Name {
    fn of(tenant: TenantId, ending: &Ending) -> Self {
        let (kind, subject) = match ending {
            Ending::Tenant => (Kind::Tenant, Subject::Id(*tenant.as_bytes())),
            Ending::User(id) => (Kind::User, Subject::Id(*id.as_bytes())),
            Ending::Session(id) => (Kind::Session, Subject::Id(*id.as_bytes())),
            Ending::Grant(id) => (Kind::Grant, Subject::Id(*id.as_bytes())),
            Ending::Client(id) => (Kind::Client, Subject::read(id)),
            Ending::Token(id) => (Kind::Token, Subject::read(id)),
            Ending::Key(id) => (Kind::Key, Subject::read(id)),
        };
        Self { tenant, kind, subject }
    }

    fn ending(&self) -> Option<Ending> {
        let text = match &self.subject {
            Subject::Id(id) => TenantId::from_bytes(*id).to_string(),
            Subject::Text(text) => text.to_string(),
        };
        let kind = match self.kind {
            Kind::Tenant => "tenant",
            Kind::Client => "client",
            Kind::User => "user",
            Kind::Session => "session",
            Kind::Grant => "grant",
            Kind::Token => "token",
            Kind::Key => "key",
        };
        Ending::read(kind, &text)
    }
}

/// What an access token can be ended by.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a> {
    /// Its own identifier.
    pub jti: &'a str,
    /// The user, or the client where no user took part.
    pub sub: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// The session.
    pub sid: Option<&'a str>,
    /// The grant.
    pub gid: Option<&'a str>,
    /// The number of the last event that its making knew of.
    pub born: EventNumber,
}

impl<'a> Subjects<'a> {
    /// What `claims` can be ended by.
    pub fn of(claims: &'a AccessTokenClaims) -> Self {
        Self {
            jti: &claims.jti,
            sub: &claims.sub,
            client_id: &claims.client_id,
            sid: claims.sid.as_deref(),
            gid: claims.gid.as_deref(),
            born: EventNumber(claims.rev),
        }
    }

    /// Every subject by name, for a query.
    pub(super) fn names(&self, tenant: TenantId) -> Vec<String> {
        let named = [Some(self.jti), Some(self.sub), Some(self.client_id), self.sid, self.gid];
        let mut names: Vec<String> = named.into_iter().flatten().map(str::to_owned).collect();
        names.push(tenant.to_string());
        names
    }

    /// Whether `ending`, one of the same tenant with this number, refuses the token.
    pub(super) fn met_by(&self, number: EventNumber, ending: &Ending) -> bool {
        let named = match ending {
            Ending::Tenant => true,
            Ending::Client(id) => id == self.client_id,
            Ending::User(id) => id.to_string() == self.sub,
            Ending::Session(id) => self.sid.is_some_and(|sid| id.to_string() == sid),
            Ending::Grant(id) => self.gid.is_some_and(|gid| id.to_string() == gid),
            Ending::Token(jti) => jti == self.jti,
            // A withdrawn key is none that the token could have been verified with.
            Ending::Key(_) => false,
        };
        named && (!ending.spares_later() || self.born < number)
    }
}

/// The number of an ending, and when it is forgotten.
#[derive(Clone, Copy)]
struct Held {
    number: EventNumber,
    tick: u64,
}

/// The endings that a node knows of, each until no token can meet it any more. They lie by the
/// time they go, by the time that really passes and no clock, so a look costs nothing where
/// nothing goes.
pub struct Registry {
    endings: RwLock<Endings>,
    began: Instant,
}

#[derive(Default)]
struct Endings {
    /// The highest number of a tenant's endings that were forgotten. Whatever they could meet was
    /// born before it, and has expired, unless a clock is wrong.
    floors: HashMap<TenantId, EventNumber>,
    held: HashMap<Name, Held>,
    by_tick: BTreeMap<u64, Vec<Name>>,
}

/// How finely the time is told at which an ending goes.
const TICK: Duration = Duration::from_secs(5);

impl Default for Registry {
    fn default() -> Self {
        Self { endings: RwLock::default(), began: Instant::now() }
    }
}

// A poisoned lock means that a thread died between two map operations; the map itself is whole.
macro_rules! unpoisoned {
    ($lock:expr) => {
        $lock.unwrap_or_else(PoisonError::into_inner)
    };
}

impl Registry {
    fn tick_after(&self, lives: Duration) -> u64 {
        (self.began.elapsed() + lives).as_secs() / TICK.as_secs() + 1
    }

    /// Whether an ending that is known here refuses the token.
    pub fn refuses(&self, tenant: TenantId, token: &Subjects<'_>) -> bool {
        let endings = unpoisoned!(self.endings.read());
        if endings.floors.get(&tenant).is_some_and(|floor| token.born < *floor) {
            return true;
        }
        if endings.held.is_empty() {
            return false;
        }
        let by = |kind, subject| {
            endings.held.get(&Name { tenant, kind, subject }).map(|held| held.number)
        };
        let later = |kind, subject| by(kind, subject).is_some_and(|number| token.born < number);
        let ever = |kind, subject: Option<&str>| {
            subject.is_some_and(|text| by(kind, Subject::read(text)).is_some())
        };
        later(Kind::Tenant, Subject::Id(*tenant.as_bytes()))
            || later(Kind::Client, Subject::read(token.client_id))
            || later(Kind::User, Subject::read(token.sub))
            || ever(Kind::Session, token.sid)
            || ever(Kind::Grant, token.gid)
            || ever(Kind::Token, Some(token.jti))
    }

    /// Adds an ending that can meet a token for `lives` more; of two for one subject the later stays.
    pub fn insert(&self, tenant: TenantId, ending: &Ending, number: EventNumber, lives: Duration) {
        let name = Name::of(tenant, ending);
        let tick = self.tick_after(lives);
        let mut endings = unpoisoned!(self.endings.write());
        let Endings { held, by_tick, .. } = &mut *endings;
        match held.get_mut(&name) {
            Some(known) if known.number >= number && known.tick >= tick => return,
            Some(known) => {
                *known = Held { number: known.number.max(number), tick: known.tick.max(tick) }
            }
            None => {
                held.insert(name.clone(), Held { number, tick });
            }
        }
        by_tick.entry(tick).or_default().push(name);
    }

    /// Drops endings that no token can meet any more.
    pub fn prune(&self) {
        let now = self.began.elapsed().as_secs() / TICK.as_secs();
        let is_due = unpoisoned!(self.endings.read())
            .by_tick
            .first_key_value()
            .is_some_and(|(tick, _)| *tick <= now);
        if !is_due {
            return;
        }
        let mut endings = unpoisoned!(self.endings.write());
        while let Some(entry) = endings.by_tick.first_entry().filter(|entry| *entry.key() <= now) {
            for name in entry.remove() {
                // One that was heard of again since lies under a later tick too.
                let Some(gone) = endings.held.get(&name).filter(|held| held.tick <= now).copied()
                else {
                    continue;
                };
                endings.held.remove(&name);
                let floor = endings.floors.entry(name.tenant).or_default();
                *floor = gone.number.max(*floor);
            }
        }
        if endings.held.len() * 4 < endings.held.capacity() {
            endings.held.shrink_to_fit();
        }
    }

    /// The endings that go after `tick`, those of one tick at a time: the next tick, and each with
    /// its number and how long it lives. `None` at the end.
    pub fn part_after(&self, tick: u64) -> Option<(u64, Vec<InForce>)> {
        let endings = unpoisoned!(self.endings.read());
        let (tick, names) = endings.by_tick.range(tick + 1..).next()?;
        let ends = TICK * u32::try_from(*tick).unwrap_or(u32::MAX);
        let lives = ends.saturating_sub(self.began.elapsed());
        let in_force = |name: &Name| {
            let held = endings.held.get(name).filter(|held| held.tick == *tick)?;
            Some(InForce {
                tenant: name.tenant,
                ending: name.ending()?,
                number: held.number,
                lives,
            })
        };
        Some((*tick, names.iter().filter_map(in_force).collect()))
    }

    /// How many endings are held.
    pub fn len(&self) -> usize {
        unpoisoned!(self.endings.read()).held.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An ending in force.
pub struct InForce {
    /// The tenant.
    pub tenant: TenantId,
    /// What was ended.
    pub ending: Ending,
    /// The number of its event.
    pub number: EventNumber,
    /// How long it can still meet a token.
    pub lives: Duration,
}
