//! What became of one thing in the file, and of each of its members.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is new.
    Created,
    /// Some members of it are other than they were.
    Changed,
    /// It is what the file says already.
    Unchanged,
    /// The file did not name it.
    Removed,
}

impl What {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
        }
    }
}

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What became of it.
    pub what: What,
    /// Its kind and name.
    pub target: String,
    /// The members that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// A client's secret that was made, told this once.
    #[serde(rename = "client_secret", skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A member that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its path.
    pub field: String,
    /// What it was; `null` where there was none, or where it is a secret.
    pub old: Value,
    /// What it is; of a secret only that it is new.
    pub new: Value,
}

/// What stands in the place of a secret.
const NEW_SECRET: &str = "(new)";

impl FieldChange {
    /// A secret that is another now: neither the old nor the new one is shown.
    pub(super) fn secret(field: &str) -> Self {
        Self { field: field.to_owned(), old: Value::Null, new: NEW_SECRET.into() }
    }

    /// Whether it is a secret's.
    pub fn is_secret(&self) -> bool {
        matches!(self.field.as_str(), "client_secret" | "password" | "password_hash")
    }
}

impl Change {
    pub(super) fn new(what: What, target: String) -> Self {
        Self { what, target, fields: Vec::new(), secret: None }
    }

    pub(super) fn changed(target: String, fields: Vec<FieldChange>) -> Self {
        Self { fields, ..Self::new(What::Changed, target) }
    }
}

/// The members in which `new` is other than `old`; settings one by one.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        compare(old, new, "", &mut found);
    }
    found
}

fn compare(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    prefix: &str,
    found: &mut Vec<FieldChange>,
) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (was, is) =
            (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
        match (was, is) {
            (Value::Object(was), Value::Object(is)) if name == "settings" => {
                compare(was, is, "settings.", found);
            }
            _ if was == is => {}
            _ => found.push(FieldChange {
                field: format!("{prefix}{name}"),
                old: was.clone(),
                new: is.clone(),
            }),
        }
    }
}
