//! Token families: one row each, rotated by one compare-and-set (RFC 6749 §6).

use std::{collections::HashMap, str::FromStr};

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper, dsl::exists,
};
use diesel_async::RunQueryDsl;

use super::{
    StorageError, TenantStore,
    connection::on_conn,
    schema::{sessions, token_families},
};
use crate::domain::{
    Change, Cutoff, EndReason, FamilyId, SessionId, TenantId, TenantSettings, Timestamp, TokenFamily, UserId,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = token_families)]
struct Row {
    tenant_id: String,
    id: String,
    session_id: String,
    user_id: String,
    client_id: String,
    scope: String,
    resource: String,
    generation: i64,
    created_at: i64,
    rotated_at: Option<i64>,
    expires_at: i64,
    ended_at: Option<i64>,
    end_reason: Option<String>,
}

impl TryFrom<Row> for TokenFamily {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: TenantId::from_str(&row.tenant_id).map_err(StorageError::corrupt)?,
            id: FamilyId::from_str(&row.id).map_err(StorageError::corrupt)?,
            session_id: SessionId::from_str(&row.session_id).map_err(StorageError::corrupt)?,
            user_id: UserId::from_str(&row.user_id).map_err(StorageError::corrupt)?,
            client_id: row.client_id,
            scope: row.scope.parse().map_err(StorageError::corrupt)?,
            resource: serde_json::from_str(&row.resource).map_err(StorageError::corrupt)?,
            generation: u32::try_from(row.generation).map_err(StorageError::corrupt)?,
            created_at: Timestamp::from_millis(row.created_at),
            rotated_at: row.rotated_at.map(Timestamp::from_millis),
            expires_at: Timestamp::from_millis(row.expires_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
            end_reason: row.end_reason.as_deref().and_then(EndReason::from_word),
        })
    }
}

/// How a presented refresh token was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was the good one; the family has moved on to its next generation.
    Next(TokenFamily),
    /// It was the last one, seen again inside the grace: the same successor is owed.
    Retried(TokenFamily),
    /// It was an older one: somebody holds a copy. Nothing was changed yet.
    Reused(TokenFamily),
    /// It was good for nothing; the word is for the audit trail.
    Refused(&'static str),
}

impl TenantStore<'_> {
    /// Adds a family.
    pub async fn insert_family(&mut self, family: &TokenFamily) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            id: family.id.to_string(),
            session_id: family.session_id.to_string(),
            user_id: family.user_id.to_string(),
            client_id: family.client_id.clone(),
            scope: family.scope.to_string(),
            resource: serde_json::to_string(&family.resource).map_err(StorageError::corrupt)?,
            generation: family.generation.into(),
            created_at: family.created_at.millis(),
            rotated_at: family.rotated_at.map(Timestamp::millis),
            expires_at: family.expires_at.millis(),
            ended_at: family.ended_at.map(Timestamp::millis),
            end_reason: family.end_reason.map(|reason| reason.as_str().to_owned()),
        };
        on_conn!(self.unit, conn => diesel::insert_into(token_families::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// The family with this identifier.
    pub async fn find_family(&mut self, id: FamilyId) -> Result<Option<TokenFamily>, StorageError> {
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::id.eq(id.to_string()));
        let row: Option<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(TokenFamily::try_from).transpose()
    }

    /// The families of a session, the oldest first.
    pub async fn list_families(&mut self, session: SessionId) -> Result<Vec<TokenFamily>, StorageError> {
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::session_id.eq(session.to_string()))
            .order(token_families::id)
            .limit(200);
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        rows.into_iter().map(TokenFamily::try_from).collect()
    }

    /// The clients that have families in these sessions, by session.
    pub async fn clients_of(&mut self, sessions: &[SessionId]) -> Result<HashMap<String, Vec<String>>, StorageError> {
        let ids: Vec<String> = sessions.iter().map(ToString::to_string).collect();
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::session_id.eq_any(ids))
            .select((token_families::session_id, token_families::client_id))
            .order((token_families::session_id, token_families::client_id))
            .distinct();
        let rows: Vec<(String, String)> = on_conn!(self.unit, conn => query.load(conn).await)?;
        let mut clients: HashMap<String, Vec<String>> = HashMap::new();
        for (session, client) in rows {
            clients.entry(session).or_default().push(client);
        }
        Ok(clients)
    }

    /// Rotates a family from `presented` to the generation after it, for `client_id` alone.
    ///
    /// One statement decides and changes, and it reads the session too: nothing is issued
    /// from an ended session, and of two that rotate at once one moves the family on and the
    /// other is told that it [`Rotation::Retried`].
    pub async fn rotate_family(
        &mut self,
        id: FamilyId,
        presented: u32,
        client_id: &str,
        settings: &TenantSettings,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        let live_session = sessions::table
            .filter(sessions::tenant_id.eq(token_families::tenant_id))
            .filter(sessions::id.eq(token_families::session_id))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(now.millis()));
        let target = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::id.eq(id.to_string()))
            .filter(token_families::generation.eq(i64::from(presented)))
            .filter(token_families::client_id.eq(client_id.to_owned()))
            .filter(token_families::ended_at.is_null())
            .filter(token_families::expires_at.gt(now.millis()))
            .filter(exists(live_session));
        let slid = settings.refresh_token_sliding.then(|| now.plus(settings.refresh_token_ttl).millis());
        let change = (
            token_families::generation.eq(token_families::generation + 1),
            token_families::rotated_at.eq(Some(now.millis())),
            slid.map(|at| token_families::expires_at.eq(at)),
        );
        let row: Option<Row> = on_conn!(self.unit, conn => diesel::update(target)
            .set(change)
            .returning(Row::as_returning())
            .get_result(conn)
            .await
            .optional())?;
        match row {
            Some(row) => TokenFamily::try_from(row).map(Rotation::Next),
            None => self.classify(id, presented, client_id, settings, now).await,
        }
    }

    /// Says why a rotation changed no row.
    async fn classify(
        &mut self,
        id: FamilyId,
        presented: u32,
        client_id: &str,
        settings: &TenantSettings,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        let Some(family) = self.find_family(id).await? else {
            return Ok(Rotation::Refused("unknown family"));
        };
        // Another client's token revokes nothing: else anyone could end anyone's session.
        if family.client_id != client_id {
            return Ok(Rotation::Refused("another client's token"));
        }
        if family.ended_at.is_some() {
            return Ok(Rotation::Refused("family ended"));
        }
        if now >= family.expires_at {
            return Ok(Rotation::Refused("expired"));
        }
        let session = self.find_session(family.session_id).await?;
        if !session.is_some_and(|session| session.is_live(now)) {
            return Ok(Rotation::Refused("session ended"));
        }
        let last = presented.checked_add(1) == Some(family.generation);
        let within_grace =
            family.rotated_at.is_some_and(|at| now.millis() - at.millis() <= settings.refresh_reuse_grace * 1000);
        if last && within_grace { Ok(Rotation::Retried(family)) } else { Ok(Rotation::Reused(family)) }
    }

    /// Ends one family and cuts off the access tokens of its grant.
    pub async fn end_family(&mut self, id: FamilyId, reason: EndReason, now: Timestamp) -> Result<(), StorageError> {
        let target = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::id.eq(id.to_string()))
            .filter(token_families::ended_at.is_null());
        let change =
            (token_families::ended_at.eq(Some(now.millis())), token_families::end_reason.eq(Some(reason.as_str())));
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        // The grant may have access tokens without a family: the cut-off does not ask for a row.
        let cutoff = Cutoff::of_grant(self.tenant_id, id, now);
        self.unit.record(Change::Cutoff(cutoff)).await
    }
}
