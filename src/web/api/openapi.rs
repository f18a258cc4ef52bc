//! The API's description, and a page that shows it.

use rocket::get;
use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        RefOr, Schema,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    views::pages::{ApiCall, ApiDocs},
    web::{
        Site,
        answers::{Document, Html},
    },
};

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// What is put together of several parts must not close any of them: one part's members are unknown to the
/// other (JSON Schema 2020-12 §10.3.2.3 looks at the properties beside it alone).
struct OpenParts;

impl Modify for OpenParts {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let Some(components) = &mut openapi.components else { return };
        let mut parts = Vec::new();
        for schema in components.schemas.values_mut() {
            let RefOr::T(Schema::AllOf(whole)) = schema else { continue };
            for part in &mut whole.items {
                match part {
                    RefOr::Ref(to) => {
                        parts.extend(to.ref_location.rsplit('/').next().map(str::to_owned))
                    }
                    RefOr::T(Schema::Object(object)) => object.additional_properties = None,
                    RefOr::T(_) => {}
                }
            }
        }
        for name in parts {
            if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&name) {
                object.additional_properties = None;
            }
        }
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
        super::consents::list, super::consents::withdraw,
        super::sessions::list, super::sessions::show, super::sessions::end, super::sessions::logout_user,
        super::sessions::logout_client, super::sessions::logout_tenant, super::sessions::revoke_token,
        super::sessions::revocation, super::keys::list, super::keys::rotate, super::keys::withdraw,
        super::audit::list,
    ),
    security(("bearer" = [])),
    modifiers(&Bearer, &OpenParts)
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
            let text =
                |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let names = call.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let in_query = names
                .filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"));
            let named =
                in_query.filter_map(|parameter| parameter.get("name").and_then(Value::as_str));
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
