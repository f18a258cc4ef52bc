//! Signing keys in the console.

use rocket::{get, post};

use super::{Answer, Member, Shown, Signed, confirm::Question, go};
use crate::{
    admin::{self, Action, Permit},
    protocol::OauthError,
    views::console::Keys,
    web::guards::{Form, Query},
};

#[get("/tenants/<slug>/keys")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let rotated = query.params.find("done").is_some();
    match admin::list_keys(&member.site.admin(), &permit).await {
        Ok(keys) => member.page(&Keys {
            frame: member.frame("keys", Some(permit.tenant())),
            keys,
            notice: rotated
                .then(|| "The next key signs now; a new one was published after it.".into()),
        }),
        Err(error) => member.refusal(&error),
    }
}

/// Proof that the keys may be changed by `path`, once it was asked about.
async fn agreed(
    member: &Member,
    slug: &str,
    form: Result<Form, OauthError>,
    path: &str,
    (title, button, follows): (String, &'static str, [&str; 2]),
) -> Result<Permit, Answer> {
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    let question = async {
        permit.may_at_large(&member.site.app, Action::ChangeKeys)?;
        let back = format!("/admin/tenants/{slug}/keys");
        let follows = follows.map(str::to_owned).to_vec();
        Ok(Question { title, follows, button, action: format!("{back}/{path}"), back })
    };
    member.confirmed(&form, "keys", permit.tenant(), None, question).await?;
    Ok(permit)
}

#[post("/tenants/<slug>/keys/rotate", data = "<form>")]
pub(super) async fn rotate(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let follows = [
        "The next key signs from then on, and a new one is published after it.",
        "What the present key has signed stays good until it expires.",
    ];
    let question = (format!("Rotate the signing keys of “{slug}”?"), "Rotate", follows);
    let permit = agreed(&member, slug, form, "rotate", question).await?;
    match admin::rotate_keys(&member.site.admin(), &permit).await {
        Ok(_) => go(format!("/admin/tenants/{slug}/keys?done=rotated")),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/keys/<kid>/withdraw", data = "<form>")]
pub(super) async fn withdraw(
    member: Signed,
    slug: &str,
    kid: &str,
    form: Result<Form, OauthError>,
) -> Shown {
    let member = member?;
    let follows = [
        "Every token that it has signed is refused at once, whoever holds it.",
        "Another key signs in its place. Verifiers that hold the keys of before fetch them anew.",
    ];
    let question = (format!("Withdraw key “{kid}”?"), "Withdraw key", follows);
    let permit = agreed(&member, slug, form, &format!("{kid}/withdraw"), question).await?;
    match admin::withdraw_key(&member.site.admin(), &permit, kid).await {
        Ok(ending) => {
            go(format!("/admin/tenants/{slug}/endings/{}", ending.event.unwrap_or_default()))
        }
        Err(error) => member.refusal(&error),
    }
}
