//! The plain states of the system: tenants, users, clients, sessions, grants, keys.
//!
//! No I/O here: a value of these types was checked when it was made, and what it
//! allows can be read off it.

mod application_type;
mod audit;
mod authentication;
mod client;
mod code;
mod event;
mod family;
mod field_error;
mod filters;
mod forced_logout;
mod ids;
pub mod limits;
mod login_name;
mod redirect_uri;
mod request_id;
mod revocation;
mod session;
mod signing_key;
mod standing;
mod tenant;
mod text_enum;
mod time;
mod user;

pub use audit::{Actor, AuditEntry, Occurrence, Origin};
pub use authentication::{Authentication, AuthenticationMethod};
pub use client::{ApplicationType, AuthMethod, Client, ClientMetadata, ClientSecret, GrantType};
pub use code::AuthorizationCode;
pub use event::Event;
pub use family::{EndReason, TokenFamily};
pub use field_error::FieldError;
pub use filters::{AuditFilter, SessionFilter};
pub use forced_logout::{Effectiveness, NodeSeen, Reached, Selection, Settling};
pub use ids::{AuditId, FamilyId, NodeId, SecretId, SessionId, TenantId, UserId};
pub use redirect_uri::{NotARedirectUri, RedirectUri};
pub use request_id::RequestId;
pub use revocation::{Change, Ending, EndingsPage, EventNumber, RevocationEvent, TenantEnding};
pub use session::{Session, SessionKind};
pub use signing_key::{KeyState, SigningAlg, SigningKey};
pub use standing::{FamilyStanding, Standing};
pub use tenant::{Resource, ScopeDefinition, Slug, Tenant, TenantSettings, TenantStatus};
pub use text_enum::UnknownName;
pub(crate) use text_enum::text_enum;
pub use time::Timestamp;
pub use user::{Role, User, UserStatus};
