//! Questions: before what destroys, and for what must not stand in a command.

use std::io::{IsTerminal as _, Write as _};

use super::{Done, Failure};

/// Answers the question for a script.
#[derive(clap::Args)]
pub(super) struct Yes {
    /// Answer yes to the question
    #[arg(long)]
    yes: bool,
}

impl Yes {
    /// Goes on where somebody at the terminal says so, or `--yes` did before.
    ///
    /// # Errors
    /// Nothing was done.
    pub(super) fn or_ask(&self, question: &str) -> Done {
        if self.is_given() {
            return Ok(());
        }
        let answer = answer_to(&format!("{question} Go on? [y/N] "))?;
        if matches!(answer.as_deref(), Some("y" | "Y" | "yes")) {
            return Ok(());
        }
        Err(Failure(format!("{question} Nothing was done; --yes answers for a script")))
    }

    /// Whether it was answered before.
    pub(super) fn is_given(&self) -> bool {
        self.yes
    }
}

/// What somebody at the terminal types; `None` where there is nobody.
pub(super) fn answer_to(question: &str) -> Result<Option<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Some(line.trim().to_owned()))
}

/// A password: on the command line it would stand in the process list and the shell's history. At a terminal
/// it is asked for and not shown; elsewhere it is the first line of standard input.
pub(super) fn read_password(what: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password(format!("{what}: "))?;
    if first != rpassword::prompt_password("once more: ")? {
        return Err(Failure("the two differ: nothing was done".into()));
    }
    Ok(first)
}
