//! Forced logout in the console: ask with the figures, end, and tell where it is effective.

use rocket::{get, post};

use super::{Shown, Signed, go};
use crate::{
    admin::{self, AdminError},
    domain::Selection,
    protocol::OauthError,
    views::console::{ConfirmEnding, EndedPage, NodeLine},
    web::guards::{Form, Query},
};

/// Whose sessions are to end: what it is called in addresses and in words.
struct Target {
    selection: Option<Selection>,
    path: String,
    whose: String,
}

impl Target {
    fn session(id: &str) -> Self {
        let selection = id.parse().ok().map(Selection::Session);
        Self { selection, path: format!("sessions/{id}"), whose: "this session".into() }
    }

    fn user(id: &str) -> Self {
        let selection = id.parse().ok().map(Selection::User);
        Self { selection, path: format!("users/{id}"), whose: "every session of this user".into() }
    }

    fn client(id: &str) -> Self {
        let selection = Some(Selection::Client(id.to_owned()));
        Self {
            selection,
            path: format!("clients/{id}"),
            whose: format!("everything that client “{id}” was granted"),
        }
    }

    fn tenant() -> Self {
        let whose = "every session of this tenant, its administrators' too".into();
        Self { selection: Some(Selection::Tenant), path: String::new(), whose }
    }
}

async fn confirm(member: Signed, slug: &str, target: Target) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let Some(selection) = target.selection else { return member.refusal(&AdminError::NotFound) };
    match admin::end_sessions(&member.site.admin(), &permit, &selection, true).await {
        Ok(ending) => {
            let back = format!("/admin/tenants/{slug}/{}", target.path);
            let back = back.trim_end_matches('/').to_owned();
            member.page(&ConfirmEnding {
                frame: member.frame("sessions", Some(permit.tenant())),
                whose: target.whose,
                action: format!("{back}/logout"),
                back,
                ending,
            })
        }
        Err(error) => member.refusal(&error),
    }
}

async fn end(member: Signed, slug: &str, form: Result<Form, OauthError>, target: Target) -> Shown {
    let member = member?;
    member.sent(form)?;
    let permit = member.permit(slug).await?;
    let Some(selection) = target.selection else { return member.refusal(&AdminError::NotFound) };
    match admin::end_sessions(&member.site.admin(), &permit, &selection, false).await {
        Ok(ending) => {
            let event = ending.event.unwrap_or_default();
            let more = if ending.more { "&more=on" } else { "" };
            let figures =
                format!("sessions={}&families={}{more}", ending.sessions, ending.families);
            go(format!("/admin/tenants/{slug}/endings/{event}?{figures}"))
        }
        Err(error) => member.refusal(&error),
    }
}

#[get("/tenants/<slug>/sessions/<id>/logout")]
pub(super) async fn confirm_session(member: Signed, slug: &str, id: &str) -> Shown {
    confirm(member, slug, Target::session(id)).await
}

#[get("/tenants/<slug>/users/<id>/logout")]
pub(super) async fn confirm_user(member: Signed, slug: &str, id: &str) -> Shown {
    confirm(member, slug, Target::user(id)).await
}

#[get("/tenants/<slug>/clients/<id>/logout")]
pub(super) async fn confirm_client(member: Signed, slug: &str, id: &str) -> Shown {
    confirm(member, slug, Target::client(id)).await
}

#[get("/tenants/<slug>/logout")]
pub(super) async fn confirm_tenant(member: Signed, slug: &str) -> Shown {
    confirm(member, slug, Target::tenant()).await
}

#[post("/tenants/<slug>/sessions/<id>/logout", data = "<form>")]
pub(super) async fn end_session(
    member: Signed,
    slug: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    end(member, slug, form, Target::session(id)).await
}

#[post("/tenants/<slug>/users/<id>/logout", data = "<form>")]
pub(super) async fn end_user(
    member: Signed,
    slug: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    end(member, slug, form, Target::user(id)).await
}

#[post("/tenants/<slug>/clients/<id>/logout", data = "<form>")]
pub(super) async fn end_client(
    member: Signed,
    slug: &str,
    id: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    end(member, slug, form, Target::client(id)).await
}

#[post("/tenants/<slug>/logout", data = "<form>")]
pub(super) async fn end_tenant(
    member: Signed,
    slug: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    end(member, slug, form, Target::tenant()).await
}

#[get("/tenants/<slug>/endings/<event>")]
pub(super) async fn show(member: Signed, slug: &str, event: i64, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let figure = |name| {
        let text = query.params.find(name).unwrap_or_default();
        text.parse::<u64>().map(|count| count.to_string()).unwrap_or_default()
    };
    match admin::wait_until_effective(&member.site.admin(), &member.authority, event).await {
        Ok(effective) => {
            let line = |node: crate::domain::NodeSeen| NodeLine {
                applied: node.seq >= event,
                id: node.id,
                seen_at: node.seen_at.to_string(),
            };
            member.page(&EndedPage {
                frame: member.frame("sessions", Some(permit.tenant())),
                event,
                sessions: figure("sessions"),
                families: figure("families"),
                everywhere: effective.everywhere,
                nodes: effective.nodes.unwrap_or_default().into_iter().map(line).collect(),
                more: query.params.find("more").is_some(),
                bound_s: effective.bound_ms / 1000,
                settled: effective.settling.map(|settling| settling.finished),
                settled_rows: effective.settling.map_or(0, |settling| settling.rows),
            })
        }
        Err(error) => member.refusal(&error),
    }
}
