//! OAuth clients (RFC 6749 §2), described in RFC 7591's terms.

use serde::{Deserialize, Serialize};

use super::{
    EventNumber, FieldError, RedirectUri, SecretId, Tenant, TenantId, Timestamp,
    text_enum::text_enum,
};
use crate::protocol::Scope;

text_enum! {
    /// How a client authenticates at the token endpoint (RFC 7591 §2).
    #[derive(Default)]
    pub enum AuthMethod {
        /// HTTP Basic (RFC 6749 §2.3.1).
        #[default]
        ClientSecretBasic = "client_secret_basic",
        /// In the body (RFC 6749 §2.3.1).
        ClientSecretPost = "client_secret_post",
        /// A signed assertion (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// Not at all: a public client.
        None = "none",
    }
}

impl AuthMethod {
    /// Whether this method needs a secret.
    fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

text_enum! {
    /// A grant type (RFC 6749 §1.3).
    pub enum GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
        /// RFC 6749 §4.3, for first-party apps only.
        Password = "password",
    }
}

text_enum! {
    /// What a client is. OpenID Connect Registration §2 knows the first and the third by the same names.
    pub enum ApplicationType {
        /// An application with a server of its own, which keeps a secret and signs people in.
        Web = "web",
        /// A page in the browser that signs people in without a server: it keeps no secret.
        SinglePage = "spa",
        /// A program on people's own machines (RFC 8252): it keeps no secret.
        Native = "native",
        /// A program that acts for itself (RFC 6749 §4.4).
        Machine = "machine",
        /// An API: it introspects tokens and follows the feed of endings.
        ResourceServer = "resource_server",
    }
}

/// What a client says of itself (RFC 7591 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientMetadata {
    /// Its name for people.
    pub client_name: String,
    /// What it is; what else is left out of something new has the default of its kind.
    pub application_type: Option<ApplicationType>,
    /// How it authenticates.
    pub token_endpoint_auth_method: AuthMethod,
    /// How else it may. Whoever names `token_endpoint_auth_method` and leaves this out means that method alone.
    pub additional_token_endpoint_auth_methods: Vec<AuthMethod>,
    /// Where authorization responses may go.
    #[schema(value_type = Vec<String>)]
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the browser may go after a logout (OpenID Connect RP-Initiated Logout).
    #[schema(value_type = Vec<String>)]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes it may ask for.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// Whether it is first-party: its users are not asked for consent.
    pub skip_consent: bool,
    /// Its public keys, a JWK Set, for `private_key_jwt`.
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<serde_json::Value>,
    /// Whether its assertions must be meant for the issuer, whatever its tenant asks of others.
    pub strict_assertion_audience: bool,
}

/// What a client has of which nothing else was said: an application that people sign in to, which can refresh what it
/// has and sign them out.
impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            client_name: String::new(),
            application_type: None,
            token_endpoint_auth_method: AuthMethod::default(),
            // Libraries put the secret in one place or the other, each by its own default.
            additional_token_endpoint_auth_methods: vec![AuthMethod::ClientSecretPost],
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope: Scope::of_user(),
            skip_consent: false,
            jwks: None,
            strict_assertion_audience: false,
        }
    }
}

/// A client secret: 256 random bits, so SHA-256 is digest enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its identifier.
    pub id: SecretId,
    /// SHA-256 of the secret.
    pub digest: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops counting, once another has taken its place.
    pub expires_at: Option<Timestamp>,
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its identifier (RFC 6749 §2.2).
    pub client_id: String,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// Its secrets, while they roll more than one.
    pub secrets: Vec<ClientSecret>,
    /// Raised by each change: what two people change at once, one of them is told.
    pub version: i64,
    /// The event that last ended everything it had; at first the one that was last known.
    pub ended_seq: EventNumber,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Client {
    /// Whether it may use `grant`.
    pub fn allows(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Its name for people, the identifier where it has none.
    pub fn display_name(&self) -> &str {
        if self.metadata.client_name.is_empty() {
            &self.client_id
        } else {
            &self.metadata.client_name
        }
    }

    /// Whether it can keep a secret (RFC 6749 §2.1).
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != AuthMethod::None
    }

    /// Whether it is the tenant's own app: one that takes passwords, or whose users are not asked.
    pub fn is_first_party(&self) -> bool {
        self.metadata.skip_consent || self.allows(GrantType::Password)
    }

    /// Checks the whole registration, at update as at create.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self, tenant: &Tenant) -> Result<(), FieldError> {
        let id_fits = (1..=128).contains(&self.client_id.len())
            && self.client_id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~".contains(&c));
        if !id_fits {
            return Err(FieldError::new("client_id", "1 to 128 of A-Z a-z 0-9 - . _ ~"));
        }
        // `.` and `..` are other addresses; and a `sub` must not be a user's or a client's by turns.
        if self.client_id.bytes().all(|c| c == b'.')
            || uuid::Uuid::try_parse(&self.client_id).is_ok()
        {
            return Err(FieldError::new(
                "client_id",
                "not dots alone, and no UUID: users have those",
            ));
        }
        self.metadata.check(tenant)
    }
}

impl ClientMetadata {
    /// Every method by which it may authenticate, the registered one first.
    pub fn auth_methods(&self) -> impl Iterator<Item = AuthMethod> {
        let additional = self.additional_token_endpoint_auth_methods.iter().copied();
        std::iter::once(self.token_endpoint_auth_method).chain(additional)
    }

    /// Whether it may authenticate so.
    pub fn accepts(&self, method: AuthMethod) -> bool {
        self.auth_methods().any(|one| one == method)
    }

    /// Whether any of them needs a secret.
    pub fn uses_secret(&self) -> bool {
        self.auth_methods().any(AuthMethod::uses_secret)
    }

    fn check(&self, tenant: &Tenant) -> Result<(), FieldError> {
        if self.client_name.len() > 200 || self.client_name.chars().any(char::is_control) {
            return Err(FieldError::new("client_name", "at most 200 bytes, no control characters"));
        }
        self.check_uris()?;
        self.check_grants()?;
        for scope in self.scope.iter() {
            if tenant.describe_scope(scope).is_none() {
                return Err(FieldError::new("scope", format!("no scope of this tenant: {scope}")));
            }
        }
        self.check_methods()
    }

    fn check_methods(&self) -> Result<(), FieldError> {
        let additional = &self.additional_token_endpoint_auth_methods;
        let wrong = |why: &str| {
            Err(FieldError::new("additional_token_endpoint_auth_methods", why.to_owned()))
        };
        let methods: Vec<AuthMethod> = self.auth_methods().collect();
        if methods.len() > 1 && methods.contains(&AuthMethod::None) {
            return wrong("a public client has no other method than none");
        }
        let is_twice = |at| methods.iter().skip(at + 1).any(|later| methods.get(at) == Some(later));
        if (0..=additional.len()).any(is_twice) {
            return wrong("each method once, and none that token_endpoint_auth_method names");
        }
        if !methods.contains(&AuthMethod::PrivateKeyJwt) {
            return Ok(());
        }
        match &self.jwks {
            None => Err(FieldError::new("jwks", "private_key_jwt needs the client's public keys")),
            // Keys of which there is none let nobody in.
            Some(jwks) if has_no_keys(jwks) => {
                Err(FieldError::new("jwks.keys", "private_key_jwt needs one key at least"))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_uris(&self) -> Result<(), FieldError> {
        let lists = [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
        ];
        for (name, list) in lists {
            if list.len() > 50 {
                return Err(FieldError::new(name, "at most 50"));
            }
        }
        Ok(())
    }

    fn check_grants(&self) -> Result<(), FieldError> {
        let has = |grant| self.grant_types.contains(&grant);
        if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return Err(FieldError::new("redirect_uris", "authorization_code needs at least one"));
        }
        let public = self.token_endpoint_auth_method == AuthMethod::None;
        if has(GrantType::ClientCredentials) && public {
            let why = "client_credentials is for confidential clients (RFC 6749 section 4.4)";
            return Err(FieldError::new("grant_types", why));
        }
        let interactive = has(GrantType::AuthorizationCode) || has(GrantType::Password);
        if has(GrantType::RefreshToken) && !interactive {
            let why = "refresh_token needs authorization_code or password beside it";
            return Err(FieldError::new("grant_types", why));
        }
        Ok(())
    }
}

fn has_no_keys(jwks: &serde_json::Value) -> bool {
    jwks.get("keys").and_then(|keys| keys.as_array()).is_some_and(Vec::is_empty)
}
