//! Sessions in the console.

use std::net::IpAddr;

use rocket::get;

use super::{Shown, Signed, next_page};
use crate::{
    admin,
    domain::{FieldError, SessionFilter},
    views::console::{SessionPage, Sessions},
    web::guards::{Query, strict},
};

#[get("/tenants/<slug>/sessions")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let field = |name| query.params.find(name).map(str::trim).unwrap_or_default();
    let owned = |name| query.params.find(name).map(|text| text.trim().to_owned());
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
    let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    let read = || {
        let ip = strict::parsed::<IpAddr>("ip", given(ip).as_deref(), "an IP address")?;
        Ok::<_, FieldError>((strict::choice("active", given(active).as_deref())?, ip.map(|ip| ip.to_string())))
    };
    let (chosen, address) = match read() {
        Ok(read) => read,
        Err(wrong) => {
            let error = wrong.into();
            view.error = Some(format!("{error}"));
            return member.wrong(&view, &error);
        }
    };
    let filter = SessionFilter {
        user: user_id,
        client: owned("client"),
        ip: address,
        active: chosen,
        after: match query.params.find("after").map(str::parse).transpose() {
            Ok(after) => after,
            Err(_) => return member.refusal(&FieldError::new("after", "the next page's own").into()),
        },
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

#[get("/tenants/<slug>/sessions/<id>")]
pub(super) async fn show(member: Signed, slug: &str, id: &str) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    match admin::show_session(&member.site.admin(), &permit, id).await {
        Ok(session) => member.page(&SessionPage { frame: member.frame("sessions", Some(permit.tenant())), session }),
        Err(error) => member.refusal(&error),
    }
}
