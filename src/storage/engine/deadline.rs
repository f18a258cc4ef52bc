//! How long anything here may be waited for. Past it the caller is answered 503.

use std::time::Duration;

/// A free connection, or SQLite's one writer.
pub(in crate::storage) const CONNECTION: Duration = Duration::from_millis(750);

/// A new connection to the server.
pub(in crate::storage) const CONNECT: Duration = Duration::from_millis(1000);

/// One statement, as the caller counts it: the database may stand still and never say so.
pub(in crate::storage) const STATEMENT: Duration = Duration::from_millis(1000);

/// A unit of work from its first statement to its commit.
pub(in crate::storage) const UNIT: Duration = Duration::from_millis(1500);

/// A unit of work of a job, whom nobody waits for.
pub(in crate::storage) const JOB: Duration = Duration::from_secs(20);

/// The turn of a file that is to be applied: those of before go first, and only people wait.
pub(in crate::storage) const TURN: Duration = Duration::from_secs(300);

/// A file, from its turn to its commit. Five thousand new users take a few seconds.
pub(in crate::storage) const FILE: Duration = Duration::from_secs(120);

/// The first connection to a SQLite file, while another process makes it.
pub(in crate::storage) const OPEN: Duration = Duration::from_secs(10);

/// How long one that found another process writing waits before it looks again.
pub(in crate::storage) const LOOK: Duration = Duration::from_millis(20);

/// PostgreSQL's own limits, a little shorter than ours, so that it is the one who says so and the
/// connection lives on: a statement, a lock, and a transaction whose owner has gone.
pub(in crate::storage) const SERVER_SIDE: &str = "SET statement_timeout = '900ms'; SET lock_timeout = '700ms'; \
     SET idle_in_transaction_session_timeout = '5s'";

/// A transaction of what many wait for: whoever's row is held waits for it alone, and not the others.
pub(in crate::storage) const SERVER_SIDE_GATHERED: &str = "BEGIN; SET LOCAL lock_timeout = '100ms'";

/// The same for jobs. Where one and a request wait for each other's rows, it is the job that gives
/// up, long before the request does.
pub(in crate::storage) const SERVER_SIDE_JOB: &str = "SET statement_timeout = '15s'; SET lock_timeout = '150ms'; \
     SET idle_in_transaction_session_timeout = '30s'";

/// PostgreSQL's limits for a file while it waits for its turn, and after. Requests hold a row for
/// milliseconds: one that is held for longer is held by something that has gone wrong.
pub(in crate::storage) const SERVER_SIDE_TURN: &str = "SET LOCAL lock_timeout = '299s'; SET LOCAL statement_timeout = '299s'; \
     SET LOCAL idle_in_transaction_session_timeout = '30s'";
pub(in crate::storage) const SERVER_SIDE_FILE: &str =
    "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '15s'";

/// How queries are planned: each here walks an index in its order and stops soon. A planner that
/// has no statistics, or those of a smaller table, takes a million rows for a dozen and sorts them
/// (`tests/suite/plans/` looks at every plan). Where one of these is the only way, as over a table of
/// three rows, its cost counts as ten thousand million, for which a plan would be compiled first.
pub(in crate::storage) const PLANNING: &str = "SET enable_bitmapscan = off; SET enable_seqscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_sort = off; \
     SET jit = off";
