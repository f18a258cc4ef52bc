//! How the log is written: what happens, to standard error, one line each.

use std::fmt::{self, Write as _};

use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::format::{Writer, debug_fn},
};

use crate::config::{Config, LogFormat};

/// Starts it.
pub(super) fn start(config: &Config) {
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter(config)).with_writer(std::io::stderr);
    // A second start in one process, as tests do it, keeps the first log.
    let _ = match config.log_format {
        LogFormat::Text => {
            let fields = debug_fn(|writer: &mut Writer<'_>, field, value| match field.name() {
                "message" => write!(OneLine(writer), "{value:?}"),
                // What `log` says of itself, beside its message.
                name if name.starts_with("log.") => Ok(()),
                name => write!(OneLine(writer), "{name}={value:?}"),
            });
            builder.with_ansi(false).fmt_fields(fields.delimited(" ")).try_init()
        }
        LogFormat::Json => builder.json().try_init(),
    };
}

fn filter(config: &Config) -> EnvFilter {
    // Rocket tells of each request in several lines, and of one that met no route as an error;
    // the audit trail tells what matters, and nobody can fill the log by asking for nothing.
    let access = if config.access_log { "info" } else { "off" };
    EnvFilter::new(format!("{},rocket=error,rocket::server=off,_=off,access={access}", config.log))
}

/// Writes text in which nothing can begin a line: an error's words may be made of what a stranger sent
/// (CWE-117).
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all of it is, and every request has some.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.write_str(text);
        }
        for (at, part) in text.split(|c: char| c.is_control()).enumerate() {
            if at > 0 {
                self.0.write_char(' ')?;
            }
            self.0.write_str(part)?;
        }
        Ok(())
    }
}
