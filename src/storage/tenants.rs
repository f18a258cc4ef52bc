//! Tenants: the only table that is reached without one.

use std::str::FromStr;

use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::{Page, StorageError, Unit, connection::on_conn, schema::tenants};
use crate::domain::{Change, Slug, Tenant, TenantId, TenantStatus, Timestamp};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tenants)]
struct Row {
    id: String,
    slug: String,
    name: String,
    status: String,
    settings: String,
    scopes: String,
    resources: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Tenant {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: TenantId::from_str(&row.id).map_err(StorageError::corrupt)?,
            slug: row.slug.parse::<Slug>().map_err(StorageError::corrupt)?,
            name: row.name,
            status: match row.status.as_str() {
                "active" => TenantStatus::Active,
                "suspended" => TenantStatus::Suspended,
                other => return Err(StorageError::corrupt(format!("tenant status {other}"))),
            },
            settings: serde_json::from_str(&row.settings).map_err(StorageError::corrupt)?,
            scopes: serde_json::from_str(&row.scopes).map_err(StorageError::corrupt)?,
            resources: serde_json::from_str(&row.resources).map_err(StorageError::corrupt)?,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn row_of(tenant: &Tenant) -> Result<Row, StorageError> {
    Ok(Row {
        id: tenant.id.to_string(),
        slug: tenant.slug.to_string(),
        name: tenant.name.clone(),
        status: tenant.status.as_str().to_owned(),
        settings: serde_json::to_string(&tenant.settings).map_err(StorageError::corrupt)?,
        scopes: serde_json::to_string(&tenant.scopes).map_err(StorageError::corrupt)?,
        resources: serde_json::to_string(&tenant.resources).map_err(StorageError::corrupt)?,
        created_at: tenant.created_at.millis(),
        updated_at: tenant.updated_at.millis(),
    })
}

impl Unit {
    /// The tenant with this slug.
    pub async fn find_tenant(&mut self, slug: &Slug) -> Result<Option<Tenant>, StorageError> {
        let query = tenants::table.filter(tenants::slug.eq(slug.as_str()));
        let row: Option<Row> = on_conn!(self, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Tenant::try_from).transpose()
    }

    /// The tenant with this identifier.
    pub async fn find_tenant_by_id(&mut self, id: TenantId) -> Result<Option<Tenant>, StorageError> {
        let query = tenants::table.filter(tenants::id.eq(id.to_string()));
        let row: Option<Row> = on_conn!(self, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Tenant::try_from).transpose()
    }

    /// Tenants in the order of their slugs, those after `after`.
    pub async fn list_tenants(&mut self, after: &str, limit: i64) -> Result<Page<Tenant>, StorageError> {
        let query = tenants::table.filter(tenants::slug.gt(after.to_owned())).order(tenants::slug).limit(limit + 1);
        let rows: Vec<Row> = on_conn!(self, conn => query.select(Row::as_select()).load(conn).await)?;
        let items = rows.into_iter().map(Tenant::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |tenant: &Tenant| tenant.slug.to_string()))
    }

    /// Adds a tenant.
    pub async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let row = row_of(tenant)?;
        on_conn!(self, conn => diesel::insert_into(tenants::table).values(&row).execute(conn).await)?;
        self.record(Change::Tenant(tenant.id)).await
    }

    /// Stores a changed tenant.
    pub async fn update_tenant(&mut self, tenant: &Tenant) -> Result<(), StorageError> {
        let row = row_of(tenant)?;
        let target = tenants::table.filter(tenants::id.eq(tenant.id.to_string()));
        on_conn!(self, conn => diesel::update(target).set(&row).execute(conn).await)?;
        self.record(Change::Tenant(tenant.id)).await
    }

    /// Removes a tenant and everything that belongs to it; its audit trail stays.
    pub async fn delete_tenant(&mut self, id: TenantId) -> Result<(), StorageError> {
        let target = tenants::table.filter(tenants::id.eq(id.to_string()));
        on_conn!(self, conn => diesel::delete(target).execute(conn).await)?;
        self.record(Change::Tenant(id)).await
    }
}
