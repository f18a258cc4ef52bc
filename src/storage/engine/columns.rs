//! How values that both databases store in their own way are written once.

use std::io::Write as _;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Binary, SqlType},
    sqlite::Sqlite,
};

use crate::domain::{
    AuditId, EventNumber, FamilyId, NodeId, RequestId, SecretId, SessionId, TenantId, UserId,
};

/// Sixteen bytes: `uuid` on PostgreSQL, a BLOB on SQLite.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Binary"))]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
pub struct Id16;

/// An identifier as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id16)]
pub struct Key(pub(in crate::storage) [u8; 16]);

impl Key {
    /// Before every identifier.
    pub(in crate::storage) const FIRST: Self = Self([0; 16]);

    /// After every identifier.
    pub(in crate::storage) const LAST: Self = Self([0xff; 16]);
}

impl ToSql<Id16, Pg> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

impl ToSql<Id16, Sqlite> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_vec());
        Ok(IsNull::No)
    }
}

impl FromSql<Id16, Pg> for Key {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl FromSql<Id16, Sqlite> for Key {
    fn from_sql(
        value: <Sqlite as diesel::backend::Backend>::RawValue<'_>,
    ) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        let bytes = bytes.try_into().map_err(|_| "an identifier that is not of 16 bytes")?;
        Ok(Self(bytes))
    }
}

macro_rules! stored_as_key {
    ($($id:ty),+) => {
        $(
            impl From<$id> for Key {
                fn from(id: $id) -> Self {
                    Self(*id.as_bytes())
                }
            }

            impl From<Key> for $id {
                fn from(key: Key) -> Self {
                    Self::from_bytes(key.0)
                }
            }
        )+
    };
}

stored_as_key!(AuditId, FamilyId, NodeId, RequestId, SecretId, SessionId, TenantId, UserId);

diesel::define_sql_function! {
    /// The clock of leases, graces and expiring events, in milliseconds since the Unix epoch: the
    /// database server's on PostgreSQL, the machine's on SQLite, and so one for all nodes.
    fn portcullis_now_ms(plus: diesel::sql_types::BigInt) -> diesel::sql_types::BigInt;
}

impl From<EventNumber> for i64 {
    fn from(number: EventNumber) -> Self {
        number.0
    }
}
