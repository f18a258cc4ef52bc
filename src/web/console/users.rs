//! Users in the console.

use rocket::{get, post};
use serde_json::{Value, json};

use super::{Member, Shown, Signed, confirm::Question, differences, go, next_page, seen};
use crate::{
    admin::{self, Action, AdminError, Expected, UserView, Whom},
    domain::{Role, Selection, Tenant},
    protocol::{OauthError, Params},
    views::console::{Choice, UserForm, Users},
    web::guards::{Form, Query},
};

#[get("/tenants/<slug>/users")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let field = |name| query.params.find(name).unwrap_or_default();
    let (q, after) = (field("q"), field("after"));
    match admin::list_users(&member.site.admin(), &permit, q, after, None).await {
        Ok(listed) => member.page(&Users {
            frame: member.frame("users", Some(permit.tenant())),
            users: listed.items,
            q: q.to_owned(),
            paging: next_page(&format!("/admin/tenants/{slug}/users"), &[("q", q)], listed.next),
        }),
        Err(error) => member.refusal(&error),
    }
}

fn form_of(member: &Member, tenant: &Tenant, user: Option<UserView>) -> UserForm {
    let shown = user.as_ref();
    let held = |name: &str| shown.is_some_and(|user| user.roles.iter().any(|role| role == name));
    let offered = Role::ALL
        .iter()
        .filter(|role| tenant.is_system() || **role != Role::Operator)
        .map(|role| role.as_str());
    UserForm {
        frame: member.frame("users", Some(tenant)),
        username: shown.map(|user| user.username.clone()).unwrap_or_default(),
        email: shown.and_then(|user| user.email.clone()).unwrap_or_default(),
        email_verified: shown.is_some_and(|user| user.email_verified),
        name: shown.and_then(|user| user.name.clone()).unwrap_or_default(),
        active: shown.is_none_or(|user| user.status == "active"),
        roles: offered.map(|name| Choice { value: name.into(), chosen: held(name) }).collect(),
        error: None,
        version: shown.map_or(1, |user| user.version),
        differences: Vec::new(),
        notice: None,
        user,
    }
}

fn typed(mut view: UserForm, form: &Params, error: &AdminError) -> UserForm {
    let field = |name| form.find(name).unwrap_or_default().to_owned();
    view.username = field("username");
    view.email = field("email");
    view.name = field("name");
    view.email_verified = form.find("email_verified").is_some();
    view.active = form.find("active").is_some();
    for role in &mut view.roles {
        role.chosen = form.find(&format!("role_{}", role.value)).is_some();
    }
    view.error = Some(error.to_string());
    view
}

fn fields(form: &Params) -> Value {
    let roles = Role::ALL.iter().map(|role| role.as_str());
    let roles: Vec<&str> =
        roles.filter(|name| form.find(&format!("role_{name}")).is_some()).collect();
    let mut out = json!({
        "username": form.find("username").unwrap_or_default(),
        "email": form.find("email"),
        "email_verified": form.find("email_verified").is_some(),
        "name": form.find("name"),
        "roles": roles,
        "status": if form.find("active").is_some() { "active" } else { "disabled" },
    });
    if let (Value::Object(members), Some(password)) = (&mut out, form.find("password")) {
        members.insert("password".into(), password.into());
    }
    out
}

#[get("/tenants/<slug>/new-user")]
pub(super) async fn new(member: Signed, slug: &str) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    if let Err(error) = permit.may(&member.site.app, Action::ChangeUsers, Whom::People) {
        return member.refusal(&error);
    }
    member.page(&form_of(&member, permit.tenant(), None))
}

#[post("/tenants/<slug>/users", data = "<form>")]
pub(super) async fn create(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let made = async {
        let input = admin::read_input(&fields(&form))?;
        admin::create_user(&member.site.admin(), &permit, input).await
    };
    match made.await {
        Ok(user) => go(format!("/admin/tenants/{slug}/users/{}?done=created", user.id)),
        Err(error) => {
            member.wrong(&typed(form_of(&member, permit.tenant(), None), &form, &error), &error)
        }
    }
}

#[get("/tenants/<slug>/users/<id>")]
pub(super) async fn show(member: Signed, slug: &str, id: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    match admin::show_user(&member.site.admin(), &permit, id).await {
        Ok(user) => {
            let mut view = form_of(&member, permit.tenant(), Some(UserView::from(&user)));
            view.notice = match query.params.find("done") {
                Some("created") => Some("The user was added.".into()),
                Some("changed") => Some("The user was changed.".into()),
                _ => None,
            };
            member.page(&view)
        }
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/users/<id>", data = "<form>")]
pub(super) async fn update(
    member: Signed,
    slug: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let error =
        match admin::update_user(&member.site.admin(), &permit, id, fields(&form), &seen(&form))
            .await
        {
            Ok(user) => return go(format!("/admin/tenants/{slug}/users/{}?done=changed", user.id)),
            Err(error) => error,
        };
    // As it stands now, so that both can be compared.
    match admin::show_user(&member.site.admin(), &permit, id).await {
        Ok(shown) => {
            let shown = UserView::from(&shown);
            let now = serde_json::to_value(&shown).unwrap_or_default();
            let mut view = typed(form_of(&member, permit.tenant(), Some(shown)), &form, &error);
            if matches!(error, AdminError::Stale) {
                view.differences = differences(&now, &fields(&form));
            }
            member.wrong(&view, &error)
        }
        Err(_) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/users/<id>/delete", data = "<form>")]
pub(super) async fn delete(
    member: Signed,
    slug: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let question = async {
        let user = admin::check_user_deletion(&member.site.admin(), &permit, id).await?;
        let figures = member.figures(&permit, &Selection::User(user.id)).await?;
        let back = format!("/admin/tenants/{slug}/users/{id}");
        Ok(Question {
            title: format!("Delete user “{}”?", user.username),
            follows: vec![
                figures,
                "Who they are, and what they consented to, is forgotten.".into(),
            ],
            button: "Delete user",
            action: format!("{back}/delete"),
            back,
        })
    };
    member.confirmed(&form, "users", permit.tenant(), None, question).await?;
    match admin::delete_user(&member.site.admin(), &permit, id, &Expected::ANY).await {
        Ok(()) => go(format!("/admin/tenants/{slug}/users")),
        Err(error) => member.refusal(&error),
    }
}
