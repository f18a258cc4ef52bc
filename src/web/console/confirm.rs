//! Questions before what cannot be undone: what it is done to, what it ends, and for the severe ones
//! the name, typed.

use rocket::http::Status;

use super::{Answer, Html, Member};
use crate::{
    admin::{self, AdminError, Permit},
    domain::{Reached, Selection, Tenant},
    protocol::Params,
    views::{Hidden, console::Confirm},
};

/// What is asked.
pub(super) struct Question {
    /// The question, with the name of what it is about.
    pub(super) title: String,
    /// What follows, a sentence each.
    pub(super) follows: Vec<String>,
    /// The words on the button.
    pub(super) button: &'static str,
    /// The address of the form that was sent, and is sent again.
    pub(super) action: String,
    /// Where to go instead.
    pub(super) back: String,
}

impl Member {
    /// Goes on where the question was answered, by typing `typed` where that is asked for; otherwise
    /// the question is made, and asked.
    pub(super) async fn confirmed(
        &self,
        form: &Params,
        section: &'static str,
        tenant: &Tenant,
        typed: Option<&str>,
        question: impl Future<Output = Result<Question, AdminError>>,
    ) -> Result<(), Answer> {
        let was_asked = form.find("confirmed").is_some();
        let is_typed = typed.is_none_or(|name| form.find("typed").map(str::trim) == Some(name));
        if was_asked && is_typed {
            return Ok(());
        }
        let question = question.await.map_err(|error| self.error_page(&error))?;
        let ours = ["csrf_token", "confirmed", "typed"];
        let fields = form.pairs().filter(|(name, _)| !ours.contains(name));
        let view = Confirm {
            frame: self.frame(section, Some(tenant)),
            title: question.title,
            follows: question.follows,
            button: question.button.to_owned(),
            action: question.action,
            back: question.back,
            error: was_asked.then(|| "That is not its name. Nothing was done.".to_owned()),
            typed: typed.map(str::to_owned),
            fields: fields
                .map(|(name, value)| Hidden { name: name.to_owned(), value: value.to_owned() })
                .collect(),
        };
        let status = if was_asked { Status::BadRequest } else { Status::Ok };
        Err(Answer::Page(Html::of(&self.site, &view).with_status(status)))
    }

    /// What an ending would reach, in words.
    pub(super) async fn figures(
        &self,
        permit: &Permit,
        selection: &Selection,
    ) -> Result<String, AdminError> {
        let reached = admin::count_reached(&self.site.admin(), permit, selection).await?;
        let Reached { sessions, families, more } = reached;
        let more = if more { " or more" } else { "" };
        Ok(format!(
            "This ends {sessions}{more} live sessions and {families}{more} refresh token families."
        ))
    }
}
