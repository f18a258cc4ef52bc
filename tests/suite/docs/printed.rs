//! Documents that are printed from the code are what the code says.

use portcullis::{
    admin::{Action, Whom, allowed},
    cli, config,
    domain::Role,
};

use super::{read, root};

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

/// The settings, as `docs/configuration.md` lists them.
fn settings() -> String {
    let mut text = "| name | default | what |\n| --- | --- | --- |\n".to_owned();
    for setting in config::SETTINGS {
        let default = setting.default_value().map_or("unset".to_owned(), |value| match &*value {
            "" => "empty".to_owned(),
            value => format!("`{value}`"),
        });
        text.push_str(&format!("| `{}` | {default} | {} |\n", setting.variable(), setting.what));
    }
    text
}

/// Every command that does something, with the help that it prints.
fn commands() -> String {
    fn add(command: &mut clap::Command, text: &mut String) {
        let inner: Vec<_> =
            command.get_subcommands_mut().filter(|inner| inner.get_name() != "help").collect();
        if !inner.is_empty() {
            return inner.into_iter().for_each(|inner| add(inner, text));
        }
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.render_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        text.push_str(&format!("## {name}\n\n```text\n{}\n```\n\n", lines.join("\n").trim_end()));
    }

    let (mut command, mut text) = (cli::arguments(), String::new());
    command.build();
    add(&mut command, &mut text);
    text
}

#[test]
fn what_is_printed_from_the_code_is_what_the_code_says() {
    for (page, from, text) in [
        ("docs/roles.md", "src/admin/roles.rs", roles()),
        ("docs/configuration.md", "src/config/settings.rs", settings()),
        ("docs/cli.md", "src/cli/", commands()),
    ] {
        let document = read(page);
        let mark = format!("<!-- printed from {from} -->\n");
        let (before, rest) = document.split_once(&mark).unwrap();
        let (printed, after) = rest.split_once("<!-- end -->").unwrap();
        if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
            let whole = format!("{before}{mark}{text}<!-- end -->{after}");
            std::fs::write(root().join(page), whole).unwrap();
            continue;
        }
        assert_eq!(printed, text, "{page}: run `make docs`");
    }
}
