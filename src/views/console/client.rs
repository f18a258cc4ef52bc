//! The form for a client, new or not.

use serde::Serialize;

use super::{Choice, Difference, Frame};
use crate::{
    admin::{ClientView, samples},
    views::{Page, Template, template},
};

/// The form for a client, new or not.
#[derive(Debug, Clone, Serialize)]
pub struct ClientForm {
    /// Around it.
    pub frame: Frame,
    /// The client, unless it is new.
    pub client: Option<ClientView>,
    /// What stands in the fields.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// One a line.
    pub redirect_uris: String,
    /// One a line.
    pub post_logout_redirect_uris: String,
    /// Its scope.
    pub scope: String,
    /// Its keys, JSON.
    pub jwks: String,
    /// Whether consent is skipped.
    pub skip_consent: bool,
    /// The methods of authentication.
    pub methods: Vec<Choice>,
    /// The grant types.
    pub grants: Vec<Choice>,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl ClientForm {
    /// The form of a client that is registered.
    fn sample(client: ClientView) -> Self {
        let metadata = &client.metadata;
        let chosen: Vec<String> = metadata.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
        let redirect_uris: Vec<&str> = metadata.redirect_uris.iter().map(|uri| uri.as_str()).collect();
        let after_logout: Vec<&str> = metadata.post_logout_redirect_uris.iter().map(|uri| uri.as_str()).collect();
        let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
        let grants = ["authorization_code", "refresh_token", "client_credentials", "password"];
        Self {
            frame: Frame::of_operator("clients"),
            client_id: client.client_id.clone(),
            client_name: metadata.client_name.clone(),
            redirect_uris: redirect_uris.join("\n"),
            post_logout_redirect_uris: after_logout.join("\n"),
            scope: metadata.scope.to_string(),
            jwks: metadata.jwks.as_ref().map(ToString::to_string).unwrap_or_default(),
            skip_consent: metadata.skip_consent,
            methods: Choice::samples(&methods, &[metadata.token_endpoint_auth_method.as_str().to_owned()]),
            grants: Choice::samples(&grants, &chosen),
            error: None,
            version: client.version,
            differences: Vec::new(),
            notice: None,
            client: Some(client),
        }
    }
}

impl Page for ClientForm {
    const TEMPLATE: Template = template!("console/client.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let web = Self { notice: Some("The registration was changed.".into()), ..Self::sample(samples::client()) };
        let machine = Self::sample(samples::machine_client());
        let new = Self {
            client: None,
            client_id: "web".into(),
            error: Some("redirect_uris: authorization_code needs at least one".into()),
            version: 1,
            notice: None,
            ..web.clone()
        };
        let stale = Self {
            error: Some("somebody else has changed it since".into()),
            differences: vec![Difference::sample("scope", "reports.read", "openid")],
            ..machine.clone()
        };
        let read = Self { frame: Frame::of_auditor("clients"), notice: None, ..web.clone() };
        vec![("web", web), ("machine", machine), ("new", new), ("stale", stale), ("read", read)]
    }
}
