//! What commands write: answers to standard output, in the form that was asked for; what they say beside it
//! to standard error.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::{Done, Failure};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for people.
    Table,
    /// For programs.
    Json,
    /// For people and files.
    Yaml,
}

/// How the answers of a command are written.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Out {
    /// How the answer is written: a list as a table if left out; one thing as a table at a terminal, and as JSON elsewhere
    #[arg(long, global = true, value_name = "FORMAT")]
    format: Option<Format>,
    /// Say nothing beside the answer
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Out {
    /// The form of a list.
    pub(super) fn of_list(self) -> Format {
        self.format.unwrap_or(Format::Table)
    }

    /// The form of one thing.
    pub(super) fn of_one(self) -> Format {
        let by_place = if std::io::stdout().is_terminal() { Format::Table } else { Format::Json };
        self.format.unwrap_or(by_place)
    }

    /// Whether the answer is for programs.
    pub(super) fn is_structured(self) -> bool {
        matches!(self.format, Some(Format::Json | Format::Yaml))
    }

    /// Writes a list.
    pub(super) fn list(self, items: &[Value], columns: &[&str]) -> Done {
        say(&format_list(items, columns, self.of_list())?)
    }

    /// Writes one thing.
    pub(super) fn one<T: Serialize>(self, item: &T) -> Done {
        say(&format_one(&serde_json::to_value(item)?, self.of_one())?)
    }

    /// Writes an answer that is a sentence for people, and `item` for programs.
    pub(super) fn told<T: Serialize>(self, sentence: &str, item: &T) -> Done {
        if self.is_structured() { self.one(item) } else { say(sentence) }
    }

    /// Writes what is to be kept as a file: YAML, where nothing else is asked for.
    pub(super) fn file<T: Serialize>(self, file: &T) -> Done {
        match self.format {
            Some(Format::Json) => say(&structured(file, Format::Json)?),
            _ => say(&structured(file, Format::Yaml)?),
        }
    }

    /// Says what was done, beside the answer.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            // Whoever closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

/// A list: as JSON and YAML whole, as a table the columns.
///
/// # Errors
/// An item that cannot be written.
pub fn format_list(
    items: &[Value],
    columns: &[&str],
    format: Format,
) -> Result<String, std::io::Error> {
    match format {
        Format::Table => Ok(table(items, columns)),
        _ => structured(&items, format),
    }
}

/// One thing: as a table, a line a member.
///
/// # Errors
/// One that cannot be written.
pub fn format_one(item: &Value, format: Format) -> Result<String, std::io::Error> {
    match (format, item) {
        (Format::Table, Value::Object(members)) => {
            let lines = members.iter().map(|(name, value)| vec![name.clone(), cell(Some(value))]);
            Ok(aligned(&lines.collect::<Vec<_>>()))
        }
        _ => structured(item, format),
    }
}

fn structured<T: Serialize>(item: &T, format: Format) -> Result<String, std::io::Error> {
    match format {
        Format::Yaml => serde_norway::to_string(item)
            .map(|text| text.trim_end().to_owned())
            .map_err(std::io::Error::other),
        _ => serde_json::to_string_pretty(item).map_err(std::io::Error::from),
    }
}

fn table(rows: &[Value], columns: &[&str]) -> String {
    let heads = columns.iter().map(|name| name.to_uppercase()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect());
    aligned(&std::iter::once(heads).chain(cells).collect::<Vec<Vec<String>>>())
}

/// Lines of cells, each column as wide as its widest cell is on a screen.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width =
        |at| lines.iter().filter_map(|line| line.get(at)).map(|cell: &String| cell.width()).max();
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let padded = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| {
                format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.chars().filter(|c| !c.is_control()).collect(),
        Some(Value::Array(items)) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(",")
        }
        Some(Value::Object(members)) => {
            let pair = |(name, value): (&String, &Value)| format!("{name}={}", cell(Some(value)));
            members.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

/// Writes a line; whoever closed the pipe has read enough.
pub(super) fn say(line: &str) -> Done {
    match writeln!(std::io::stdout(), "{line}") {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::from(why)),
        _ => Ok(()),
    }
}
