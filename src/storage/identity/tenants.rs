//! Tenants: the only table that is reached without one.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{
    Change, Ending, EventNumber, Slug, Tenant, TenantId, TenantSettings, TenantStatus, Timestamp,
};
use crate::storage::{
    EveryTenant, Key, Page, Place, Storage, StorageError, Unit, engine::columns::portcullis_now_ms,
    engine::connection::on_conn, engine::repeated::Repeated,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    tenants (id) {
        id -> Id16,
        slug -> Text,
        name -> Text,
        status -> Text,
        settings -> Text,
        scopes -> Text,
        resources -> Text,
        version -> BigInt,
        ended_seq -> BigInt,
        access_ttl -> BigInt,
        longest_ttl -> BigInt,
        longest_ttl_until -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenants)]
struct Row {
    id: Key,
    slug: String,
    name: String,
    status: String,
    settings: String,
    scopes: String,
    resources: String,
    version: i64,
    ended_seq: i64,
    created_at: i64,
    updated_at: i64,
}

#[derive(Insertable)]
#[diesel(table_name = tenants)]
struct NewRow {
    id: Key,
    slug: String,
    name: String,
    status: String,
    settings: String,
    scopes: String,
    resources: String,
    version: i64,
    ended_seq: i64,
    access_ttl: i64,
    longest_ttl: i64,
    longest_ttl_until: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Tenant {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            slug: row.slug.parse::<Slug>().map_err(StorageError::broken)?,
            name: row.name,
            status: row.status.parse().map_err(StorageError::broken)?,
            settings: serde_json::from_str(&row.settings).map_err(StorageError::broken)?,
            scopes: serde_json::from_str(&row.scopes).map_err(StorageError::broken)?,
            resources: serde_json::from_str(&row.resources).map_err(StorageError::broken)?,
            version: row.version,
            ended_seq: EventNumber(row.ended_seq),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(StorageError::broken)
}

impl Storage {
    /// A unit that reads tenants, and what belongs to none.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub async fn read_installation(&self) -> Result<Unit, StorageError> {
        self.read(EveryTenant::Installation).await
    }
}

impl Unit {
    /// The tenant with this slug.
    pub async fn find_tenant(&mut self, slug: &Slug) -> Result<Option<Tenant>, StorageError> {
        let query = tenants::table.filter(tenants::slug.eq(slug.as_str()));
        let row: Option<Row> =
            on_conn!(self, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Tenant::try_from).transpose()
    }

    /// Takes a tenant for changing: nobody else changes it until this unit ends, and its version
    /// is raised. Undone where the unit is dropped.
    pub async fn take_tenant(&mut self, id: TenantId) -> Result<Option<Tenant>, StorageError> {
        let target = tenants::table.filter(tenants::id.eq(Key::from(id)));
        let raised = diesel::update(target).set(tenants::version.eq(tenants::version + 1));
        let row: Option<Row> = on_conn!(self, conn => Repeated(raised.returning(Row::as_returning())).get_result(conn).await.optional())?;
        row.map(Tenant::try_from).transpose()
    }

    /// Tenants in the order of their slugs, those after `after`.
    pub async fn list_tenants(
        &mut self,
        after: &str,
        limit: i64,
    ) -> Result<Page<Tenant>, StorageError> {
        let query = tenants::table
            .filter(tenants::slug.gt(after.to_owned()))
            .order(tenants::slug)
            .limit(limit + 1);
        let rows: Vec<Row> =
            on_conn!(self, conn => query.select(Row::as_select()).load(conn).await)?;
        let items = rows.into_iter().map(Tenant::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |tenant: &Tenant| tenant.slug.to_string()))
    }

    /// Adds a tenant.
    pub async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let row = NewRow {
            id: tenant.id.into(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            status: tenant.status.as_str().to_owned(),
            settings: json(&tenant.settings)?,
            scopes: json(&tenant.scopes)?,
            resources: json(&tenant.resources)?,
            version: tenant.version,
            ended_seq: tenant.ended_seq.0,
            access_ttl: tenant.settings.access_token_ttl,
            longest_ttl: tenant.settings.access_token_ttl,
            longest_ttl_until: 0,
            created_at: tenant.created_at.millis(),
            updated_at: tenant.updated_at.millis(),
        };
        on_conn!(self, conn => diesel::insert_into(tenants::table).values(&row).execute(conn).await)?;
        self.record(Change::Tenant(tenant.id));
        Ok(())
    }

    /// Stores a tenant's name, settings, scopes and resources.
    pub async fn set_tenant_profile(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let target = tenants::table.filter(tenants::id.eq(Key::from(tenant.id)));
        let change = (
            tenants::name.eq(tenant.name.clone()),
            tenants::settings.eq(json(&tenant.settings)?),
            tenants::scopes.eq(json(&tenant.scopes)?),
            tenants::resources.eq(json(&tenant.resources)?),
            tenants::updated_at.eq(tenant.updated_at.millis()),
        );
        on_conn!(self, conn => diesel::update(target).set(change).execute(conn).await)?;
        self.set_access_ttl(tenant.id, tenant.settings.access_token_ttl).await?;
        self.record(Change::Tenant(tenant.id));
        Ok(())
    }

    /// Remembers how long tokens live that were made under an earlier setting: none lives longer
    /// than a day, so for a day after a shorter setting the longest of before counts on.
    async fn set_access_ttl(&mut self, id: TenantId, ttl: i64) -> Result<(), StorageError> {
        let target = tenants::table.filter(tenants::id.eq(Key::from(id)));
        let query = target.select((
            tenants::access_ttl,
            tenants::longest_ttl,
            tenants::longest_ttl_until,
            portcullis_now_ms(0),
        ));
        let (before, longest, until, now): (i64, i64, i64, i64) =
            on_conn!(self, conn => query.first(conn).await)?;
        if before == ttl {
            return Ok(());
        }
        let longest = if now < until { longest.max(before) } else { before };
        let change = (
            tenants::access_ttl.eq(ttl),
            tenants::longest_ttl.eq(longest),
            tenants::longest_ttl_until.eq(now + TenantSettings::MOST_ACCESS_TOKEN_TTL * 1000),
        );
        on_conn!(self, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }

    /// Lets a tenant serve, or not.
    pub async fn set_tenant_status(
        &mut self,
        id: TenantId,
        status: TenantStatus,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let target = tenants::table.filter(tenants::id.eq(Key::from(id)));
        let change = (tenants::status.eq(status.as_str()), tenants::updated_at.eq(now.millis()));
        on_conn!(self, conn => diesel::update(target).set(change).execute(conn).await)?;
        self.record(Change::Tenant(id));
        Ok(())
    }

    /// Removes a tenant with its keys, and ends everything in it; what is left of that is removed
    /// afterwards, but for its audit trail, which stays.
    pub async fn delete_tenant(&mut self, id: TenantId) -> Result<Place, StorageError> {
        let target = tenants::table.filter(tenants::id.eq(Key::from(id)));
        on_conn!(self, conn => diesel::delete(target).execute(conn).await)?;
        Ok(self.tenant_of(id).end_deleted(Ending::Tenant))
    }
}
