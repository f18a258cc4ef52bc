//! The pages of end users: login, consent, and their own page.

mod account;
mod consent;
mod login;

use rocket::{Route, routes};

pub(super) fn routes() -> Vec<Route> {
    routes![
        login::show,
        login::submit,
        consent::show,
        consent::submit,
        account::show,
        account::end_session,
        account::end_all
    ]
}
