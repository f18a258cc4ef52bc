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

/// How many blocks a page quotes of programs, each from the one that was named last before it.
fn quoted(page: &str) -> usize {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join(page);
    let folder = folder.parent().unwrap();
    let (mut program, mut block, mut count) = (None, None::<String>, 0);
    for line in std::fs::read_to_string(root.join(page)).unwrap().lines() {
        let named = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        match (&mut block, named) {
            (None, Some(named)) => {
                let found =
                    [root.join(named), folder.join(named)].into_iter().find(|it| it.exists());
                let found = found.unwrap_or_else(|| panic!("{page} names {named}"));
                program = Some(std::fs::read_to_string(found).unwrap());
            }
            (None, None) if ["```rust", "```ts", "```js", "```python", "```go"].contains(&line) => {
                block = Some(String::new());
            }
            (Some(quote), _) if line == "```" => {
                if let Some(program) = &program {
                    assert!(
                        program.contains(quote.as_str()),
                        "{page}: no program has this: {quote}"
                    );
                    count += 1;
                }
                block = None;
            }
            (Some(quote), _) => *quote += &format!("{line}\n"),
            _ => {}
        }
    }
    count
}

#[test]
fn pages_quote_programs_that_are_built_and_asked() {
    for (page, blocks) in
        [("docs/guard.md", 13), ("guard/node/README.md", 4), ("guard/go/README.md", 1)]
    {
        assert_eq!(quoted(page), blocks, "{page}");
    }
}
