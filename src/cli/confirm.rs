//! The question before what destroys.

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
        if self.yes || is_confirmed(question)? {
            return Ok(());
        }
        Err(Failure(format!("{question} Nothing was done; --yes answers for a script")))
    }
}

fn is_confirmed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("{question} Go on? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
