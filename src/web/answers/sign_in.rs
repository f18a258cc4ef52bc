//! What a page says of a sign-in that was refused.

use rocket::http::Status;

use crate::accounts::SignInRefused;

/// The status, the text, and the seconds to wait. One text for a wrong name and a wrong password (ASVS 6.3.8).
pub(crate) fn refused_sign_in(refused: &SignInRefused) -> (Status, &'static str, Option<u64>) {
    match refused {
        SignInRefused::Credentials => {
            (Status::Forbidden, "That name and password do not go together.", None)
        }
        SignInRefused::Throttled(wait) => (
            Status::TooManyRequests,
            "Too many failed tries. Wait a moment and try again.",
            Some(*wait),
        ),
        SignInRefused::Busy(wait) => {
            (Status::ServiceUnavailable, "The server is busy. Try again in a moment.", Some(*wait))
        }
        SignInRefused::Away => {
            (Status::ServiceUnavailable, "The server cannot check this now. Try again.", Some(1))
        }
    }
}
