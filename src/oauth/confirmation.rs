//! What whoever presents a token has to prove besides holding it.

/// The proof that a token asks for: what the response calls its type, and the place of a `cnf` claim
/// (RFC 7800) once there is a proof to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// None: whoever holds it may use it (RFC 6750).
    Bearer,
}

impl Confirmation {
    /// `token_type` in responses (RFC 6749 §7.1).
    pub(super) fn token_type(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
        }
    }
}
