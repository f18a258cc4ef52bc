//! `portcullis apply` and `portcullis export`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Done, Failure, Shell, output::say};
use crate::{
    admin::{self, File},
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
}

#[derive(Clone, Copy, ValueEnum)]
enum Syntax {
    Yaml,
    Json,
}

#[derive(clap::Args)]
pub(super) struct ExportArguments {
    /// This tenant alone
    #[arg(long)]
    tenant: Option<String>,
    /// Password hashes too
    #[arg(long)]
    with_hashes: bool,
    /// How it is written
    #[arg(long, default_value = "yaml")]
    format: Syntax,
}

pub(super) async fn run(arguments: Arguments, config: Config) -> Done {
    let shown = arguments.file.display().to_string();
    let read = match shown.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    let text = read.map_err(|why| Failure(format!("{shown}: {why}")))?;
    let file = File::parse(&text).map_err(|why| Failure(format!("{shown}: {}", why.message)))?;
    let shell = Shell::open_migrated(config).await?;
    let changes = admin::apply(&shell.admin(), &shell.authority, file, arguments.dry_run).await?;
    let count = |what| changes.iter().filter(|change| change.what == what).count();
    for change in &changes {
        say(&format!("{:<9} {}", change.what, change.target))?;
        if let Some(secret) = &change.secret {
            say(&format!("          client_secret (told this once): {secret}"))?;
        }
    }
    let would = if arguments.dry_run { " (dry run: nothing was done)" } else { "" };
    let (created, changed, left) = (count("created"), count("changed"), count("unchanged"));
    say(&format!("{created} created, {changed} changed, {left} unchanged{would}"))?;
    shell.app.audit.flush().await;
    Ok(())
}

pub(super) async fn export(arguments: ExportArguments, config: Config) -> Done {
    let shell = Shell::open(config).await?;
    let slug = arguments.tenant.as_deref();
    let file = admin::export(&shell.admin(), &shell.authority, slug, arguments.with_hashes).await;
    let file = super::named(file, &format!("tenant {}", slug.unwrap_or_default()))?;
    match arguments.format {
        Syntax::Json => super::output::one(&file),
        Syntax::Yaml => say(serde_norway::to_string(&file)?.trim_end()),
    }
}
