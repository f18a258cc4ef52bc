//! A client as it is shown (RFC 7591's names), and its secrets.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::{Client, ClientMetadata, ClientSecret, Timestamp};

/// A client secret, without the secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecretView {
    /// Its identifier.
    pub id: String,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it stops counting.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

impl From<&ClientSecret> for SecretView {
    fn from(secret: &ClientSecret) -> Self {
        Self {
            id: secret.id.to_string(),
            created_at: secret.created_at,
            expires_at: secret.expires_at,
        }
    }
}

/// A client (RFC 7591's names).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientView {
    /// Its identifier.
    pub client_id: String,
    /// The registration (RFC 7591, section 2); a member without a value is left out.
    #[serde(flatten, serialize_with = "without_nulls")]
    pub metadata: ClientMetadata,
    /// Its secrets; empty in a list of clients.
    pub secrets: Vec<SecretView>,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

/// In a file, `null` takes a member away; where a registration is shown, it says nothing.
fn without_nulls<S: Serializer>(
    metadata: &ClientMetadata,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut members = serde_json::to_value(metadata).map_err(serde::ser::Error::custom)?;
    if let Some(members) = members.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    members.serialize(serializer)
}

impl From<&Client> for ClientView {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.client_id.clone(),
            metadata: client.metadata.clone(),
            secrets: client.secrets.iter().map(SecretView::from).collect(),
            version: client.version,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

/// A client that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreatedClient {
    /// The client.
    #[serde(flatten)]
    pub client: ClientView,
    /// Its secret, told this once, where the server made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// A secret that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreatedSecret {
    /// Its identifier.
    pub id: String,
    /// The secret, told this once.
    pub client_secret: String,
    /// When the client's other secrets stop counting.
    #[schema(value_type = String)]
    pub others_expire_at: Timestamp,
}
