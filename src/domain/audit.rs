//! The audit trail: security events, who caused them and from where.

use std::net::{IpAddr, Ipv6Addr};

use super::{AuditId, Event, RequestId, TenantId, Timestamp};

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The peer's address, through trusted proxies.
    pub ip: String,
    /// The program's name for itself, cut to 400 bytes.
    pub user_agent: String,
    /// What a browser holds where users have signed in before; told from a forgery when it is used.
    pub devices: Vec<String>,
    /// Which request it was, or which command of the shell; what the server does by itself is neither.
    pub request_id: Option<RequestId>,
}

impl Origin {
    /// Whom the address belongs to: itself, or the /64 of an IPv6 address, all of which one has who
    /// has one.
    pub fn network(&self) -> String {
        match self.ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
            Ok(ip) => ip.to_string(),
            Err(_) => self.ip.clone(),
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user of the tenant, by id.
    User(String),
    /// A client of the tenant, by client_id.
    Client(String),
    /// A person with a shell on the server.
    Shell,
    /// Nobody who could be told.
    Anonymous,
}

impl Actor {
    /// How the trail writes the actor: `kind:name`.
    pub fn to_text(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Client(id) => format!("client:{id}"),
            Self::Shell => "shell".to_owned(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// Something that happened, with who did it, when and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The tenant it happened in.
    pub tenant_id: TenantId,
    /// A time-ordered identifier.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// From where.
    pub origin: Origin,
}

/// One entry of the trail, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The tenant it happened in.
    pub tenant_id: TenantId,
    /// A time-ordered identifier.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, `noun.verb`.
    pub action: String,
    /// To what.
    pub target: String,
    /// Why, or how it ended.
    pub reason: String,
    /// From where.
    pub origin: Origin,
}

impl From<&Occurrence> for AuditEntry {
    fn from(occurrence: &Occurrence) -> Self {
        let Occurrence { tenant_id, id, at, actor, event, origin } = occurrence;
        Self {
            tenant_id: *tenant_id,
            id: *id,
            at: *at,
            actor: short(&actor.to_text()),
            action: event.name().to_owned(),
            target: short(&event.target()),
            reason: short(&event.reason()),
            origin: Origin {
                ip: short(&origin.ip),
                user_agent: short(&origin.user_agent),
                devices: Vec::new(),
                request_id: origin.request_id,
            },
        }
    }
}

/// At most 400 characters of what came from outside, none of them able to begin a line (CWE-117).
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
