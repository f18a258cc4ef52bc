//! The text of an `error_description` (RFC 6749 §4.1.2.1 and §5.2).

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// A sentence for the developer of a client, within `%x20-21 / %x23-5B / %x5D-7E`.
///
/// The bound is kept here and nowhere else: a text may be built from what a client has sent, or
/// come from a library, and goes into JSON, into a redirect and into a quoted header value alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ErrorDescription(Cow<'static, str>);

impl ErrorDescription {
    /// Characters at most: what is told back to a client is no place for what it has sent.
    pub const MOST: usize = 300;

    /// `text`, with what may not stand in it replaced.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let fits = text.len() <= Self::MOST && text.chars().all(Self::allows);
        if fits {
            Self(text)
        } else {
            Self(text.chars().take(Self::MOST).map(nearest).collect::<String>().into())
        }
    }

    /// Whether `c` may stand in a description.
    pub fn allows(c: char) -> bool {
        matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')
    }

    /// The description as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The character that stands for `c` in a description.
fn nearest(c: char) -> char {
    match c {
        c if ErrorDescription::allows(c) => c,
        '"' => '\'',
        '\\' => '/',
        c if c.is_whitespace() => ' ',
        _ => '?',
    }
}

impl fmt::Display for ErrorDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_stand_in_a_description_is_replaced() {
        let text = ErrorDescription::new("parameter \"\u{e4}\" given\r\ntwice: C:\\x\u{7f}\0");
        assert_eq!(text.as_str(), "parameter '?' given  twice: C:/x??");
        assert_eq!(ErrorDescription::new("as it is: [~!]").as_str(), "as it is: [~!]");
    }

    #[test]
    fn a_description_has_an_end() {
        assert_eq!(
            ErrorDescription::new("\u{1f600}".repeat(10_000)).as_str(),
            "?".repeat(ErrorDescription::MOST)
        );
    }
}
