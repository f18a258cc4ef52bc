//! The tokens that the table describes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    API,
    keys::{Key, base64},
    tenant::{Tenant, next_number},
    world::World,
};

/// A token as the table has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    #[serde(default)]
    pub(crate) header: Map<String, Value>,
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
    /// In the place of all claims.
    pub(crate) payload: Option<Value>,
    pub(crate) key: Option<String>,
    /// The very token of before that was called so; it is made the first time.
    pub(crate) same: Option<String>,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Whose tokens they are, and who else there is.
#[derive(Clone)]
pub(crate) struct Mint {
    pub(crate) world: Arc<World>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) neighbour: Arc<Tenant>,
    made: Arc<Mutex<HashMap<String, String>>>,
}

impl Mint {
    pub(crate) fn new(world: Arc<World>, tenant: Arc<Tenant>, neighbour: Arc<Tenant>) -> Self {
        Self { world, tenant, neighbour, made: Arc::default() }
    }

    /// A token that is so.
    pub(crate) fn token(&self, described: &Described) -> String {
        match &described.same {
            None => self.made(described),
            Some(name) => {
                let mut made = self.made.lock().unwrap();
                made.entry(name.clone()).or_insert_with(|| self.made(described)).clone()
            }
        }
    }

    fn made(&self, described: &Described) -> String {
        let id = next_number().to_string();
        let mut header = object(json!({ "alg": "ES256", "typ": "at+jwt", "kid": "one" }));
        self.change(&mut header, &described.header, &id);
        let mut claims = object(json!({
            "iss": self.tenant.url, "aud": API, "sub": "ada", "client_id": "app", "exp": now() + 600, "iat": now(),
            "jti": id, "scope": "reports.read", "sid": "s", "gid": "g", "rev": 0,
        }));
        self.change(&mut claims, &described.claims, &id);
        let payload = described.payload.clone().unwrap_or(Value::Object(claims));
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (header, payload) = (Value::Object(header).to_string(), payload.to_string());
        let message = format!("{}.{}", base64(header), base64(payload));
        let signature = self.sign(described.key.as_deref().unwrap_or("one"), &algorithm, &message);
        format!("{message}.{signature}")
    }

    fn sign(&self, key: &str, algorithm: &str, message: &str) -> String {
        let of =
            |tenant: &Tenant, id: &str| -> Arc<Key> { tenant.see(|now| Arc::clone(&now.keys[id])) };
        let message = message.as_bytes();
        match key {
            "none" => String::new(),
            "another" => self.world.another.sign(algorithm, message),
            "neighbour" => of(&self.neighbour, "one").sign(algorithm, message),
            "public" => of(&self.tenant, "one").sign_by_the_public(message),
            // One that was rolled away has signed before.
            "one" => self.tenant.first.sign(algorithm, message),
            id => of(&self.tenant, id).sign(algorithm, message),
        }
    }

    fn change(&self, object: &mut Map<String, Value>, changes: &Map<String, Value>, id: &str) {
        for (name, value) in changes {
            let value = match value {
                Value::Null => {
                    object.remove(name);
                    continue;
                }
                Value::Object(relative) if relative.contains_key("now") => {
                    json!(now() + relative["now"].as_i64().unwrap())
                }
                Value::String(text) if name == "jwk" && text == "another" => {
                    self.world.another.jwk("one", "sig")
                }
                Value::String(text) => json!(self.fill(text).replace("{unique}", id)),
                Value::Array(items) => items
                    .iter()
                    .map(|item| {
                        item.as_str().map_or_else(|| item.clone(), |text| json!(self.fill(text)))
                    })
                    .collect(),
                other => other.clone(),
            };
            object.insert(name.clone(), value);
        }
    }

    /// A text with the names in it put in.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{issuer}", &self.tenant.url)
            .replace("{base}", &self.world.base)
            .replace("{tenant}", self.name())
    }

    /// The tenant's name.
    pub(crate) fn name(&self) -> &str {
        self.tenant.url.rsplit('/').next().unwrap()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
