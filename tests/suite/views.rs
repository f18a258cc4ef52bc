//! Every page, rendered from what hostile input would put into it.

use portcullis::views::{Page, Renderer, account, admin};

const HOSTILE: &str = "\"><script>alert(1)</script>'&";

fn check(page: &impl Page) {
    let html = Renderer::new().unwrap().render(page).unwrap();
    assert!(!html.contains("<script>"), "{html}");
    assert!(!html.contains(" style=") && !html.contains(" onclick="), "inline style or script");
    assert!(html.starts_with("<!doctype html>"));
    assert!(html.contains("<html lang=\"en\">") && html.contains("<title>"));
}

#[test]
fn account_pages_escape_what_they_show() {
    let text = || HOSTILE.to_owned();
    check(&account::Message { title: text(), text: text(), code: Some(text()) });
    check(&account::Login {
        tenant: text(),
        client: Some(text()),
        action: text(),
        csrf_token: text(),
        request: Some(text()),
        username: text(),
        error: Some(text()),
    });
    check(&account::Consent {
        tenant: text(),
        client: text(),
        redirect_host: text(),
        user: text(),
        scopes: vec![account::ScopeLine { name: text(), description: text() }],
        action: text(),
        csrf_token: text(),
        request: text(),
    });
    let field = || vec![account::Hidden { name: text(), value: text() }];
    check(&account::FormPost { action: text(), fields: field() });
    check(&account::Logout { tenant: text(), user: text(), action: text(), csrf_token: text(), fields: field() });
    let session = account::OwnSession {
        id: text(),
        user_agent: text(),
        ip: text(),
        created_at: text(),
        last_seen_at: text(),
        clients: vec![text()],
        current: true,
    };
    check(&account::Account {
        tenant: text(),
        base: text(),
        user: text(),
        email: Some(text()),
        sessions: vec![session],
        csrf_token: text(),
    });
}

#[test]
fn console_pages_escape_what_they_show() {
    let text = || HOSTILE.to_owned();
    let frame = || admin::Frame {
        user: text(),
        operator: true,
        can_write: true,
        can_end: true,
        can_end_at_large: true,
        can_reset: true,
        csrf_token: text(),
        slug: Some(text()),
        tenant: Some(text()),
        section: "overview",
    };
    check(&admin::Login { csrf_token: text(), tenant: text(), username: text(), error: Some(text()) });
    check(&admin::Confirm {
        frame: frame(),
        title: text(),
        follows: vec![text()],
        button: text(),
        action: text(),
        back: text(),
        error: Some(text()),
        typed: Some(text()),
        fields: vec![account::Hidden { name: text(), value: text() }],
    });
    check(&admin::NewTenant { frame: frame(), slug: text(), name: text(), error: Some(text()) });
    check(&admin::ClientSecretPage {
        frame: frame(),
        client_id: text(),
        client_secret: text(),
        others_expire_at: Some(text()),
    });
    let choice = || vec![admin::Choice { value: text(), chosen: true }];
    check(&admin::ClientForm {
        frame: frame(),
        client: None,
        client_id: text(),
        client_name: text(),
        redirect_uris: text(),
        post_logout_redirect_uris: text(),
        scope: text(),
        jwks: text(),
        skip_consent: true,
        methods: choice(),
        grants: choice(),
        error: Some(text()),
        version: 3,
        differences: vec![admin::Difference { name: text(), now: text(), typed: text() }],
        notice: Some(text()),
    });
    check(&admin::UserForm {
        frame: frame(),
        user: None,
        username: text(),
        email: text(),
        email_verified: true,
        name: text(),
        active: true,
        roles: choice(),
        error: Some(text()),
        version: 3,
        differences: vec![admin::Difference { name: text(), now: text(), typed: text() }],
        notice: Some(text()),
    });
    check(&admin::ApiDocs {
        calls: vec![admin::ApiCall { tag: text(), method: text(), path: text(), summary: text(), query: vec![text()] }],
    });
}
