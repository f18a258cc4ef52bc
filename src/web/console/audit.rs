//! The audit trail in the console.

use rocket::get;

use super::{Shown, Signed, next_page};
use crate::{
    admin, domain::AuditFilter, domain::FieldError, views::console::Audit, web::guards::Query,
};

#[get("/tenants/<slug>/audit")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let owned = |name| query.params.find(name).map(|text| text.trim().to_owned());
    let after = match query.params.find("after").map(str::parse).transpose() {
        Ok(after) => after,
        Err(_) => return member.refusal(&FieldError::new("after", "the next page's own").into()),
    };
    let filter = AuditFilter {
        actor: owned("actor"),
        action: owned("action"),
        since: None,
        until: None,
        after,
    };
    match admin::list_audit(&member.site.admin(), &permit, &filter, None).await {
        Ok(listed) => {
            let (actor, action) =
                (filter.actor.unwrap_or_default(), filter.action.unwrap_or_default());
            let kept = [("actor", actor.as_str()), ("action", action.as_str())];
            member.page(&Audit {
                frame: member.frame("audit", Some(permit.tenant())),
                events: listed.items,
                paging: next_page(&format!("/admin/tenants/{slug}/audit"), &kept, listed.next),
                actor,
                action,
            })
        }
        Err(error) => member.refusal(&error),
    }
}
