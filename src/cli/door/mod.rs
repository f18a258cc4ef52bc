//! The door that commands go through: the admin API, in this process over the database, or over the network.

mod here;
mod there;

use serde_json::{Value, json};

pub(super) use here::Here;
pub(super) use there::There;

use super::Failure;
use crate::outside::Method;

/// A way to the admin API.
pub(super) enum Door {
    /// In this process, with the rights of whoever can read the database and the master key.
    Here(Box<Here>),
    /// At a server, with the rights of whoever signed in there.
    There(Box<There>),
}

/// An address below `/api/v1`.
#[derive(Debug, Clone)]
pub(super) struct Address(String);

impl Address {
    /// The address with these segments.
    pub(super) fn of(segments: &[&str]) -> Self {
        let encoded = segments.iter().map(|segment| {
            percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        });
        Self(format!("/api/v1/{}", encoded.collect::<Vec<_>>().join("/")))
    }

    /// The same with a query parameter, where it has a value.
    pub(super) fn with(self, name: &str, value: Option<&str>) -> Self {
        let Some(value) = value else { return self };
        let mark = if self.0.contains('?') { '&' } else { '?' };
        let pair =
            form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        Self(format!("{}{mark}{pair}", self.0))
    }

    /// The same with a query parameter that is true or left out.
    pub(super) fn with_flag(self, name: &str, flag: bool) -> Self {
        self.with(name, flag.then_some("true"))
    }
}

/// What a call came to, where it was not refused.
type Answer = Result<Value, Refused>;

/// A call that was refused, or not answered.
#[derive(Debug)]
pub(super) struct Refused {
    status: u16,
    text: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Refused {
    fn unanswered(why: impl std::fmt::Display) -> Self {
        Self { status: 0, text: why.to_string() }
    }

    /// What the problem in `body` says (RFC 9457).
    fn read(status: u16, body: &str) -> Self {
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(Value::as_str);
        let detail =
            text("detail").map_or_else(|| format!("the server answered {status}"), str::to_owned);
        let text = match text("field") {
            Some(field) => format!("{field}: {detail}"),
            None => detail,
        };
        Self { status, text }
    }

    /// Whether there is nothing of that name.
    pub(super) fn is_missing(&self) -> bool {
        self.status == 404
    }
}

fn read(status: u16, body: &str) -> Answer {
    match status {
        200..=299 if body.is_empty() => Ok(Value::Null),
        200..=299 => serde_json::from_str(body).map_err(Refused::unanswered),
        _ => Err(Refused::read(status, body)),
    }
}

impl Door {
    /// Makes a call.
    pub(super) async fn call(&self, method: Method, at: &Address, body: Option<&Value>) -> Answer {
        let (status, body) = match self {
            Self::Here(here) => here.call(&method, &at.0, body).await?,
            Self::There(there) => there.call(&method, &at.0, body).await?,
        };
        read(status, &body)
    }

    /// Reads something.
    pub(super) async fn get(&self, at: &Address) -> Answer {
        self.call(Method::GET, at, None).await
    }

    /// Makes something, or has something done.
    pub(super) async fn post(&self, at: &Address, body: &Value) -> Answer {
        self.call(Method::POST, at, Some(body)).await
    }

    /// Changes something.
    pub(super) async fn patch(&self, at: &Address, body: &Value) -> Answer {
        self.call(Method::PATCH, at, Some(body)).await
    }

    /// Removes or ends something.
    pub(super) async fn delete(&self, at: &Address) -> Answer {
        self.call(Method::DELETE, at, None).await
    }

    /// Ends what was done through it: what the trail is still to be told is written.
    pub(super) async fn close(&self) {
        if let Self::Here(here) = self {
            here.site().app.audit.flush().await;
        }
    }

    /// Every item of a list, or the first `most`.
    pub(super) async fn list(
        &self,
        at: &Address,
        most: Option<usize>,
    ) -> Result<Vec<Value>, Refused> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let left = most.map_or(200, |most| most.saturating_sub(items.len()).min(200));
            if left == 0 {
                return Ok(items);
            }
            let page =
                at.clone().with("limit", Some(&left.to_string())).with("after", after.as_deref());
            let mut page = self.get(&page).await?;
            if let Some(Value::Array(some)) = page.get_mut("items").map(Value::take) {
                items.extend(some);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// The user with this name or identifier.
    pub(super) async fn user(&self, tenant: &str, name: &str) -> Result<Value, Failure> {
        let at = Address::of(&["tenants", tenant, "users"]).with("username", Some(name));
        let mut found = self.named(tenant, "", self.get(&at).await).await?;
        match found.pointer_mut("/items/0").map(Value::take) {
            Some(user) => Ok(user),
            None => Err(Failure(format!("no user {name}"))),
        }
    }

    /// "Nothing of that name" with a name to it: the tenant's, where that is what is missing, or `what`.
    pub(super) async fn named<T>(
        &self,
        tenant: &str,
        what: &str,
        answer: Result<T, Refused>,
    ) -> Result<T, Failure> {
        match answer {
            Err(refused) if refused.is_missing() => {
                match self.get(&Address::of(&["tenants", tenant])).await {
                    Err(refused) if refused.is_missing() => {
                        Err(Failure(format!("no tenant {tenant}: see `portcullis tenant list`")))
                    }
                    _ if what.is_empty() => Err(Failure(refused.text)),
                    _ => Err(Failure(format!("no {what}"))),
                }
            }
            other => Ok(other?),
        }
    }
}

/// A member of an answer, as text.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The members that have a value: what is not said takes the default that every door has.
pub(super) fn said(members: Value) -> Value {
    match members {
        Value::Object(mut members) => {
            members.retain(|_, value| !value.is_null());
            Value::Object(members)
        }
        other => json!(other),
    }
}
