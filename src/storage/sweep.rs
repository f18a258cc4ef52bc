//! Removes what has expired and proves nothing any more.

use diesel::ExpressionMethods;
use diesel::QueryDsl as _;
use diesel_async::RunQueryDsl;

use super::{
    StorageError, Unit,
    connection::on_conn,
    schema::{authorization_codes, client_assertions, nodes, sessions, signing_keys, token_families},
};
use crate::domain::{KeyState, Timestamp};

/// How long ended and expired rows stay, so that a replay is still told from garbage and an
/// admin still sees what was.
const KEPT_MS: i64 = 7 * 86_400_000;

impl Unit {
    /// Removes expired rows; answers how many.
    pub async fn sweep(&mut self, now: Timestamp) -> Result<usize, StorageError> {
        let (now_ms, old) = (now.millis(), now.millis() - KEPT_MS);
        let codes = authorization_codes::table.filter(authorization_codes::expires_at.lt(old));
        let assertions = client_assertions::table.filter(client_assertions::expires_at.lt(now_ms));
        let families = token_families::table.filter(token_families::expires_at.lt(old));
        let expired = sessions::table.filter(sessions::expires_at.lt(old));
        let keys = signing_keys::table
            .filter(signing_keys::state.eq(KeyState::Retiring.as_str()))
            .filter(signing_keys::expires_at.lt(now_ms));
        let silent = nodes::table.filter(nodes::seen_at.lt(now_ms - 3_600_000));
        let mut gone = 0;
        gone += on_conn!(self, conn => diesel::delete(codes).execute(conn).await)?;
        gone += on_conn!(self, conn => diesel::delete(assertions).execute(conn).await)?;
        gone += on_conn!(self, conn => diesel::delete(families).execute(conn).await)?;
        gone += on_conn!(self, conn => diesel::delete(expired).execute(conn).await)?;
        gone += on_conn!(self, conn => diesel::delete(keys).execute(conn).await)?;
        gone += on_conn!(self, conn => diesel::delete(silent).execute(conn).await)?;
        gone += self.sweep_events(now).await?;
        Ok(gone)
    }
}
