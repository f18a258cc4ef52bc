//! Clients in the console.

use rocket::{get, post};
use serde_json::Value;

use super::{Member, Shown, Signed, confirm::Question, differences, go, next_page, seen};
use crate::{
    admin::{self, Action, AdminError, ClientInput, ClientView, Expected, Whom},
    domain::{ApplicationType, ClientMetadata, Selection, Tenant},
    protocol::{OauthError, Params},
    views::console::{ClientForm, ClientSecretPage, Clients, Connect, KindLink, registration},
    web::guards::{Form, Query},
};

#[get("/tenants/<slug>/clients")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let after = query.params.find("after").unwrap_or_default();
    match admin::list_clients(&member.site.admin(), &permit, after, None).await {
        Ok(listed) => member.page(&Clients {
            frame: member.frame("clients", Some(permit.tenant())),
            clients: listed.items,
            paging: next_page(&format!("/admin/tenants/{slug}/clients"), &[], listed.next),
        }),
        Err(error) => member.refusal(&error),
    }
}

/// The form as it stands for a client; for a new one, with the defaults of its kind.
fn form_of(
    member: &Member,
    tenant: &Tenant,
    client: Option<ClientView>,
    kind: Option<ApplicationType>,
) -> ClientForm {
    let fields = match &client {
        Some(client) => registration::shown(&client.metadata),
        None => {
            registration::shown(&kind.map_or_else(ClientMetadata::default, |kind| kind.defaults()))
        }
    };
    let kinds = if client.is_some() { Vec::new() } else { KindLink::all(kind) };
    ClientForm {
        frame: member.frame("clients", Some(tenant)),
        client_id: client.as_ref().map(|client| client.client_id.clone()).unwrap_or_default(),
        fields,
        error: None,
        kinds,
        connect: None,
        version: client.as_ref().map_or(1, |client| client.version),
        differences: Vec::new(),
        notice: None,
        client,
    }
}

/// The same with what was typed into it.
fn typed(mut view: ClientForm, form: &Params, error: &AdminError) -> ClientForm {
    if view.client.is_none() {
        view.client_id = form.find("client_id").unwrap_or_default().to_owned();
    }
    view.fields = registration::typed(|name| form.find(name));
    view.error = Some(error.to_string());
    view
}

#[get("/tenants/<slug>/new-client")]
pub(super) async fn new(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    if let Err(error) = permit.may(&member.site.app, Action::ChangeClients, Whom::Staff) {
        return member.refusal(&error);
    }
    let kind = query.params.find("type").and_then(|kind| kind.parse().ok());
    member.page(&form_of(&member, permit.tenant(), None, kind))
}

#[post("/tenants/<slug>/clients", data = "<form>")]
pub(super) async fn create(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let made = async {
        let mut whole = registration::read(|name| form.find(name))?;
        if let Value::Object(members) = &mut whole {
            members.insert("client_id".into(), form.find("client_id").map(str::to_owned).into());
        }
        let input = ClientInput::from_value(whole)?;
        admin::create_client(&member.site.admin(), &permit, input).await
    };
    match made.await {
        Ok(made) => match made.client_secret {
            None => {
                go(format!("/admin/tenants/{slug}/clients/{}?done=created", made.client.client_id))
            }
            Some(client_secret) => member.page(&ClientSecretPage {
                frame: member.frame("clients", Some(permit.tenant())),
                client_id: made.client.client_id,
                client_secret,
                others_expire_at: None,
            }),
        },
        Err(error) => {
            let kind = form.find("application_type").and_then(|kind| kind.parse().ok());
            let empty = form_of(&member, permit.tenant(), None, kind);
            member.wrong(&typed(empty, &form, &error), &error)
        }
    }
}

#[get("/tenants/<slug>/clients/<client_id>")]
pub(super) async fn show(member: Signed, slug: &str, client_id: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    match admin::show_client(&member.site.admin(), &permit, client_id).await {
        Ok(client) => {
            let refusals = admin::list_refusals(&member.site.admin(), &permit, client_id).await;
            let issuer = member.site.app.issuer(permit.tenant());
            let mut view = form_of(&member, permit.tenant(), Some(ClientView::from(&client)), None);
            let shown = ClientView::from(&client);
            view.connect = refusals.ok().map(|refusals| Connect::of(&shown, &issuer, refusals));
            view.notice = match query.params.find("done") {
                Some("created") => Some("The client was registered.".into()),
                Some("changed") => Some("The registration was changed.".into()),
                Some("secret") => Some("The secret was removed.".into()),
                _ => None,
            };
            member.page_with_script(&view)
        }
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/clients/<client_id>", data = "<form>")]
pub(super) async fn update(
    member: Signed,
    slug: &str,
    client_id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let changed = async {
        let patch = registration::read(|name| form.find(name))?;
        admin::update_client(&member.site.admin(), &permit, client_id, patch, &seen(&form)).await
    };
    let error = match changed.await {
        Ok(client) => {
            return go(format!("/admin/tenants/{slug}/clients/{}?done=changed", client.client_id));
        }
        Err(error) => error,
    };
    // As it stands now, so that both can be compared.
    match admin::show_client(&member.site.admin(), &permit, client_id).await {
        Ok(shown) => {
            let shown = ClientView::from(&shown);
            let now = serde_json::to_value(&shown).unwrap_or_default();
            let mut view =
                typed(form_of(&member, permit.tenant(), Some(shown), None), &form, &error);
            if let (AdminError::Stale, Ok(registration)) =
                (&error, registration::read(|name| form.find(name)))
            {
                view.differences = differences(&now, &registration);
            }
            member.wrong(&view, &error)
        }
        Err(_) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/clients/<client_id>/delete", data = "<form>")]
pub(super) async fn delete(
    member: Signed,
    slug: &str,
    client_id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let question = async {
        admin::check_client_change(&member.site.admin(), &permit, client_id).await?;
        let figures = member.figures(&permit, &Selection::Client(client_id.to_owned())).await?;
        let back = format!("/admin/tenants/{slug}/clients/{client_id}");
        Ok(Question {
            title: format!("Delete client “{client_id}”?"),
            follows: vec![
                figures,
                "Its tokens are refused, and nobody can sign in through it any more.".into(),
            ],
            button: "Delete client",
            action: format!("{back}/delete"),
            back,
        })
    };
    member.confirmed(&form, "clients", permit.tenant(), Some(client_id), question).await?;
    match admin::delete_client(&member.site.admin(), &permit, client_id, &Expected::ANY).await {
        Ok(()) => go(format!("/admin/tenants/{slug}/clients")),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/clients/<client_id>/secrets", data = "<form>")]
pub(super) async fn create_secret(
    member: Signed,
    slug: &str,
    client_id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    member.sent(form)?;
    let permit = member.permit(slug).await?;
    let frame = member.frame("clients", Some(permit.tenant()));
    match admin::create_secret(&member.site.admin(), &permit, client_id).await {
        Ok(made) => member.page(&ClientSecretPage {
            frame,
            client_id: client_id.to_owned(),
            client_secret: made.client_secret,
            others_expire_at: Some(made.others_expire_at.to_string()),
        }),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/clients/<client_id>/secrets/<id>/delete", data = "<form>")]
pub(super) async fn delete_secret(
    member: Signed,
    slug: &str,
    client_id: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let compromised = form.find("compromised").is_some();
    let question = async {
        admin::check_client_change(&member.site.admin(), &permit, client_id).await?;
        let mut follows = vec![format!("Whoever shows secret {id} is refused from then on.")];
        if compromised {
            let figures = member.figures(&permit, &Selection::Client(client_id.to_owned())).await?;
            follows.push(format!("It has leaked: everything that the client has ends. {figures}"));
        }
        let back = format!("/admin/tenants/{slug}/clients/{client_id}");
        Ok(Question {
            title: format!("Remove a secret of client “{client_id}”?"),
            follows,
            button: "Remove secret",
            action: format!("{back}/secrets/{id}/delete"),
            back,
        })
    };
    member.confirmed(&form, "clients", permit.tenant(), None, question).await?;
    match admin::delete_secret(&member.site.admin(), &permit, client_id, id, compromised).await {
        Ok(Some(ending)) => {
            go(format!("/admin/tenants/{slug}/endings/{}", ending.event.unwrap_or_default()))
        }
        Ok(None) => go(format!("/admin/tenants/{slug}/clients/{client_id}?done=secret")),
        Err(error) => member.refusal(&error),
    }
}
