//! What the commands say of themselves: completions, the manual, the version.

use std::{io, path::PathBuf};

use serde_json::json;

use super::{Done, Failure, arguments, output::Out};

#[derive(clap::Args)]
pub(super) struct CompletionArguments {
    /// The shell
    shell: clap_complete::Shell,
}

#[derive(clap::Args)]
pub(super) struct ManArguments {
    /// The folder to write to
    folder: PathBuf,
}

/// Prints what a shell completes commands with.
pub(super) fn completion(arguments_of: &CompletionArguments) -> Done {
    let mut text = Vec::new();
    clap_complete::generate(arguments_of.shell, &mut arguments(), "portcullis", &mut text);
    match io::Write::write_all(&mut io::stdout(), &text) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(Failure::from(why)),
        _ => Ok(()),
    }
}

/// Writes a page of the manual for each command.
pub(super) fn man(arguments_of: &ManArguments) -> Done {
    let folder = &arguments_of.folder;
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(arguments(), folder));
    written.map_err(|why| Failure::from(format!("{}: {why}", folder.display())))
}

/// The commit that this program was built of, where the build named it.
const COMMIT: Option<&str> = option_env!("PORTCULLIS_BUILD_COMMIT");

/// The version, with the commit where that is known.
pub(super) fn version_text() -> String {
    match COMMIT {
        Some(commit) => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Prints the version.
pub(super) fn version(out: Out) -> Done {
    let told = json!({ "version": env!("CARGO_PKG_VERSION"), "commit": COMMIT });
    out.told(&format!("portcullis {}", version_text()), &told)
}
