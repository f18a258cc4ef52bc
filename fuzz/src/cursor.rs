//! The cursors of lists: `after=` of users, of sessions and of the audit trail.

use portcullis::{
    domain::{AuditId, SessionId},
    storage::UserCursor,
};

/// Reads each: what is read is written, and read again, alike.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match UserCursor::parse(text) {
        Some(cursor) if text.is_empty() => assert_eq!(cursor, UserCursor::Name(String::new())),
        Some(cursor) => assert_eq!(cursor.to_string(), text),
        None => {
            assert!(!text.starts_with("name:") && !text.starts_with("email:") && !text.is_empty())
        }
    }
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.to_string().parse::<SessionId>().unwrap(), id);
    }
    if let Ok(id) = text.parse::<AuditId>() {
        assert_eq!(id.to_string().parse::<AuditId>().unwrap(), id);
    }
    assert_eq!(
        text.parse::<SessionId>().is_ok(),
        text.parse::<AuditId>().is_ok(),
        "one form for both"
    );
}
