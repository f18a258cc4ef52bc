//! Numbers that several rooms rest on, each with the reason for it. Those of one room stand there.

use super::TenantSettings;

/// Seconds by which two clocks may differ: what is issued at one node is not from the future at another,
/// and what a client signed is not over too early.
pub const CLOCK_SKEW: i64 = 60;

/// Seconds for which verifiers may hold a tenant's metadata and keys without asking again: so long is a key
/// published before it signs.
pub const JWKS_MAX_AGE: i64 = 300;

/// Seconds a token from `portcullis token` lives, whatever the tenant's setting: it serves one script.
pub const SHELL_TOKEN_TTL: i64 = 900;

/// Seconds for which a key that signs no more is still published: until the longest token that it may have
/// signed has expired by every clock, at verifiers that have just asked.
pub const RETIRED_KEY_TTL: i64 = TenantSettings::MOST_ACCESS_TOKEN_TTL + JWKS_MAX_AGE + CLOCK_SKEW;

/// Seconds for which an ending is remembered beyond its longest token's life: the clocks of the node that
/// made the token and of the one that checks it.
pub const ENDING_MARGIN: i64 = 2 * CLOCK_SKEW;
