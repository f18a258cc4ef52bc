//! How the log is written: what happens, to standard error, one line each.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{Writer, debug_fn},
    },
    registry::LookupSpan,
};

use crate::{
    config::{Config, LogFormat},
    request_span::RequestSpan,
};

/// Starts it.
pub(super) fn start(config: &Config) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(config))
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second start in one process, as tests do it, keeps the first log.
    let _ = match config.log_format {
        LogFormat::Text => {
            let fields = debug_fn(|writer: &mut Writer<'_>, field, value| match field.name() {
                "message" => write!(OneLine(writer), "{value:?}"),
                // What `log` says of itself, beside its message.
                name if name.starts_with("log.") => Ok(()),
                name => write!(OneLine(writer), "{name}={value:?}"),
            });
            let in_words = |request: &RequestSpan| request.told().to_string();
            let builder = builder.fmt_fields(fields.delimited(" "));
            builder.map_event_format(|format| OfRequests { format, in_words }).try_init()
        }
        LogFormat::Json => {
            let in_words = |request: &RequestSpan| {
                serde_json::to_string(&request.told()).unwrap_or_else(|_| "{}".into())
            };
            builder.json().map_event_format(|format| OfRequests { format, in_words }).try_init()
        }
    };
}

fn filter(config: &Config) -> EnvFilter {
    // Rocket tells of each request in several lines, and of one that met no route as an error;
    // the audit trail tells what matters, and nobody can fill the log by asking for nothing.
    let access = if config.access_log { "info" } else { "off" };
    EnvFilter::new(format!("{},rocket=error,rocket::server=off,_=off,access={access}", config.log))
}

/// A format of lines in which those of a request bear it.
struct OfRequests<F> {
    format: F,
    /// A request as `format` has the fields of a span.
    in_words: fn(&RequestSpan) -> String,
}

impl<S, N, F> FormatEvent<S, N> for OfRequests<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        for span in context.event_scope().into_iter().flatten() {
            let request = span.extensions().get::<Arc<RequestSpan>>().cloned();
            if let Some(request) = request {
                let fields = FormattedFields::<N>::new((self.in_words)(&request));
                span.extensions_mut().replace(fields);
            }
        }
        self.format.format_event(context, writer, event)
    }
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
