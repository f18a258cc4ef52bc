//! `portcullis init`, and the programs that it writes.

use std::path::Path;

use portcullis::{
    domain::ApplicationType,
    views::snippets::{Snippet, Values},
};
use serde_json::{Value, json};

use crate::support::{Server, new_database};

fn values(redirect_uri: &str) -> Values {
    Values {
        issuer: "https://id.example/t/acme".into(),
        client_id: "app".into(),
        redirect_uri: redirect_uri.into(),
        post_logout_redirect_uri: "http://127.0.0.1:9000/".into(),
        scope: "openid profile".into(),
        guard: "/portcullis/guard".into(),
    }
}

#[test]
fn every_kind_of_application_has_programs_with_its_values_in_them() {
    let mut count = 0;
    for kind in ApplicationType::ALL {
        let snippets = Snippet::of(*kind).unwrap();
        assert!(!snippets.is_empty(), "{}", kind.as_str());
        for snippet in snippets {
            let named = format!("{} for {}", snippet.name, kind.as_str());
            let program = snippet.written(&values("http://127.0.0.1:9000/callback")).unwrap();
            let whole = format!("{}{}{}", program.text, program.install, program.run);
            assert!(!whole.contains("{{") || snippet.language == "rust", "{named}: {whole}");
            assert!(program.text.contains("https://id.example/t/acme"), "{named}");
            assert!(program.text.lines().count() <= 90, "{named} is long");
            // The secret is read when it runs.
            assert!(!program.text.contains("pcs_"), "{named}");
            count += 1;
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/snippets");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let templates =
        files.filter(|path| path.is_dir()).map(|path| std::fs::read_dir(path).unwrap().count());
    assert_eq!(count, templates.sum::<usize>(), "each template is of one kind, and each is listed");
}

#[test]
fn a_value_that_would_end_its_quotes_is_written_into_no_program() {
    let snippet = &Snippet::of(ApplicationType::Web).unwrap()[0];
    for address in [
        "https://app.example/'+process.exit()+'",
        "https://app.example/${x}",
        "https://a.example/\"",
        "a\nb",
    ] {
        assert!(snippet.written(&values(address)).is_err(), "{address}");
    }
}

#[rocket::async_test]
async fn init_makes_what_an_application_needs_and_twice_makes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::unstarted(folder.path(), &new_database(folder.path()).await);
    let run = |arguments: &[&str]| {
        let arguments = [&["init", "--tenant", "acme", "--username", "ada"], arguments].concat();
        server.command(&arguments, "")
    };
    let (code, program, said) = run(&["--framework", "express", "--env-file", "app/.env"]);
    assert_eq!(code, 0, "{said}");
    assert!(program.starts_with("// Sign-in") && program.contains("'app'"), "{program}");
    for next in
        ["made tenant acme", "portcullis serve", "npm install", "node --env-file", "told this once"]
    {
        assert!(said.contains(next), "{next}: {said}");
    }
    let written = std::fs::read_to_string(folder.path().join("app/.env")).unwrap();
    for name in
        ["ISSUER=", "CLIENT_ID=app", "CLIENT_SECRET=pcs_", "REDIRECT_URI=", "SESSION_SECRET="]
    {
        assert!(written.contains(name), "{name}: {written}");
    }
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(folder.path().join("app/.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A file that is there is nobody's to write over, and then nothing is made.
    let (code, _, said) = run(&["--client-id", "other", "--env-file", "app/.env"]);
    assert!(code == 1 && said.contains("is there already"), "{said}");
    let (_, clients, _) =
        server.command(&["client", "list", "--tenant", "acme", "--format", "json"], "");
    assert!(!clients.contains("other"), "{clients}");

    let api = ["--type", "resource_server", "--framework", "fastapi", "--env-file", "api.env"];
    let (code, told, said) = run(&[&api[..], &["--format", "json"]].concat());
    assert_eq!(code, 0, "{said}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["client_id"], &told["password"]), (&json!("api"), &Value::Null));
    assert!(
        std::fs::read_to_string(folder.path().join("api.env")).unwrap().contains("AUDIENCE=http")
    );

    for (arguments, why) in [
        (&["--framework", "cobol", "--env-file", "x"][..], "there is express, nest"),
        (
            &[
                "--framework",
                "oauth2-proxy",
                "--redirect-uri",
                "http://127.0.0.1:1/cb",
                "--env-file",
                "x",
            ],
            "/oauth2/callback alone",
        ),
        (&["--type", "toaster", "--env-file", "x"], "possible values"),
        (&["--client-id", "app", "--env-file", "x"], "this client_id is taken"),
        (&["--client-id", "b", "--redirect-uri", "nonsense", "--env-file", "x"], "redirect_uris"),
    ] {
        let (code, _, said) = run(arguments);
        assert!(code != 0 && said.contains(why), "{arguments:?}: {said}");
        assert!(!folder.path().join("x").exists());
    }
}
