//! The one row that stands for everything of a user, a client or a tenant: it is held before it is
//! ended, and bears the number of its last ending.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::domain::{Ending, EventNumber, TenantId};
use crate::storage::{
    Key, StorageError, TenantStore, Unit,
    engine::connection::on_conn,
    engine::repeated::Repeated,
    schema::{clients, tenants, users},
};

impl Unit {
    /// Writes the number on the one row that stands for everything that was ended. That row is
    /// locked by this transaction already, or gone.
    pub(super) async fn put_ended_seq(
        &mut self,
        tenant: TenantId,
        ending: &Ending,
        seq: EventNumber,
    ) -> Result<(), StorageError> {
        let key = Key::from(tenant);
        match ending {
            Ending::Tenant => {
                let row = diesel::update(tenants::table.filter(tenants::id.eq(key)));
                let row = Repeated(row.set(tenants::ended_seq.eq(seq.0)));
                on_conn!(self, conn => row.execute(conn).await)?;
            }
            Ending::Client(id) => {
                let row = clients::table
                    .filter(clients::tenant_id.eq(key))
                    .filter(clients::client_id.eq(id.clone()));
                let row = Repeated(diesel::update(row).set(clients::ended_seq.eq(seq.0)));
                on_conn!(self, conn => row.execute(conn).await)?;
            }
            Ending::User(id) => {
                let row = users::table
                    .filter(users::tenant_id.eq(key))
                    .filter(users::id.eq(Key::from(*id)));
                let row = Repeated(diesel::update(row).set(users::ended_seq.eq(seq.0)));
                on_conn!(self, conn => row.execute(conn).await)?;
            }
            Ending::Session(_) | Ending::Grant(_) | Ending::Token(_) | Ending::Key(_) => {}
        }
        Ok(())
    }
}

impl TenantStore<'_> {
    /// Holds the one row that stands for everything of a user, a client or the tenant until this
    /// unit ends; answers whether it is there. Whoever ends it must hold it first: the number is
    /// written on it while the head is locked, when nothing may be waited for.
    pub async fn hold(&mut self, ending: &Ending) -> Result<bool, StorageError> {
        let key = self.key();
        let held = match ending {
            Ending::Tenant => {
                let row = diesel::update(tenants::table.filter(tenants::id.eq(key)));
                let row = Repeated(row.set(tenants::ended_seq.eq(tenants::ended_seq)));
                on_conn!(self.unit, conn => row.execute(conn).await)?
            }
            Ending::Client(id) => {
                let row = clients::table
                    .filter(clients::tenant_id.eq(key))
                    .filter(clients::client_id.eq(id.clone()));
                let row =
                    Repeated(diesel::update(row).set(clients::ended_seq.eq(clients::ended_seq)));
                on_conn!(self.unit, conn => row.execute(conn).await)?
            }
            Ending::User(id) => {
                let row = users::table
                    .filter(users::tenant_id.eq(key))
                    .filter(users::id.eq(Key::from(*id)));
                let row = Repeated(diesel::update(row).set(users::ended_seq.eq(users::ended_seq)));
                on_conn!(self.unit, conn => row.execute(conn).await)?
            }
            Ending::Session(_) | Ending::Grant(_) | Ending::Token(_) | Ending::Key(_) => 1,
        };
        Ok(held == 1)
    }
}
