//! Signing keys in the console.

use rocket::{get, post};

use super::{Shown, Signed, confirm::Question, go, run};
use crate::{
    admin::{self, Action},
    protocol::OauthError,
    views::admin::Keys,
    web::{
        api::admin_of,
        guards::{Form, Query},
    },
};

#[get("/tenants/<slug>/keys")]
pub(super) async fn list(member: Signed, slug: &str, query: Query) -> Shown {
    let member = member?;
    let permit = member.permit(slug).await?;
    let rotated = query.params.find("done").is_some();
    match admin::list_keys(&admin_of(&member.site), &permit).await {
        Ok(keys) => member.page(&Keys {
            frame: member.frame("keys", Some(permit.tenant())),
            keys,
            notice: rotated.then(|| "The next key signs now; a new one was published after it.".into()),
        }),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/keys/rotate", data = "<form>")]
pub(super) async fn rotate(member: Signed, slug: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    if let Err(error) = permit.may_at_large(&member.site.app, Action::ChangeKeys) {
        return member.refusal(&error);
    }
    let back = format!("/admin/tenants/{slug}/keys");
    let question = Question {
        title: format!("Rotate the signing keys of “{slug}”?"),
        follows: vec![
            "The next key signs from then on, and a new one is published after it.".into(),
            "What the key before has signed stays good until it expires.".into(),
        ],
        button: "Rotate",
        action: format!("{back}/rotate"),
        back,
        typed: None,
    };
    member.confirmed(&form, "keys", permit.tenant(), question)?;
    let site = std::sync::Arc::clone(&member.site);
    match run(async move { admin::rotate_keys(&admin_of(&site), &permit).await }).await {
        Ok(_) => go(format!("/admin/tenants/{slug}/keys?done=rotated")),
        Err(error) => member.refusal(&error),
    }
}

#[post("/tenants/<slug>/keys/<kid>/withdraw", data = "<form>")]
pub(super) async fn withdraw(member: Signed, slug: &str, kid: &str, form: Result<Form, OauthError>) -> Shown {
    let member = member?;
    let form = member.sent(form)?;
    let permit = member.permit(slug).await?;
    if let Err(error) = permit.may_at_large(&member.site.app, Action::ChangeKeys) {
        return member.refusal(&error);
    }
    let back = format!("/admin/tenants/{slug}/keys");
    let question = Question {
        title: format!("Withdraw key “{kid}”?"),
        follows: vec![
            "Every token that it has signed is refused at once, whoever holds it.".into(),
            "Another key signs in its place. Verifiers that hold the keys of before fetch them anew.".into(),
        ],
        button: "Withdraw key",
        action: format!("{back}/{kid}/withdraw"),
        back,
        typed: None,
    };
    member.confirmed(&form, "keys", permit.tenant(), question)?;
    let (site, kid) = (std::sync::Arc::clone(&member.site), kid.to_owned());
    match run(async move { admin::withdraw_key(&admin_of(&site), &permit, &kid).await }).await {
        Ok(ending) => go(format!("/admin/tenants/{slug}/endings/{}", ending.event.unwrap_or_default())),
        Err(error) => member.refusal(&error),
    }
}
