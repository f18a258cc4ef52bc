//! The file that `apply` reads and `export` writes: tenants, clients and users as they shall be.
//!
//! In something new, what is left out takes its default; in something that exists, it stays, and
//! `null` resets it: each entry is a JSON Merge Patch (RFC 7396), as a `PATCH` of the API is one.

mod apply;
mod change;
mod clients;
mod export;
mod preparations;
mod prune;
mod users;

use std::collections::HashSet;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value, json};

pub use apply::apply;
pub use change::{Change, FieldChange, What};
pub use export::export;
pub use prune::Prune;

use preparations::Preparations;

use super::AdminError;
use crate::domain::{FieldError, Slug, User};

/// The whole file. It holds passwords, so what is in it is never shown.
pub struct File {
    tenants: Vec<TenantEntry>,
    /// What was made for it so far.
    ready: Preparations,
}

/// How a file is applied.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Whether it is only told what would be done.
    pub dry_run: bool,
    /// What of that which the file does not name is removed.
    pub prune: Prune,
}

/// A tenant of the file, and what the file says of its clients and users: `None` where it says
/// nothing of them.
struct TenantEntry {
    slug: Slug,
    patch: Value,
    clients: Option<Vec<Entry>>,
    users: Option<Vec<Entry>>,
}

/// A client or a user of the file.
struct Entry {
    /// Its `client_id` or `username`.
    name: String,
    patch: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tenants: Vec<Map<String, Value>>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("tenants", &self.tenants.len()).finish_non_exhaustive()
    }
}

impl File {
    /// Reads YAML or JSON.
    ///
    /// # Errors
    /// Where the text is none, with the line; where something in it has no name, or has one twice.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let written = Written::read(text)?;
        let mut tenants: Vec<TenantEntry> = Vec::with_capacity(written.tenants.len());
        for (at, members) in written.tenants.into_iter().enumerate() {
            let entry = TenantEntry::read(members, at)?;
            if tenants.iter().any(|other| other.slug == entry.slug) {
                return Err(FieldError::new(format!("tenant {}: slug", entry.slug), "named twice"));
            }
            tenants.push(entry);
        }
        Ok(Self { tenants, ready: Preparations::default() })
    }

    /// What was read, as a file that says the same: with its passwords.
    pub fn to_value(&self) -> Value {
        let tenants: Vec<Value> = self.tenants.iter().map(TenantEntry::to_value).collect();
        json!({ "tenants": tenants })
    }
}

impl Written {
    /// JSON is read as JSON: the reader of YAML takes a line break within a text for a space, of which
    /// it knows more than JSON does, and refuses half of what JSON may escape.
    fn read(text: &str) -> Result<Self, FieldError> {
        // Into YAML's values first, either way: they refuse a key that stands there twice.
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            let wrong = |why: serde_json::Error| FieldError::new("JSON", why.to_string());
            serde_json::from_str::<serde_norway::Value>(text).map_err(wrong)?;
            return serde_json::from_str(text).map_err(wrong);
        }
        let wrong = |why: serde_norway::Error| FieldError::new("YAML", why.to_string());
        serde_norway::from_str::<serde_norway::Value>(text).map_err(wrong)?;
        serde_norway::from_str(text).map_err(wrong)
    }
}

impl TenantEntry {
    fn read(mut members: Map<String, Value>, at: usize) -> Result<Self, FieldError> {
        let nameless = || FieldError::new(format!("tenants[{at}].slug"), "each tenant needs one");
        let slug = members.get("slug").and_then(Value::as_str).ok_or_else(nameless)?;
        let slug: Slug =
            slug.parse().map_err(|why: FieldError| named(why, &format!("tenant {slug:?}")))?;
        let tenant = format!("tenant {slug}");
        let clients = entries(members.remove("clients"), "clients", "client_id", str::to_owned);
        let clients = clients.map_err(|why| named(why, &tenant))?;
        let users = entries(members.remove("users"), "users", "username", User::key);
        let users = users.map_err(|why| named(why, &tenant))?;
        Ok(Self { slug, patch: Value::Object(members), clients, users })
    }

    fn to_value(&self) -> Value {
        let mut tenant = self.patch.clone();
        for (heading, entries) in [("clients", &self.clients), ("users", &self.users)] {
            if let (Some(members), Some(entries)) = (tenant.as_object_mut(), entries) {
                let patches: Vec<Value> = entries.iter().map(|entry| entry.patch.clone()).collect();
                members.insert(heading.into(), patches.into());
            }
        }
        tenant
    }
}

/// A list of clients or users, each with its name, which `key` compares. Where there is nothing under
/// its heading, the file says nothing of them: emptied by accident, it must not remove everybody.
fn entries(
    list: Option<Value>,
    heading: &str,
    name: &str,
    key: impl Fn(&str) -> String,
) -> Result<Option<Vec<Entry>>, FieldError> {
    let list = match list {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(FieldError::new(heading, "a list")),
    };
    let (mut entries, mut known) = (Vec::with_capacity(list.len()), HashSet::new());
    for (at, patch) in list.into_iter().enumerate() {
        let field = || format!("{heading}[{at}].{name}");
        let Some(text) = patch.get(name).and_then(Value::as_str).map(str::to_owned) else {
            return Err(FieldError::new(
                field(),
                "each needs one, as text, so that it is found again",
            ));
        };
        if !known.insert(key(&text)) {
            return Err(FieldError::new(field(), format!("{text:?} is named twice")));
        }
        entries.push(Entry { name: text, patch });
    }
    Ok(Some(entries))
}

fn named(error: FieldError, context: &str) -> FieldError {
    FieldError::new(format!("{context}: {}", error.field), error.message)
}

/// The same error with what it is about.
fn in_context(error: AdminError, context: &str) -> AdminError {
    match error {
        AdminError::Invalid(field) => AdminError::Invalid(named(field, context)),
        AdminError::Conflict(why) => AdminError::Conflict(format!("{context}: {why}")),
        other => other,
    }
}
