//! What a node holds in memory of the database, and how old that is.

mod cache;
mod directory;
mod view;
mod written;

pub use cache::Cache;
pub use directory::{Directory, Known};
pub use view::View;
pub use written::Written;
