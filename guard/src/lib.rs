//! Checks access tokens at a resource server (RFC 9068, RFC 6750), and hears of those that were ended.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use portcullis_guard::{Feed, Guard, WhenBehind};
//!
//! let guard = Guard::for_audience("https://api.acme.example")
//!     .issuer("https://id.example/t/acme")
//!     .follow(Feed::as_client("api", "its secret").when_behind(WhenBehind::Refuse))
//!     .build()?;
//!
//! // What came in the `Authorization` header.
//! let principal = guard.verify("eyJ…").await?;
//! principal.require(&["reports.read"])?;
//! # Ok(()) }
//! ```
//!
//! With the feature `axum` or `rocket` a handler asks for what it needs by its type: see [`scope!`] and the module
//! of that name. With the feature `tower` there is a layer for any other service.
//!
//! # What is checked
//! `typ`, the algorithm (by the key and by nothing in the token), the signature, `iss` against those that are
//! allowed, `aud`, `exp` and `nbf`; then whether the token was ended. Keys come from the issuer's metadata. They are held
//! for as long as its answers say and fetched ahead of that, one fetch at a time; a `kid` that is not known asks again once
//! a minute at most; while the issuer is away the last keys stay.
//!
//! # Endings
//! A [`Feed`] follows the issuer's endings (Portcullis has such a feed): a forced logout reaches the guard within a second,
//! without a question for each request. Where the guard has not heard from the issuer for longer than its bound, it does
//! what its author has chosen ([`WhenBehind`]). Without a feed any issuer of RFC 9068 will do, and tokens are good until
//! they expire.
//!
//! # Refusals
//! A [`Refusal`] knows its status and its `WWW-Authenticate` (RFC 6750 §3, RFC 9470). Why a token was refused is traced at
//! level `debug`, and never told to the caller.

#[cfg(any(feature = "axum", feature = "rocket", feature = "tower"))]
mod authorized;
#[cfg(feature = "axum")]
pub mod axum;
mod clock;
mod endings;
mod feed;
mod guard;
mod issuer;
mod keys;
mod metadata;
mod principal;
mod refusal;
#[cfg(feature = "rocket")]
pub mod rocket;
mod scope;
#[cfg(feature = "tower")]
pub mod tower;

pub use clock::{Clock, SystemClock};
pub use endings::{NoChoice, WhenBehind};
pub use feed::Feed;
pub use guard::{Builder, Figures, Guard, NotBuilt};
pub use principal::Principal;
pub use refusal::Refusal;
pub use scope::Scopes;
