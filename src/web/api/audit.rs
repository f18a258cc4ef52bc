//! `/api/v1/tenants/{slug}/audit`.

use rocket::{
    Request, get,
    http::{Accept, ContentType, MediaType, Status},
    response::{self, Responder},
};

use super::{Called, Problem, admin_of, permit, read_cursor};
use crate::{
    admin::{self, AdminError, AuditView, Listed, MOST_ITEMS},
    domain::{FieldError, Timestamp},
    storage::AuditFilter,
    web::{Site, respond::Json},
};

/// The trail in the form that was asked for.
pub(super) enum Trail {
    Page(Listed<AuditView>),
    Export(ContentType, String),
}

impl<'r> Responder<'r, 'static> for Trail {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self {
            Self::Page(page) => Json(page).respond_to(request),
            Self::Export(content_type, body) => (content_type, body).respond_to(request),
        }
    }
}

/// Lists the audit trail, the newest first. `Accept: text/csv` or `application/x-ndjson`
/// exports everything that the filter keeps.
#[utoipa::path(context_path = "/api", tag = "audit", params(("slug" = String, Path),
    ("actor" = Option<String>, Query, description = "`user:ID`, `client:ID`, `shell` or `anonymous`"),
    ("action" = Option<String>, Query, description = "`noun.verb`"),
    ("since" = Option<String>, Query, description = "RFC 3339, inclusive"),
    ("until" = Option<String>, Query, description = "RFC 3339, exclusive"),
    ("limit" = Option<i64>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Listed<AuditView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/audit?<actor>&<action>&<since>&<until>&<limit>&<after>")]
#[expect(clippy::too_many_arguments, reason = "each is a query parameter")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
    actor: Option<String>,
    action: Option<String>,
    since: Option<&str>,
    until: Option<&str>,
    limit: Option<i64>,
    after: Option<String>,
    accept: Option<&Accept>,
) -> Result<Trail, Problem> {
    let permit = permit(site, caller, slug).await?;
    let instant = |name: &str, text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => Timestamp::parse(text)
            .map(Some)
            .ok_or_else(|| AdminError::from(FieldError::new(name, "an RFC 3339 instant"))),
    };
    let (since, until) = (instant("since", since)?, instant("until", until)?);
    let after = after.map(|after| read_cursor(&after)).transpose()?;
    let mut filter = AuditFilter { actor, action, since, until, after };
    let admin = admin_of(site);
    let media_type = accept.map(Accept::preferred).map(|quality| quality.media_type());
    let csv = media_type == Some(&MediaType::CSV);
    let ndjson = media_type == Some(&MediaType::new("application", "x-ndjson"));
    if !csv && !ndjson {
        return Ok(Trail::Page(admin::list_audit(&admin, &permit, &filter, limit).await?));
    }
    let mut items = Vec::new();
    loop {
        let page = admin::list_audit(&admin, &permit, &filter, Some(MOST_ITEMS)).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => filter.after = Some(read_cursor(&next)?),
            None => break,
        }
    }
    let body = if csv { as_csv(&items) } else { as_ndjson(&items) };
    let content_type = if csv { ContentType::CSV } else { ContentType::new("application", "x-ndjson") };
    let failed = || Problem::plain(Status::InternalServerError, "the export could not be written");
    body.map(|body| Trail::Export(content_type, body)).ok_or_else(failed)
}

fn as_csv(items: &[AuditView]) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for item in items {
        // A cell that a spreadsheet would take for a formula gets a mark in front (CWE-1236).
        let safe = |text: &str| match text.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
            _ => text.to_owned(),
        };
        let item = AuditView {
            target: safe(&item.target),
            reason: safe(&item.reason),
            user_agent: safe(&item.user_agent),
            ..item.clone()
        };
        writer.serialize(item).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

fn as_ndjson(items: &[AuditView]) -> Option<String> {
    let lines: Result<Vec<String>, _> = items.iter().map(serde_json::to_string).collect();
    lines.ok().map(|lines| lines.join("\n"))
}
