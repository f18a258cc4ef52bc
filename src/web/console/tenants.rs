//! Tenants in the console.

use rocket::{get, post};
use serde_json::{Value, json};

use super::{Member, Shown, Signed, confirm::Question, differences, go, next_page, seen};
use crate::{
    admin::{self, Action, AdminError, Expected, Permit, TenantView},
    domain::{FieldError, Selection, Tenant},
    protocol::{OauthError, Params},
    views::console::{NewTenant, TenantPage, Tenants},
    web::guards::{Form, Query},
};

#[get("/tenants")]
pub(super) async fn list(member: Signed, query: Query) -> Shown {
    let member = member?;
    let after = query.params.find("after").unwrap_or_default();
    let listed = async {
        let everywhere = member.authority.everywhere(Action::ReadInstallation)?;
        admin::list_tenants(&member.site.admin(), &everywhere, after, None).await
    };
    match listed.await {
        Ok(listed) => member.page(&Tenants {
            frame: member.frame("tenants", None),
            tenants: listed.items,
            paging: next_page("/admin/tenants", &[], listed.next),
        }),
        Err(error) => member.refusal(&error),
    }
}

#[get("/new-tenant")]
pub(super) fn new(member: Signed) -> Shown {
    let member = member?;
    if let Err(error) = member.authority.everywhere(Action::OperateInstallation) {
        return member.refusal(&error);
    }
    let frame = member.frame("tenants", None);
    member.page(&NewTenant { frame, slug: String::new(), name: String::new(), error: None })
}

#[post("/tenants", data = "<form>")]
pub(super) async fn create(member: Signed, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let field = |name| form.find(name).unwrap_or_default().to_owned();
    let (slug, name) = (field("slug"), field("name"));
    let made = async {
        let everywhere = member.authority.everywhere(Action::OperateInstallation)?;
        let slug: crate::domain::Slug = slug.trim().parse()?;
        let named = (!name.is_empty()).then(|| name.clone());
        let input = admin::read_input(&json!({ "slug": slug, "name": named }))?;
        admin::create_tenant(&member.site.admin(), &everywhere, input).await
    };
    match made.await {
        Ok(tenant) => go(format!("/admin/tenants/{}?done=created", tenant.slug)),
        Err(error) => {
            let frame = member.frame("tenants", None);
            member.wrong(&NewTenant { frame, slug, name, error: Some(error.to_string()) }, &error)
        }
    }
}

/// A count that may have been cut short.
fn figure(count: usize, more: bool) -> String {
    if more { format!("{count}+") } else { count.to_string() }
}

async fn tenant_page(
    member: &Member,
    permit: &Permit,
    notice: Option<&str>,
) -> Result<TenantPage, AdminError> {
    let live = admin::count_active(&member.site.admin(), permit).await?;
    let tenant = &admin::show_tenant(&member.site.admin(), permit).await?;
    let notice_of = |done: &str| match done {
        "created" => Some("The tenant was made. Give it clients and users."),
        "changed" => Some("The settings were changed."),
        "resumed" => Some("The tenant serves again."),
        "suspended" => Some("The tenant is suspended. Its sessions have ended."),
        _ => None,
    };
    Ok(TenantPage {
        frame: member.frame("overview", Some(tenant)),
        tenant: TenantView::of(tenant, member.site.app.issuer(tenant)),
        sessions: figure(live.sessions, live.more),
        families: figure(live.families, live.more),
        error: None,
        version: tenant.version,
        differences: Vec::new(),
        notice: notice.and_then(notice_of).map(str::to_owned),
    })
}

#[get("/tenants/<slug>")]
pub(super) async fn show(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    match tenant_page(&member, &permit, query.params.find("done")).await {
        Ok(view) => member.page(&view),
        Err(error) => member.refusal(&error),
    }
}

/// The settings that the form holds, as a patch.
fn patch_of(form: &Params) -> Result<Value, AdminError> {
    let mut settings = serde_json::Map::new();
    for name in [
        "access_token_ttl",
        "refresh_token_ttl",
        "refresh_reuse_grace",
        "password_bcrypt_cost",
        "session_idle_ttl",
        "session_max_ttl",
    ] {
        let text = form.find(name).unwrap_or_default();
        let number: i64 =
            text.trim().parse().map_err(|_| FieldError::new(name, "a whole number"))?;
        settings.insert(name.into(), number.into());
    }
    settings.insert(
        "refresh_token_sliding".into(),
        form.find("refresh_token_sliding").is_some().into(),
    );
    settings.insert("signing_alg".into(), form.find("signing_alg").unwrap_or_default().into());
    let scopes = super::lines(form.find("scopes")).into_iter().map(|line| {
        let (name, description) = line.split_once(' ').unwrap_or((&line, ""));
        json!({ "name": name, "description": description.trim() })
    });
    let resources = super::lines(form.find("resources")).into_iter().map(|line| {
        let mut parts = line.split_whitespace().map(str::to_owned);
        json!({ "uri": parts.next(), "scopes": parts.collect::<Vec<_>>() })
    });
    Ok(json!({
        "name": form.find("name"), "settings": settings,
        "scopes": scopes.collect::<Vec<_>>(), "resources": resources.collect::<Vec<_>>(),
    }))
}

#[post("/tenants/<slug>", data = "<form>")]
pub(super) async fn update(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let changed = async {
        let patch = patch_of(&form)?;
        admin::update_tenant(&member.site.admin(), &permit, patch, &seen(&form)).await
    };
    match changed.await {
        Ok(_) => go(format!("/admin/tenants/{slug}?done=changed")),
        Err(error) => match tenant_page(&member, &permit, None).await {
            Ok(mut view) => {
                if let (AdminError::Stale, Ok(patch)) = (&error, patch_of(&form)) {
                    let now = serde_json::to_value(&view.tenant).unwrap_or_default();
                    view.differences = differences(&now, &patch);
                }
                member.wrong(&TenantPage { error: Some(error.to_string()), ..view }, &error)
            }
            Err(error) => member.refusal(&error),
        },
    }
}

/// What may be done to a tenant as a whole.
#[derive(Clone, Copy)]
enum Step {
    Suspend,
    Resume,
    Purge,
}

/// What is asked before a tenant is suspended, or else deleted.
fn question(tenant: &Tenant, figures: String, step: Step) -> Question {
    let (slug, name) = (&tenant.slug, &tenant.name);
    let back = format!("/admin/tenants/{slug}");
    let (title, follows, button, path) = match step {
        Step::Purge => (
            format!("Delete tenant “{slug}” ({name}) and everything in it?"),
            [
                "Its users, clients, keys and sessions are gone for good; its audit trail stays."
                    .to_owned(),
                "Who needs them again needs a backup.".to_owned(),
            ],
            "Delete for good",
            "purge",
        ),
        Step::Suspend | Step::Resume => (
            format!("Suspend tenant “{slug}” ({name})?"),
            [figures, "Its endpoints stop until it is resumed. Its data stays.".to_owned()],
            "Suspend",
            "suspend",
        ),
    };
    Question { title, follows: follows.to_vec(), button, action: format!("{back}/{path}"), back }
}

async fn step(member: Signed, slug: &str, form: Result<Form, OauthError>, step: Step) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let everywhere = match member.authority.everywhere(Action::OperateInstallation) {
        Ok(everywhere) => everywhere,
        Err(error) => return member.refusal(&error),
    };
    // Letting a tenant serve again needs no question.
    if !matches!(step, Step::Resume) {
        let typed = matches!(step, Step::Purge).then_some(slug);
        let question = async {
            let figures = member.figures(&permit, &Selection::Tenant).await?;
            Ok(question(permit.tenant(), figures, step))
        };
        member.confirmed(&form, "overview", permit.tenant(), typed, question).await?;
    }
    let (admin, at) = (member.site.admin(), format!("/admin/tenants/{slug}"));
    let done = match step {
        Step::Suspend => admin::suspend_tenant(&admin, &permit, &Expected::ANY)
            .await
            .map(|_| format!("{at}?done=suspended")),
        Step::Resume => {
            admin::resume_tenant(&admin, &permit).await.map(|_| format!("{at}?done=resumed"))
        }
        Step::Purge => {
            let purged =
                admin::delete_tenant(&admin, &everywhere, permit.tenant(), &Expected::ANY).await;
            purged.map(|()| "/admin/tenants".to_owned())
        }
    };
    match done {
        Ok(location) => go(location),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/suspend", data = "<form>")]
pub(super) async fn suspend(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    step(member, slug, form, Step::Suspend).await
}

#[post("/tenants/<slug>/resume", data = "<form>")]
pub(super) async fn resume(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    step(member, slug, form, Step::Resume).await
}

#[post("/tenants/<slug>/purge", data = "<form>")]
pub(super) async fn purge(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    step(member, slug, form, Step::Purge).await
}
