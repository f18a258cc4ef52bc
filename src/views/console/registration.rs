//! The fields of a client's registration (RFC 7591 §2), as the console shows and reads them: one list, which
//! both directions walk.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Choice;
use crate::domain::{ApplicationType, AuthMethod, ClientMetadata, FieldError, GrantType};

/// How a field is filled in.
#[derive(Clone, Copy)]
enum Kind {
    /// A line of text.
    Line,
    /// A text each line.
    Lines,
    /// JSON.
    Json,
    /// Yes or no.
    Check,
    /// One of these; none of them, where the first is empty.
    One(fn() -> Vec<&'static str>),
    /// Any of these, each with a box whose name begins so.
    Some(&'static str, fn() -> Vec<&'static str>),
}

/// A field and what people are told of it.
struct Field {
    /// Its name in the registration.
    name: &'static str,
    kind: Kind,
    label: &'static str,
    hint: &'static str,
}

const fn field(name: &'static str, kind: Kind, label: &'static str, hint: &'static str) -> Field {
    Field { name, kind, label, hint }
}

/// Every field, in the order in which it is shown.
const FIELDS: &[Field] = &[
    field("client_name", Kind::Line, "Name", "for people"),
    field("token_endpoint_auth_method", Kind::One(methods), "Authenticates by", ""),
    field(
        "application_type",
        Kind::One(kinds),
        "What it is",
        "tells which programs are shown to its developers",
    ),
    field(
        "additional_token_endpoint_auth_methods",
        Kind::Some("also_", methods),
        "May also authenticate by",
        "",
    ),
    field("grant_types", Kind::Some("grant_", grants), "Grants", ""),
    field("redirect_uris", Kind::Lines, "Redirect URIs", "one a line, compared to the letter"),
    field("post_logout_redirect_uris", Kind::Lines, "Redirect URIs after logout", "one a line"),
    field("scope", Kind::Line, "Scope", ""),
    field("jwks", Kind::Json, "Public keys", "a JWK Set, for private_key_jwt"),
    field("skip_consent", Kind::Check, "First-party: do not ask its users for consent", ""),
];

fn methods() -> Vec<&'static str> {
    AuthMethod::ALL.iter().map(|method| method.as_str()).collect()
}

fn grants() -> Vec<&'static str> {
    GrantType::ALL.iter().map(|grant| grant.as_str()).collect()
}

fn kinds() -> Vec<&'static str> {
    std::iter::once("").chain(ApplicationType::ALL.iter().map(|kind| kind.as_str())).collect()
}

/// A field as the form shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownField {
    name: &'static str,
    kind: &'static str,
    /// What the boxes of its choices have in front of their names.
    prefix: &'static str,
    label: &'static str,
    hint: &'static str,
    /// What stands in it.
    value: String,
    /// Whether it is checked.
    chosen: bool,
    /// What may be chosen.
    choices: Vec<Choice>,
}

impl Kind {
    /// What the template calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Lines | Self::Json => "area",
            Self::Check => "check",
            Self::One(_) => "one",
            Self::Some(..) => "some",
        }
    }

    fn choices(self) -> Vec<&'static str> {
        match self {
            Self::One(choices) | Self::Some(_, choices) => choices(),
            _ => Vec::new(),
        }
    }

    /// What the box for one of several has in front of its name.
    fn prefix(self) -> &'static str {
        match self {
            Self::Some(prefix, _) => prefix,
            _ => "",
        }
    }
}

impl Field {
    fn shown(&self, value: String, chosen: bool, is_chosen: impl Fn(&str) -> bool) -> ShownField {
        let choices = self.kind.choices().into_iter();
        let choices = choices
            .map(|name| Choice { value: name.to_owned(), chosen: is_chosen(name) })
            .collect();
        let Self { name, kind, label, hint } = *self;
        let (kind, prefix) = (kind.name(), kind.prefix());
        ShownField { name, kind, prefix, label, hint, value, chosen, choices }
    }

    fn read<'f>(&self, find: &impl Fn(&str) -> Option<&'f str>) -> Result<Value, FieldError> {
        let typed = find(self.name);
        Ok(match self.kind {
            Kind::Line => typed.unwrap_or_default().into(),
            Kind::Lines => {
                let lines = typed
                    .unwrap_or_default()
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty());
                lines.collect::<Vec<_>>().into()
            }
            Kind::Json => match typed {
                None => Value::Null,
                Some(text) => serde_json::from_str(text)
                    .map_err(|why| FieldError::new(self.name, why.to_string()))?,
            },
            Kind::Check => typed.is_some().into(),
            Kind::One(_) => json!(typed.filter(|text| !text.is_empty())),
            Kind::Some(prefix, choices) => {
                let is_chosen = |name: &&str| find(&format!("{prefix}{name}")).is_some();
                choices().into_iter().filter(is_chosen).collect::<Vec<_>>().into()
            }
        })
    }
}

/// The fields of a registration as it stands.
pub fn shown(metadata: &ClientMetadata) -> Vec<ShownField> {
    let members = serde_json::to_value(metadata).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    };
    let one = |field: &Field| {
        let value = members.get(field.name).unwrap_or(&Value::Null);
        let is_chosen = |name: &str| {
            value == name
                || (value.is_null() && name.is_empty())
                || value.as_array().is_some_and(|all| all.iter().any(|one| one == name))
        };
        field.shown(text(value), value == true, is_chosen)
    };
    FIELDS.iter().map(one).collect()
}

/// The same as somebody has typed it; `find` finds what the form holds.
pub fn typed<'f>(find: impl Fn(&str) -> Option<&'f str>) -> Vec<ShownField> {
    let one = |field: &Field| {
        let value = find(field.name);
        let is_chosen = |name: &str| match field.kind {
            Kind::Some(prefix, _) => find(&format!("{prefix}{name}")).is_some(),
            _ => value.unwrap_or_default() == name,
        };
        field.shown(value.unwrap_or_default().to_owned(), value.is_some(), is_chosen)
    };
    FIELDS.iter().map(one).collect()
}

/// The registration that a form holds.
///
/// # Errors
/// The field that cannot be read.
pub fn read<'f>(find: impl Fn(&str) -> Option<&'f str>) -> Result<Value, FieldError> {
    let members: Result<Map<String, Value>, FieldError> =
        FIELDS.iter().map(|field| Ok((field.name.to_owned(), field.read(&find)?))).collect();
    members.map(Value::Object)
}
