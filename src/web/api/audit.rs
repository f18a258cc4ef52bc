//! `/api/v1/tenants/{slug}/audit`.

use std::sync::Arc;

use rocket::{
    Request,
    futures::{
        StreamExt as _,
        stream::{self, BoxStream},
    },
    get,
    http::{Accept, ContentType, MediaType},
    response::{self, Responder, stream::ByteStream},
};

use super::{Called, asked, permit, read_cursor};
use crate::{
    admin::{self, AdminError, AuditView, Listed, MOST_ITEMS, Permit},
    domain::{AuditFilter, FieldError, Timestamp},
    web::{
        Site,
        answers::{Json, Problem},
        guards::{Shared, strict},
    },
};

/// The trail in the form that was asked for.
pub(super) enum Trail {
    Page(Listed<AuditView>),
    Export(ContentType, BoxStream<'static, Vec<u8>>),
}

impl<'r> Responder<'r, 'r> for Trail {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'r> {
        match self {
            Self::Page(page) => Json(page).respond_to(request),
            Self::Export(content_type, pages) => {
                let mut response = ByteStream::from(pages).respond_to(request)?;
                response.set_header(content_type);
                Ok(response)
            }
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
    site: Shared,
    caller: Called,
    slug: &str,
    actor: Option<String>,
    action: Option<String>,
    since: Option<&str>,
    until: Option<&str>,
    limit: Option<&str>,
    after: Option<String>,
    accept: Option<&Accept>,
) -> Result<Trail, Problem> {
    let permit = permit(&site.0, caller, slug).await?;
    let instant = |name: &str, text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => Timestamp::parse(text)
            .map(Some)
            .ok_or_else(|| AdminError::from(FieldError::new(name, "an RFC 3339 instant"))),
    };
    let is_actor = |text: &String| {
        matches!(text.as_str(), "shell" | "anonymous")
            || text.starts_with("user:")
            || text.starts_with("client:")
    };
    if actor.as_ref().is_some_and(|actor| !is_actor(actor)) {
        let right = "user:ID, client:ID, shell or anonymous";
        return Err(AdminError::from(FieldError::new("actor", right)).into());
    }
    let (since, until) = (instant("since", since)?, instant("until", until)?);
    let after = after.map(|after| read_cursor(&after)).transpose()?;
    let filter = AuditFilter { actor, action, since, until, after };
    let admin = site.0.admin();
    let media_type = accept.map(Accept::preferred).map(|quality| quality.media_type());
    let csv = media_type == Some(&MediaType::CSV);
    let ndjson = media_type == Some(&MediaType::new("application", "x-ndjson"));
    if !csv && !ndjson {
        return Ok(Trail::Page(
            admin::list_audit(&admin, &permit, &filter, asked(strict::limit(limit))?).await?,
        ));
    }
    let (format, content_type) = match csv {
        true => (Format::Csv, ContentType::CSV),
        false => (Format::NdJson, ContentType::new("application", "x-ndjson")),
    };
    let export = Export { site: Arc::clone(&site.0), permit, filter, format };
    // What is wrong is told before the first byte.
    let first = admin::list_audit(&admin, &export.permit, &export.filter, Some(MOST_ITEMS)).await?;
    Ok(Trail::Export(content_type, export.pages(first)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    NdJson,
}

/// A trail on its way, a page in memory at a time.
struct Export {
    site: Arc<Site>,
    permit: Permit,
    filter: AuditFilter,
    format: Format,
}

/// The last line of an export that could not be read to its end: nobody shall take it for whole.
const BROKEN_OFF: &str = "the export broke off here";

impl Export {
    fn pages(self, first: Listed<AuditView>) -> BoxStream<'static, Vec<u8>> {
        let state = Some((self, Ok(first), true));
        let pages = stream::unfold(state, |state| async move {
            let (mut export, page, is_first) = state?;
            let (text, next) = match page {
                Ok(Listed { items, next }) => (export.write(&items, is_first), next),
                Err(why) => {
                    tracing::warn!(error = %why, "an export of the audit trail broke off");
                    (None, None)
                }
            };
            let Some(text) = text else {
                return Some((format!("{BROKEN_OFF}\n").into_bytes(), None));
            };
            let next = next.and_then(|next| next.parse().ok());
            let more = match next {
                Some(after) => {
                    export.filter.after = Some(after);
                    let page = export.read().await;
                    Some((export, page, false))
                }
                None => None,
            };
            Some((text, more))
        });
        pages.boxed()
    }

    async fn read(&self) -> Result<Listed<AuditView>, AdminError> {
        admin::list_audit(&self.site.admin(), &self.permit, &self.filter, Some(MOST_ITEMS)).await
    }

    fn write(&self, items: &[AuditView], is_first: bool) -> Option<Vec<u8>> {
        match self.format {
            Format::Csv => as_csv(items, is_first),
            Format::NdJson => as_ndjson(items),
        }
    }
}

fn as_csv(items: &[AuditView], with_header: bool) -> Option<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(with_header).from_writer(Vec::new());
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
    writer.into_inner().ok()
}

fn as_ndjson(items: &[AuditView]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for item in items {
        serde_json::to_writer(&mut out, item).ok()?;
        out.push(b'\n');
    }
    Some(out)
}
