//! What users have allowed clients.

use super::{
    Action, Admin, AdminError, ConsentView, Ending, Listed, Permit, Whom, limited, sessions::ended,
    show_user,
};
use crate::{
    domain::{EndReason, Event, FamilyId, Reached, UserId},
    storage::TenantStore,
};

/// What a user has allowed clients, by the clients' names.
///
/// # Errors
/// [`AdminError::NotFound`] for a user that is none.
pub async fn list_consents(
    admin: &Admin<'_>,
    permit: &Permit,
    user: &str,
    after: &str,
    limit: Option<i64>,
) -> Result<Listed<ConsentView>, AdminError> {
    let user = show_user(admin, permit, user).await?;
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let page = unit.tenant(permit.tenant()).list_consents(user.id, after, limited(limit)).await?;
    Ok(Listed::of(page, ConsentView::from))
}

/// Grants that are looked at and ended in one transaction.
const AT_ONCE: i64 = 200;

/// Takes back what a user has allowed a client: every grant that the client has of the user ends, and a code
/// that is still on its way is refused. The user is asked again next time.
///
/// # Errors
/// [`AdminError::NotFound`] where there is no such user, or the client was allowed nothing.
pub async fn withdraw_consent(
    admin: &Admin<'_>,
    permit: &Permit,
    user: &str,
    client_id: &str,
) -> Result<Ending, AdminError> {
    let user = show_user(admin, permit, user).await?;
    permit.may(admin.app, Action::EndSessions, Whom::of(&user))?;
    let tenant = permit.tenant();
    // First of all: a code of before is exchanged no more, and so no grant comes after those that are ended.
    let mut unit = admin.app.storage.write(tenant).await?;
    let known = unit.head().await?;
    if !unit.tenant(tenant).delete_consent(user.id, client_id).await? {
        return Err(AdminError::NotFound);
    }
    unit.commit().await?;
    let (mut after, mut families, mut number) = (None, 0, known);
    loop {
        let mut unit = admin.app.storage.write(tenant).await?;
        let mut store = unit.tenant(tenant);
        let (count, last) = end_some(admin, &mut store, user.id, client_id, after).await?;
        families += count;
        if last.is_none() {
            let client_id = client_id.to_owned();
            let event = Event::ConsentWithdrawn { user: user.id, client_id, grants: families };
            store.tell(&permit.occurrence(admin.app, event));
        }
        let events = unit.commit().await?;
        number = events.last().map_or(number, |event| event.seq);
        match last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    let reached = Reached { sessions: 0, families, more: false };
    Ok(ended(admin, reached, number))
}

/// Ends what a client has among some of a user's grants; answers how many, and where to go on.
async fn end_some(
    admin: &Admin<'_>,
    store: &mut TenantStore<'_>,
    user: UserId,
    client_id: &str,
    after: Option<FamilyId>,
) -> Result<(usize, Option<FamilyId>), AdminError> {
    let some = store.list_families_of_user(user, after, AT_ONCE).await?;
    let is_full = i64::try_from(some.len()).is_ok_and(|count| count == AT_ONCE);
    let last = some.last().filter(|_| is_full).map(|family| family.id);
    let mut count = 0;
    for family in some.iter().filter(|one| one.client_id == client_id && one.ended_at.is_none()) {
        let _ = store.end_family(family.id, EndReason::Forced, admin.app.effects.now()).await?;
        count += 1;
    }
    Ok((count, last))
}
