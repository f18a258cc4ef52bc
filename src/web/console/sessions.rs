//! Sessions in the console.

use std::net::IpAddr;

use rocket::get;

use super::{Shown, Signed, next_page};
use crate::{
    admin,
    domain::{FieldError, SessionFilter, UserId},
    views::console::{SessionPage, Sessions},
    web::guards::{Query, strict},
};

#[get("/tenants/<slug>/sessions")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let field = |name| query.params.find(name).map(str::trim).unwrap_or_default();
    let (user, client, ip, active) = (field("user"), field("client"), field("ip"), field("active"));
    // People know names; the filter knows identifiers.
    let found = match user {
        "" => Ok(None),
        text => admin::find_user_by_name_or_id(&member.site.admin(), &permit, text).await.map(Some),
    };
    let mut view = Sessions {
        frame: member.frame("sessions", Some(permit.tenant())),
        sessions: Vec::new(),
        user: user.to_owned(),
        client: client.to_owned(),
        ip: ip.to_owned(),
        active: active.to_owned(),
        error: None,
        paging: next_page("", &[], None),
    };
    let user_id = match found {
        Ok(user) => user.map(|user| user.id),
        Err(admin::AdminError::NotFound) => {
            view.error = Some(format!("There is no user “{user}”."));
            return member.page(&view);
        }
        Err(error) => return member.refusal(&error),
    };
    let filter = match filter_of(&query, user_id) {
        Ok(filter) => filter,
        Err(wrong) if wrong.field == "after" => return member.refusal(&wrong.into()),
        Err(wrong) => {
            let error = wrong.into();
            view.error = Some(format!("{error}"));
            return member.wrong(&view, &error);
        }
    };
    match admin::list_sessions(&member.site.admin(), &permit, &filter, None).await {
        Ok(listed) => {
            let kept = [("user", user), ("client", client), ("ip", ip), ("active", active)];
            view.paging = next_page(&format!("/admin/tenants/{slug}/sessions"), &kept, listed.next);
            view.sessions = listed.items;
            member.page(&view)
        }
        Err(error) => member.refusal(&error),
    }
}

/// What is asked for besides the user.
fn filter_of(query: &Query, user: Option<UserId>) -> Result<SessionFilter, FieldError> {
    let find = |name| query.params.find(name).map(str::trim).filter(|text| !text.is_empty());
    Ok(SessionFilter {
        user,
        client: find("client").map(str::to_owned),
        ip: strict::parsed::<IpAddr>("ip", find("ip"), "an IP address")?.map(|ip| ip.to_string()),
        active: strict::choice("active", find("active"))?,
        after: strict::parsed("after", find("after"), "the next page's own")?,
    })
}

#[get("/tenants/<slug>/sessions/<id>")]
pub(super) async fn show(member: Signed, slug: &str, id: &str) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    match admin::show_session(&member.site.admin(), &permit, id).await {
        Ok(session) => member
            .page(&SessionPage { frame: member.frame("sessions", Some(permit.tenant())), session }),
        Err(error) => member.refusal(&error),
    }
}
