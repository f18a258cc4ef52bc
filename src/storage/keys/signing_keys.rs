//! Signing keys, their private halves sealed.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{Change, Ending, KeyState, SigningKey, TenantId, Timestamp};
use crate::storage::{Key, Place, StorageError, TenantStore, Unit, engine::connection::on_conn};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    signing_keys (tenant_id, kid) {
        tenant_id -> Id16,
        kid -> Text,
        alg -> Text,
        state -> Text,
        public_jwk -> Text,
        sealed_private -> Binary,
        created_at -> BigInt,
        activated_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
struct Row {
    tenant_id: Key,
    kid: String,
    alg: String,
    state: String,
    public_jwk: String,
    sealed_private: Vec<u8>,
    created_at: i64,
    activated_at: Option<i64>,
    expires_at: Option<i64>,
}

fn key_of(tenant_id: TenantId, row: Row) -> Result<SigningKey, StorageError> {
    Ok(SigningKey {
        tenant_id,
        kid: row.kid,
        alg: row.alg.parse().map_err(StorageError::broken)?,
        state: row.state.parse().map_err(StorageError::broken)?,
        public_jwk: serde_json::from_str(&row.public_jwk).map_err(StorageError::broken)?,
        sealed_private: row.sealed_private,
        created_at: Timestamp::from_millis(row.created_at),
        activated_at: row.activated_at.map(Timestamp::from_millis),
        expires_at: row.expires_at.map(Timestamp::from_millis),
    })
}

/// How an attempt to rotate came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRotation {
    /// The next key signs now.
    Done,
    /// Another node was first; there is nothing left to do.
    Lost,
}

impl TenantStore<'_> {
    /// Every key of the tenant, the oldest first.
    pub async fn list_keys(&mut self) -> Result<Vec<SigningKey>, StorageError> {
        let query = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.key()))
            .order((signing_keys::created_at, signing_keys::kid));
        let rows: Vec<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        rows.into_iter().map(|row| key_of(self.tenant_id, row)).collect()
    }

    /// Adds a key.
    pub async fn insert_key(&mut self, key: &SigningKey) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            public_jwk: key.public_jwk.to_string(),
            sealed_private: key.sealed_private.clone(),
            created_at: key.created_at.millis(),
            activated_at: key.activated_at.map(Timestamp::millis),
            expires_at: key.expires_at.map(Timestamp::millis),
        };
        on_conn!(self.unit, conn => diesel::insert_into(signing_keys::table).values(&row).execute(conn).await)?;
        self.unit.record(Change::Keys(self.tenant_id));
        Ok(())
    }

    /// Removes a key that has leaked, and has every token refused that it signed; answers `None`
    /// where there is no such key. Where it was to sign, now or next, `spare` is in its place.
    pub async fn withdraw_key(
        &mut self,
        kid: &str,
        spare: &SigningKey,
        now: Timestamp,
    ) -> Result<Option<Place>, StorageError> {
        let target = signing_keys::table
            .filter(signing_keys::tenant_id.eq(self.key()))
            .filter(signing_keys::kid.eq(kid.to_owned()));
        let gone = diesel::delete(target).returning(signing_keys::state);
        let state: Option<String> =
            on_conn!(self.unit, conn => gone.get_result(conn).await.optional())?;
        let Some(state) = state else { return Ok(None) };
        let state: KeyState = state.parse().map_err(StorageError::broken)?;
        if state == KeyState::Active {
            // The next key signs at once: verifiers that do not have it yet ask for it by its kid.
            let promote = (
                signing_keys::state.eq(KeyState::Active.as_str()),
                signing_keys::activated_at.eq(Some(now.millis())),
            );
            let next = signing_keys::table
                .filter(signing_keys::tenant_id.eq(self.key()))
                .filter(signing_keys::state.eq(KeyState::Next.as_str()));
            on_conn!(self.unit, conn => diesel::update(next).set(promote).execute(conn).await)?;
        }
        if state != KeyState::Retiring {
            self.insert_key(spare).await?;
        }
        self.unit.record(Change::Keys(self.tenant_id));
        Ok(Some(self.end_one(Ending::Key(kid.to_owned()))))
    }

    /// Retires `active` until `gone_at`, lets `next` sign, and publishes `upcoming` after it.
    ///
    /// Each step is a compare-and-set on the state that was read, and unique indexes allow one
    /// active and one next key: of two nodes that rotate at once, one is told [`KeyRotation::Lost`].
    pub async fn rotate_keys(
        &mut self,
        active: &str,
        next: &str,
        upcoming: &SigningKey,
        gone_at: Timestamp,
        now: Timestamp,
    ) -> Result<KeyRotation, StorageError> {
        let retire = (
            signing_keys::state.eq(KeyState::Retiring.as_str()),
            signing_keys::expires_at.eq(Some(gone_at.millis())),
        );
        let promote = (
            signing_keys::state.eq(KeyState::Active.as_str()),
            signing_keys::activated_at.eq(Some(now.millis())),
        );
        let in_state = |tenant: Key, kid: &str, state: KeyState| {
            signing_keys::table
                .filter(signing_keys::tenant_id.eq(tenant))
                .filter(signing_keys::kid.eq(kid.to_owned()))
                .filter(signing_keys::state.eq(state.as_str()))
        };
        let retiring = in_state(self.key(), active, KeyState::Active);
        let promoted = in_state(self.key(), next, KeyState::Next);
        let retired =
            on_conn!(self.unit, conn => diesel::update(retiring).set(retire).execute(conn).await)?;
        if retired == 0 {
            return Ok(KeyRotation::Lost);
        }
        let risen =
            on_conn!(self.unit, conn => diesel::update(promoted).set(promote).execute(conn).await)?;
        if risen == 0 {
            return Ok(KeyRotation::Lost);
        }
        self.insert_key(upcoming).await?;
        Ok(KeyRotation::Done)
    }
}

impl Unit {
    /// Removes retired keys whose last token has expired; answers how many.
    pub(in crate::storage) async fn sweep_keys(
        &mut self,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let gone = signing_keys::table
            .filter(signing_keys::state.eq(KeyState::Retiring.as_str()))
            .filter(signing_keys::expires_at.lt(now.millis()));
        on_conn!(self, conn => diesel::delete(gone).execute(conn).await)
    }
}
