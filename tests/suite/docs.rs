//! Documents that are printed from the code are what the code says.

use portcullis::{
    admin::{Action, Whom, allowed},
    domain::Role,
};

const ROLES: [Role; 4] = [Role::Operator, Role::TenantAdmin, Role::Support, Role::TenantAuditor];

fn cell(whom: Whom, action: Action) -> &'static str {
    let is_of_people =
        matches!(action, Action::EndSessions | Action::ResetPasswords | Action::ChangeUsers);
    match (whom, is_of_people) {
        (Whom::Nobody, _) => "no",
        (Whom::People, _) => "people without a role",
        (Whom::Staff, true) => "all but operators",
        (Whom::Staff, false) => "yes, but what operators rest on",
        (Whom::Operators, true) => "everybody",
        (Whom::Operators, false) => "yes",
    }
}

fn roles() -> String {
    let names: Vec<&str> = ROLES.iter().map(|role| role.as_str()).collect();
    let mut text = format!(
        "| may | {} |\n| --- | {}\n",
        names.join(" | "),
        "--- | ".repeat(names.len()).trim_end()
    );
    for action in Action::ALL {
        let cells: Vec<&str> =
            ROLES.iter().map(|role| cell(allowed(*role, action), action)).collect();
        text.push_str(&format!("| {} | {} |\n", action.as_text(), cells.join(" | ")));
    }
    text
}

#[test]
fn the_table_of_roles_in_the_docs_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/roles.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("<!-- printed from src/admin/roles.rs -->\n").unwrap();
    let (printed, after) = rest.split_once("<!-- end -->").unwrap();
    if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
        let whole = format!(
            "{before}<!-- printed from src/admin/roles.rs -->\n{}<!-- end -->{after}",
            roles()
        );
        std::fs::write(&path, whole).unwrap();
        return;
    }
    assert_eq!(printed, roles(), "run `make docs`");
}

/// The programs that a page quotes, each block of Rust from the one that was named last.
#[test]
fn the_page_on_guarding_quotes_programs_that_are_built() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/guard.md")).unwrap();
    let mut parts = page.split("```rust\n");
    let (mut before, mut program, mut quoted) = (parts.next().unwrap(), String::new(), 0);
    for part in parts {
        if let Some((_, named)) = before.rsplit_once("<!-- ") {
            let named = named.split(" -->").next().unwrap();
            program = std::fs::read_to_string(root.join(named)).unwrap();
        }
        let (block, after) = part.split_once("```").unwrap();
        assert!(program.contains(block), "no program has this: {block}");
        (before, quoted) = (after, quoted + 1);
    }
    assert_eq!(quoted, 3);
}
