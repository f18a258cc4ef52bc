//! The machinery: connections, units of work, deadlines, migrations, and how values are stored.

pub(in crate::storage) mod blame;
pub(in crate::storage) mod columns;
pub(in crate::storage) mod connection;
pub(in crate::storage) mod deadline;
pub(in crate::storage) mod error;
pub(in crate::storage) mod gathered;
pub(in crate::storage) mod gatherers;
pub(in crate::storage) mod in_place;
pub(in crate::storage) mod marks;
pub(in crate::storage) mod migrate;
pub(in crate::storage) mod pool;
pub(in crate::storage) mod postgres;
pub(in crate::storage) mod repeated;
pub(in crate::storage) mod scope;
pub(in crate::storage) mod sqlite;
pub(in crate::storage) mod unit;
