//! The API's description, and a page that shows it.

use rocket::get;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::{
    domain::{Resource, ScopeDefinition, TenantSettings},
    views::admin::{ApiCall, ApiDocs},
    web::{Site, page::Html, respond::Document},
};

/// The fields of a tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantFields {
    /// `[a-z0-9][a-z0-9-]{0,62}`; cannot change.
    slug: String,
    /// Its name for people.
    name: Option<String>,
    /// What it decides for itself.
    settings: Option<TenantSettings>,
    /// Its scopes.
    scopes: Option<Vec<ScopeDefinition>>,
    /// Its audiences (RFC 8707).
    resources: Option<Vec<Resource>>,
    /// `active` or `suspended`; in a patch, by an operator alone.
    status: Option<String>,
}

/// The fields of a client (RFC 7591's names).
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientFields {
    /// Made where it is left out; cannot change.
    client_id: Option<String>,
    /// At least 32 characters; made where it is left out and needed.
    client_secret: Option<String>,
    /// Its name for people.
    client_name: Option<String>,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none`.
    token_endpoint_auth_method: Option<String>,
    /// Where authorization responses may go.
    redirect_uris: Option<Vec<String>>,
    /// Where the browser may go after a logout.
    post_logout_redirect_uris: Option<Vec<String>>,
    /// `authorization_code`, `refresh_token`, `client_credentials`, `password`.
    grant_types: Option<Vec<String>>,
    /// Scope tokens with spaces between them.
    scope: Option<String>,
    /// Whether its users are not asked for consent.
    skip_consent: Option<bool>,
    /// Its public keys, a JWK Set.
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Whether its assertions must be meant for the issuer alone, and not for the token endpoint.
    strict_assertion_audience: Option<bool>,
}

/// The fields of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserFields {
    /// The name it signs in with, compared by RFC 8265.
    username: String,
    /// Its e-mail address.
    email: Option<String>,
    /// Whether that was shown to be its own.
    email_verified: Option<bool>,
    /// Its name for people.
    name: Option<String>,
    /// 8 characters at least, and none of those that are tried first.
    password: Option<String>,
    /// `tenant_admin`, `tenant_auditor`, `support`; in tenant system: `operator`.
    roles: Option<Vec<String>>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// One token: either field.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenFields {
    /// The identifier of an access token.
    jti: Option<String>,
    /// An access or refresh token.
    token: Option<String>,
}

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Portcullis admin API", description = "Tenants, clients, users, sessions, keys and the audit trail. \
        Bearer access tokens of tenant `system` with scope `admin` reach every tenant; of any other tenant, that \
        tenant alone; `admin:read` reads. Errors are RFC 9457 problems that name the field at fault."),
    paths(
        super::tenants::list, super::tenants::create, super::tenants::show, super::tenants::update,
        super::tenants::delete, super::clients::list, super::clients::create, super::clients::show,
        super::clients::update, super::clients::delete, super::clients::create_secret, super::clients::delete_secret,
        super::users::list, super::users::create, super::users::show, super::users::update, super::users::delete,
        super::sessions::list, super::sessions::show, super::sessions::end, super::sessions::logout_user,
        super::sessions::logout_client, super::sessions::logout_tenant, super::sessions::revoke_token,
        super::sessions::revocation, super::keys::list, super::keys::rotate, super::keys::withdraw,
        super::audit::list,
    ),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
struct Description;

/// Describes the API (OpenAPI 3.1).
#[get("/openapi.json")]
pub(super) fn document() -> Document {
    Document { json: Description::openapi().to_json().unwrap_or_default(), max_age: 300 }
}

/// Shows the description to people.
#[get("/docs")]
pub(super) fn page(site: &Site) -> Html {
    let described = serde_json::to_value(Description::openapi()).unwrap_or_default();
    let mut calls = Vec::new();
    for (path, methods) in described.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, call) in methods.as_object().into_iter().flatten() {
            let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let names = call.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let in_query = names.filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"));
            let named = in_query.filter_map(|parameter| parameter.get("name").and_then(Value::as_str));
            let tag = call.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str);
            calls.push(ApiCall {
                tag: tag.unwrap_or_default().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                summary: [text("summary"), text("description")].join(" ").replace('`', ""),
                query: named.map(str::to_owned).collect(),
            });
        }
    }
    Html::of(site, &ApiDocs { calls })
}
