//! What a client was refused of late, and what to change.

use super::{Admin, AdminError, AuditView, Permit, list_audit};
use crate::domain::AuditFilter;

/// How many are told.
const MOST: usize = 10;

/// How many entries of the trail are looked through for them.
const LOOKED_AT: i64 = 200;

/// What a client was refused last, the newest first: by what it proved to be, or claimed to be.
///
/// # Errors
/// [`AdminError`].
pub async fn list_refusals(
    admin: &Admin<'_>,
    permit: &Permit,
    client_id: &str,
) -> Result<Vec<AuditView>, AdminError> {
    let own = AuditFilter { actor: Some(format!("client:{client_id}")), ..AuditFilter::default() };
    // A request whose redirect URI is wrong is nobody's yet.
    let at_pages =
        AuditFilter { action: Some("authorize.refused".into()), ..AuditFilter::default() };
    let mut found: Vec<AuditView> = Vec::new();
    for filter in [own, at_pages] {
        let listed = list_audit(admin, permit, &filter, Some(LOOKED_AT)).await?;
        let of_client = listed.items.into_iter().filter(|entry| {
            let is_its = entry.actor == format!("client:{client_id}") || entry.target == client_id;
            is_its && entry.action.ends_with(".refused")
        });
        found.extend(of_client);
    }
    found.sort_by(|one, other| other.id.cmp(&one.id));
    found.dedup_by(|one, other| one.id == other.id);
    found.truncate(MOST);
    Ok(found)
}

/// What to change, by how the reason of a refusal begins.
const CURES: &[(&str, &str)] = &[
    (
        "it used ",
        "register the method that the program uses, or have the program use the registered one",
    ),
    (
        "wrong secret",
        "give the program a secret that is listed here and not expired, or make a new one",
    ),
    ("no client authentication", "the program sends no client_id: look at its settings"),
    ("too many failures", "wait a quarter of an hour, and mend what failed before"),
    (
        "malformed Authorization header",
        "client_id and secret are form-encoded, then base64 (RFC 6749, section 2.3.1)",
    ),
    (
        "this redirect_uri is not registered",
        "register the redirect URI that the program sends, to the letter",
    ),
    ("redirect_uri is missing", "have the program send the redirect URI that is registered"),
    (
        "another redirect_uri",
        "the token request has to name the redirect URI of the authorization request",
    ),
    (
        "redirect_uri missing",
        "the token request has to name the redirect URI of the authorization request",
    ),
    (
        "grant type not registered",
        "add the grant to the registration, or have the program not ask for it",
    ),
    (
        "client may not sign users in",
        "this address is for public clients that have the password grant",
    ),
    ("code expired", "exchange the code within a minute, and look at the clocks"),
    ("code reused", "a code is good once: the program must not send the same request again"),
    ("unknown code", "the code is of another server, or its time is long over"),
    (
        "code_verifier",
        "the program has to keep the verifier of the request that it made (RFC 7636)",
    ),
    ("consent withdrawn", "the user has to be asked again: sign in anew"),
    ("unknown family", "sign in anew: the refresh token's session is gone"),
    ("family ended", "sign in anew: the grant was ended, and the trail says by whom"),
    ("expired", "sign in anew, or let refresh tokens live longer"),
    ("invalid_scope", "have the program ask for scopes that are registered here, or add them"),
    ("invalid_request", "the answer to the program says which parameter is wrong"),
    ("access_denied", "the user said no"),
    ("login_required", "prompt=none was asked for, and nobody was signed in"),
    ("consent_required", "prompt=none was asked for, and the user has not consented yet"),
];

/// What to change after a refusal for this reason, where that is known.
pub fn cure_of(reason: &str) -> Option<&'static str> {
    CURES.iter().find(|(begins, _)| reason.starts_with(begins)).map(|(_, cure)| *cure)
}
