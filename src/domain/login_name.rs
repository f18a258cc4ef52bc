//! What users sign in by: names, and addresses in their place (RFC 8265 §3.3).
//!
//! Two texts that people take for one name are one name: both are prepared by the profile
//! UsernameCaseMapped and compared as they are then. What is stored for a person to see must be its
//! own prepared form but for case, so that nobody is shown a name that is compared as another.

use precis_core::profile::PrecisFastInvocation as _;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use unicode_normalization::char::is_combining_mark;

/// What stands in front of a text that can be nobody's name. No prepared name has it.
const NOBODY: char = ' ';

/// The form in which names and addresses are compared, stored and counted. A text that cannot be
/// prepared has one too, which nobody's name is equal to.
pub(super) fn key(text: &str) -> String {
    let text = text.trim();
    match UsernameCaseMapped::enforce(text) {
        Ok(prepared) => prepared.into_owned(),
        Err(_) if text.is_empty() => String::new(),
        Err(_) => format!("{NOBODY}{}", text.to_lowercase()),
    }
}

/// Checks that `text` may be somebody's name or address.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let preserved = UsernameCasePreserved::enforce(text);
    let preserved = preserved.map_err(|_| {
        "letters, digits and marks of ASCII: no spaces, no invisible or unassigned characters, \
         and not written in both directions (RFC 8265)"
    })?;
    if preserved != text {
        return Err(
            "in composed form and ordinary width: it would be compared as another text (RFC 8265)",
        );
    }
    UsernameCaseMapped::enforce(text)
        .map_err(|_| "a text that can be compared without regard to case (RFC 8265)")?;
    // Of scripts whose words bear such marks, none puts them on letters of ASCII; there they pass for
    // underlines, strokes and accents.
    let mut pairs = text.chars().zip(text.chars().skip(1));
    if pairs.any(|(base, mark)| base.is_ascii() && is_combining_mark(mark)) {
        return Err("without combining marks on letters of ASCII");
    }
    Ok(())
}
