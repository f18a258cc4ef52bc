//! Tables and JSON.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::{Done, Failure};

/// How a listing is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// Columns, for people.
    Table,
    /// A JSON array, for programs.
    Json,
}

/// How a listing shall be written.
#[derive(clap::Args)]
pub(super) struct ListFormat {
    /// How it is written
    #[arg(long, default_value = "table")]
    pub(super) format: Format,
}

/// What stands in a listing.
pub trait TableRow: Serialize {
    /// The fields that a table shows of it, in this order.
    const COLUMNS: &'static [&'static str];
}

/// Writes a listing.
pub(super) fn list<T: TableRow>(items: &[T], format: Format) -> Done {
    say(&format_list(items, format)?)
}

/// A listing: as JSON whole, as a table the columns.
///
/// # Errors
/// An item that is no JSON.
pub fn format_list<T: TableRow>(items: &[T], format: Format) -> Result<String, serde_json::Error> {
    match format {
        Format::Json => serde_json::to_string_pretty(items),
        Format::Table => {
            let rows: Vec<Value> =
                items.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            Ok(table(&rows, T::COLUMNS))
        }
    }
}

fn table(rows: &[Value], columns: &[&str]) -> String {
    let heads = columns.iter().map(|name| name.to_uppercase()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect());
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(cells).collect();
    let length = |cell: &String| cell.chars().count();
    let width = |at| lines.iter().filter_map(|line| line.get(at)).map(length).max();
    let widths: Vec<usize> = (0..columns.len()).filter_map(width).collect();
    let padded = |line: &Vec<String>| {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
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
        Some(other) => other.to_string(),
    }
}

/// Writes one thing as JSON.
pub(super) fn one<T: Serialize>(item: &T) -> Done {
    say(&serde_json::to_string_pretty(item)?)
}

/// Writes a line; whoever closed the pipe has read enough.
pub(super) fn say(line: &str) -> Done {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{line}") {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::from(why)),
        _ => Ok(()),
    }
}
