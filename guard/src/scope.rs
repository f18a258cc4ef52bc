//! Scopes as types, for handlers that name what they need.

/// The scope tokens that a handler needs, all of them (RFC 6749 §3.3). Made by [`scope!`](crate::scope!).
pub trait Scopes: Send + Sync + 'static {
    /// The tokens.
    const ALL: &'static [&'static str];
}

/// A good token, whatever its scope.
impl Scopes for () {
    const ALL: &'static [&'static str] = &[];
}

/// Makes a type that stands for scope tokens.
///
/// ```
/// portcullis_guard::scope!(pub ReadReports = "reports.read");
/// portcullis_guard::scope!(Publish = "reports.read", "reports.write");
/// ```
#[macro_export]
macro_rules! scope {
    ($seen:vis $name:ident = $($token:literal),+ $(,)?) => {
        #[doc = concat!("Scope", $(" `", $token, "`"),+, ".")]
        #[derive(Debug, Clone, Copy)]
        $seen struct $name;

        impl $crate::Scopes for $name {
            const ALL: &'static [&'static str] = &[$($token),+];
        }
    };
}
