//! Reading the audit trail.

use super::{Admin, AdminError, AuditView, Listed, Permit, limited};
use crate::domain::AuditFilter;

/// Entries, the newest first. What was noted up to now is in it.
///
/// # Errors
/// [`AdminError`].
pub async fn list_audit(
    admin: &Admin<'_>,
    permit: &Permit,
    filter: &AuditFilter,
    limit: Option<i64>,
) -> Result<Listed<AuditView>, AdminError> {
    admin.app.audit.flush().await;
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let page = unit.tenant(permit.tenant()).list_audit(filter, limited(limit)).await?;
    Ok(Listed::of(page, AuditView::from))
}
