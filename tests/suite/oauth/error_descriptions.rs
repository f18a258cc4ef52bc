//! `error_description` keeps to RFC 6749's characters, whoever wrote the text.

use std::{fs, path::Path};

use portcullis::protocol::{ErrorDescription, OauthError};
use rocket::http::Method;

use crate::support::{Agent, Reply, SECRET, TestApp, assert_description, basic, form};

/// What a client may send, and a careless server tell back.
const HOSTILE: [&str; 6] = [
    "\"",
    "\\",
    "\u{e4}\u{1f600}",
    "line\r\nbreak",
    "\u{202e}\u{200b}\u{85}",
    "<script>\"'\\\u{7f}\u{1}",
];

/// The literals of a source outside comments and tests, as they are written.
fn literals(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let (mut found, mut inside) = (Vec::new(), None::<String>);
    for line in code.lines() {
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (&mut inside, c) {
                (None, '\'') if chars.peek() == Some(&'"') => drop(chars.by_ref().take(2).count()),
                (None, '/') if chars.peek() == Some(&'/') => break,
                (None, '"') => inside = Some(String::new()),
                // At the end of a line it joins this one to the next.
                (Some(text), '\\') => {
                    text.extend(chars.next().into_iter().flat_map(|next| ['\\', next]))
                }
                (Some(_), '"') => found.extend(inside.take()),
                (Some(text), c) => text.push(c),
                (None, _) => {}
            }
        }
    }
    found
}

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, out),
            false => out.push((path.display().to_string(), fs::read_to_string(&path).unwrap())),
        }
    }
}

#[test]
fn every_text_in_the_source_is_told_as_it_is_written() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in ["protocol", "oauth", "web/oauth2", "web/guards"] {
        sources(&root.join(folder), &mut files);
    }
    for file in ["web/first_party.rs", "web/catchers.rs"] {
        files.push((file.to_owned(), fs::read_to_string(root.join(file)).unwrap()));
    }
    let texts: Vec<(String, String)> = files
        .iter()
        .flat_map(|(name, text)| literals(text).into_iter().map(move |text| (name.clone(), text)))
        .collect();
    assert!(texts.len() > 300, "the texts were found: {}", texts.len());
    let awaited = "client authentication failed";
    assert!(texts.iter().any(|(_, text)| text == awaited), "{awaited}");
    for (name, text) in texts {
        // None is replaced on its way out: who reads it reads what was meant.
        assert!(text.chars().all(ErrorDescription::allows), "{name}: {text}");
        assert!(text.len() <= ErrorDescription::MOST, "{name}: {text}");
    }
}

#[test]
fn what_a_library_says_of_bad_input_is_within_the_characters() {
    let numbers = serde_json::from_str::<u8>("\"\u{e4}\\\\ \u{1f600}\"").unwrap_err();
    let fields =
        serde_json::from_str::<std::collections::BTreeMap<String, u8>>("{\"\\\"\u{e4}\":\"\\n\"}")
            .unwrap_err();
    for text in [numbers.to_string(), fields.to_string()] {
        assert_description(OauthError::invalid_request(text).description.as_str());
    }
}

/// The description of a refusal, wherever it stands.
#[track_caller]
fn check(reply: &Reply, what: &str) {
    let location = reply.header("location").filter(|to| to.starts_with("https://app.example/"));
    match location {
        Some(to) => {
            let uri = url::Url::parse(to).unwrap();
            let told = uri.query_pairs().find(|(name, _)| name == "error_description");
            assert_description(&told.unwrap_or_else(|| panic!("{what}: {to}")).1);
        }
        None if reply
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json")) =>
        {
            assert!(reply.status >= 400, "{what}: {} {}", reply.status, reply.body);
            assert_description(reply.json()["error_description"].as_str().unwrap());
        }
        // A page is no place for RFC 6749's text, and escapes what it shows.
        None => assert!(
            reply.body.starts_with("<!doctype html>"),
            "{what}: {} {}",
            reply.status,
            reply.body
        ),
    }
    if let Some((_, text)) =
        reply.header("www-authenticate").and_then(|line| line.split_once("error_description=\""))
    {
        assert_description(text.strip_suffix('"').unwrap());
    }
}

#[rocket::async_test]
async fn no_form_makes_the_protocol_endpoints_tell_back_other_characters() {
    let app = TestApp::start().await;
    let names = [
        "grant_type",
        "scope",
        "resource",
        "code",
        "refresh_token",
        "redirect_uri",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "token",
        "username",
        "password",
    ];
    for endpoint in ["token", "revoke", "introspect"] {
        let path = app.acme().path(&format!("/oauth2/{endpoint}"));
        for text in HOSTILE {
            for name in names {
                // Alone, beside a client's proof, and twice; as a value and as a name.
                let once = form(&[("grant_type", "client_credentials"), (name, text)]);
                let named = form(&[(text, "1"), (text, "2")]);
                for body in [once, named, form(&[(name, text), (name, text)])] {
                    for authorization in [None, Some(basic("web", SECRET)), Some(basic(text, text))]
                    {
                        let mut headers =
                            vec![("Content-Type", "application/x-www-form-urlencoded")];
                        headers
                            .extend(authorization.as_deref().map(|value| ("Authorization", value)));
                        let reply = app.send(Method::Post, &path, &headers, &body).await;
                        if reply.status != 200 {
                            check(&reply, &format!("{endpoint} {body}"));
                        }
                    }
                }
            }
        }
        let odd = app.send(Method::Post, &path, &[("Content-Type", "text/\"\\")], "x").await;
        check(&odd, endpoint);
    }
}

#[rocket::async_test]
async fn no_request_makes_the_authorization_endpoint_send_back_other_characters() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    for text in HOSTILE {
        for name in [
            "scope",
            "response_mode",
            "response_type",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "max_age",
            "id_token_hint",
            "request",
            "request_uri",
        ] {
            check(&agent.get(&app.acme().authorization("app", &[(name, text)])).await, name);
        }
        let twice = format!(
            "{}&{}",
            app.acme().authorization("app", &[]),
            form(&[(text, "1"), (text, "2")])
        );
        check(&agent.get(&twice).await, &twice);
        let resource =
            format!("{}&{}", app.acme().authorization("app", &[]), form(&[("resource", text)]));
        check(&agent.get(&resource).await, &resource);
        check(
            &agent.get(&app.acme().authorization("app", &[("client_id", text)])).await,
            "client_id",
        );
    }
}

#[rocket::async_test]
async fn no_body_makes_the_first_party_sign_in_tell_back_other_characters() {
    let app = TestApp::start().await;
    for text in HOSTILE {
        let quoted = serde_json::Value::from(text).to_string();
        for body in [
            text.to_owned(),
            quoted.clone(),
            format!("{{{quoted}:{quoted}"),
            format!("{{{quoted}:1,{quoted}:2}}"),
            format!(r#"{{"username":{quoted},"password":{quoted},"client_id":{quoted}}}"#),
            format!(r#"{{"username":[{quoted}],"password":1}}"#),
        ] {
            let headers = [("Content-Type", "application/json")];
            check(&app.send(Method::Post, "/t/acme/auth/login", &headers, &body).await, &body);
        }
    }
    for header in ["Bearer \"\\", "Bearer x y", "Basic \"", "Bearer"] {
        for (method, path) in
            [(Method::Post, "refresh"), (Method::Post, "logout"), (Method::Get, "me")]
        {
            let path = format!("/t/acme/auth/{path}");
            check(&app.send(method, &path, &[("Authorization", header)], "").await, header);
        }
        check(
            &app.send(Method::Get, "/t/acme/oauth2/userinfo", &[("Authorization", header)], "")
                .await,
            header,
        );
    }
}
