//! `portcullis apply` and `portcullis export`.

use std::{collections::BTreeSet, io::IsTerminal as _, path::PathBuf};

use super::{
    Done, Failure, Shell,
    confirm::{Yes, answer_to},
    output::Out,
};
use crate::{
    admin::{self, Change, FieldChange, File, Manner, Prune, What},
    config::Config,
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file, YAML or JSON; - reads standard input
    #[arg(short, long)]
    file: PathBuf,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Remove the clients and users that the file no longer names, where it has a list of them
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    yes: Yes,
}

#[derive(clap::Args)]
pub(super) struct ExportArguments {
    /// This tenant alone
    #[arg(long)]
    tenant: Option<String>,
    /// Password hashes too
    #[arg(long)]
    with_hashes: bool,
}

pub(super) async fn run(arguments: Arguments, config: Config, out: Out) -> Done {
    let shown = arguments.file.display().to_string();
    let read = match shown.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    let text = read.map_err(|why| Failure(format!("{shown}: {why}")))?;
    let mut file = File::parse(&text).map_err(|why| Failure::from(format!("{shown}: {why}")))?;
    let shell = Shell::open_migrated(config).await?;
    let prune = match (arguments.prune, arguments.dry_run) {
        (false, _) => Prune::Nothing,
        (true, true) => Prune::Everything,
        (true, false) => agreed(&shell, &mut file, &arguments.yes).await?,
    };
    let manner = Manner { dry_run: arguments.dry_run, prune };
    let changes = admin::apply(&shell.admin(), &shell.authority, &mut file, &manner).await?;
    out.told(&describe_changes(&changes, arguments.dry_run), &changes)?;
    shell.app.audit.flush().await;
    Ok(())
}

/// What is to be removed, once somebody has seen it and agreed.
async fn agreed(shell: &Shell, file: &mut File, yes: &Yes) -> Result<Prune, Failure> {
    let manner = Manner { dry_run: true, prune: Prune::Everything };
    let changes = admin::apply(&shell.admin(), &shell.authority, file, &manner).await?;
    let removed = changes.into_iter().filter(|change| change.what == What::Removed);
    let removed: BTreeSet<String> = removed.map(|change| change.target).collect();
    if yes.is_given() || removed.is_empty() || confirmed(&removed)? {
        return Ok(Prune::These(removed));
    }
    Err(Failure("nothing was done".into()))
}

/// Names in a line that must not grow without end.
const MOST_NAMED: usize = 10;

fn confirmed(removed: &BTreeSet<String>) -> Result<bool, Failure> {
    for target in removed.iter().filter(|_| std::io::stdin().is_terminal()) {
        eprintln!("{:<9} {target}", What::Removed.as_str());
    }
    let question = "This is removed, with every session and token it has. Type yes to go on: ";
    if let Some(answer) = answer_to(question)? {
        return Ok(answer == "yes");
    }
    let named: Vec<&str> = removed.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = match removed.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    Err(Failure(format!(
        "--prune would remove {named}{more}: nothing was done; --yes answers for a script"
    )))
}

/// What became of everything in a file, for people.
pub fn describe_changes(changes: &[Change], dry_run: bool) -> String {
    let mut lines = Vec::new();
    for change in changes {
        lines.push(format!("{:<9} {}", change.what.as_str(), change.target));
        lines.extend(change.fields.iter().map(|field| format!("          {}", line_of(field))));
        let secret = change.secret.iter();
        lines.extend(
            secret.map(|secret| format!("          client_secret (told this once): {secret}")),
        );
    }
    let count = |what| changes.iter().filter(|change| change.what == what).count();
    let (created, changed, left) =
        (count(What::Created), count(What::Changed), count(What::Unchanged));
    let removed = match count(What::Removed) {
        0 => String::new(),
        removed => format!(", {removed} removed"),
    };
    let would = if dry_run { " (dry run: nothing was done)" } else { "" };
    lines.push(format!("{created} created, {changed} changed, {left} unchanged{removed}{would}"));
    lines.join("\n")
}

/// A member as JSON before and after, in which no control character stands bare.
fn line_of(change: &FieldChange) -> String {
    let FieldChange { field, old, new } = change;
    if change.is_secret() { format!("{field}: (new)") } else { format!("{field}: {old} -> {new}") }
}

pub(super) async fn export(arguments: ExportArguments, config: Config, out: Out) -> Done {
    let shell = Shell::open(config).await?;
    let slug = arguments.tenant.as_deref();
    let file = admin::export(&shell.admin(), &shell.authority, slug, arguments.with_hashes).await;
    let file = super::named(file, &format!("tenant {}", slug.unwrap_or_default()))?;
    out.file(&file)
}
