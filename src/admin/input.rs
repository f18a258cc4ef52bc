//! What callers send: the field names of the file that `apply` reads, in all three doors.

use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    accounts::PasswordOwner,
    domain::{
        ApplicationType, ClientMetadata, FieldError, Resource, Role, ScopeDefinition, Slug,
        TenantSettings, TenantStatus, UserStatus,
    },
};

/// A tenant as it shall be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantInput {
    /// Its name in addresses, `[a-z0-9][a-z0-9-]{0,62}`; cannot change.
    #[schema(value_type = String)]
    pub slug: Slug,
    /// Its name for people; the slug where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it serves; in a patch, by an operator alone.
    #[serde(default = "serving")]
    pub status: TenantStatus,
    /// What it decides for itself.
    #[serde(default)]
    pub settings: TenantSettings,
    /// Its scopes.
    #[serde(default)]
    pub scopes: Vec<ScopeDefinition>,
    /// Its audiences (RFC 8707).
    #[serde(default)]
    pub resources: Vec<Resource>,
}

fn serving() -> TenantStatus {
    TenantStatus::Active
}

/// A client as it shall be.
#[derive(Debug, Clone)]
pub struct ClientInput {
    /// Its identifier; made where it is left out.
    pub client_id: Option<String>,
    /// Its secret; made where it needs one and has none.
    pub client_secret: Option<SecretString>,
    /// What it says of itself.
    pub metadata: ClientMetadata,
}

impl PartialSchema for ClientInput {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| {
            ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build()
        };
        let own = ObjectBuilder::new()
            .property("client_id", text("Made where it is left out; cannot change"))
            .property(
                "client_secret",
                text("At least 32 characters; made where it is left out and needed"),
            );
        AllOfBuilder::new().item(own).item(ClientMetadata::schema()).into()
    }
}

impl ToSchema for ClientInput {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ClientMetadata::schemas(schemas);
    }
}

/// One token: either member.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// The identifier of an access token.
    #[serde(default)]
    pub jti: Option<String>,
    /// An access or refresh token.
    #[serde(default)]
    pub token: Option<String>,
}

impl ClientInput {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// The field that is unknown or of the wrong kind.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        let mut value = value;
        alone(&mut value);
        let Value::Object(mut members) = value else {
            return Err(FieldError::new("client", "an object"));
        };
        let mut text = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(FieldError::new(name, "a string")),
        };
        let (client_id, client_secret) = (text("client_id")?, text("client_secret")?);
        Ok(Self {
            client_id,
            client_secret: client_secret.map(SecretString::from),
            metadata: read(&Value::Object(of_its_kind(members)?))?,
        })
    }
}

/// A registration whose `application_type` says what the members are that it leaves out.
fn of_its_kind(mut members: Map<String, Value>) -> Result<Map<String, Value>, FieldError> {
    let Some(Value::String(kind)) = members.get("application_type") else { return Ok(members) };
    let Ok(kind) = kind.parse::<ApplicationType>() else {
        let names: Vec<&str> = ApplicationType::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(FieldError::new("application_type", names.join(", ")));
    };
    let defaults = serde_json::to_value(kind.defaults());
    let defaults = defaults.map_err(|why| FieldError::new("application_type", why.to_string()))?;
    for (name, value) in defaults.as_object().into_iter().flatten() {
        members.entry(name).or_insert_with(|| value.clone());
    }
    Ok(members)
}

/// Whoever names one method of client authentication and says nothing of others means that one alone; whoever
/// resets it resets the others too.
pub(super) fn alone(client: &mut Value) {
    const OTHERS: &str = "additional_token_endpoint_auth_methods";
    let Value::Object(members) = client else { return };
    let others = match members.get("token_endpoint_auth_method") {
        Some(Value::Null) => Value::Null,
        Some(_) => Value::Array(Vec::new()),
        None => return,
    };
    members.entry(OTHERS).or_insert(others);
}

/// A user as it shall be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// The name it signs in with, compared by RFC 8265.
    pub username: String,
    /// Its e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether that was shown to be its own.
    #[serde(default)]
    pub email_verified: bool,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Its password, 8 characters at least and none of those that are tried first; left out, it stays as it is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub password: Option<SecretString>,
    /// A hash from `export --with-hashes`, in place of a password.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// What it may do to the tenant.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Whether it may sign in.
    #[serde(default = "active")]
    pub status: UserStatus,
}

impl UserInput {
    /// Whose its password shall be.
    pub(super) fn owner(&self) -> PasswordOwner<'_> {
        PasswordOwner {
            username: &self.username,
            email: self.email.as_deref(),
            name: self.name.as_deref(),
        }
    }
}

fn active() -> UserStatus {
    UserStatus::Active
}

/// Reads `value` as a `T`, and names the field at fault where it is none.
///
/// # Errors
/// The field, by its path.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, FieldError> {
    let why = match T::deserialize(value) {
        Ok(read) => return Ok(read),
        Err(why) => why.to_string(),
    };
    let mut path = path_at_fault::<T>(value, &why);
    // What was written in the place of a secret is not repeated.
    if path == "password" {
        return Err(FieldError::new(path, "a string: put it in quotes"));
    }
    if let Some(missing) =
        why.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
    {
        path = joined(&path, missing);
    }
    // Some kinds of text name the field themselves.
    let why = why.strip_prefix(&format!("{path}: ")).map_or(why.clone(), str::to_owned);
    Err(FieldError::new(if path.is_empty() { "body".to_owned() } else { path }, why))
}

/// Members of one object or list that are looked at to find the one at fault.
const MOST_MEMBERS: usize = 64;

/// The path of the innermost member without which `value` would not be refused as `why` says. serde
/// tells what is wrong and not where.
fn path_at_fault<T: DeserializeOwned>(value: &Value, why: &str) -> String {
    let (mut pointer, mut path) = (String::new(), String::new());
    loop {
        let found = value.pointer(&pointer);
        let is_list = found.is_some_and(Value::is_array);
        let steps: Vec<String> = match found {
            Some(Value::Object(members)) => members.keys().take(MOST_MEMBERS).cloned().collect(),
            Some(Value::Array(items)) => {
                (0..items.len()).take(MOST_MEMBERS).map(|at| at.to_string()).collect()
            }
            _ => Vec::new(),
        };
        let at_fault = |step: &String| {
            let left = without(value, &pointer, step);
            T::deserialize(&left).err().is_none_or(|other| other.to_string() != why)
        };
        let Some(step) = steps.into_iter().find(at_fault) else { return path };
        path = if is_list { format!("{path}[{step}]") } else { joined(&path, &step) };
        // RFC 6901 section 3.
        pointer = format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"));
    }
}

fn joined(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

/// `value` without one member of the object or list that `pointer` leads to.
fn without(value: &Value, pointer: &str, step: &str) -> Value {
    let mut left = value.clone();
    match (left.pointer_mut(pointer), step.parse::<usize>()) {
        (Some(Value::Object(members)), _) => members.retain(|name, _| name != step),
        (Some(Value::Array(items)), Ok(at)) if at < items.len() => drop(items.remove(at)),
        _ => {}
    }
    left
}

/// Puts `patch` over `base` (JSON Merge Patch, RFC 7396): what it leaves out stays, `null` removes.
pub(crate) fn merge(base: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *base = patch;
        return;
    };
    if !base.is_object() {
        *base = Value::Object(serde_json::Map::new());
    }
    let Value::Object(members) = base else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}
