//! Tables and JSON.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::{Done, Failure};

/// How a listing is written.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// Columns, for people.
    Table,
    /// A JSON array, for programs.
    Json,
}

/// Writes a list: as JSON whole, as a table the given fields.
pub(super) fn list<T: Serialize>(items: &[T], columns: &[&str], format: Format) -> Done {
    match format {
        Format::Json => one(&items),
        Format::Table => {
            let rows: Vec<Value> = items.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            let cells: Vec<Vec<String>> =
                rows.iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect()).collect();
            let widths: Vec<usize> = columns
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    let cells = cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
                    cells.chain([name.len()]).max().unwrap_or_default()
                })
                .collect();
            let heads: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
            for row in std::iter::once(&heads).chain(&cells) {
                let line: Vec<String> =
                    row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
                say(line.join("  ").trim_end())?;
            }
            Ok(())
        }
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.chars().filter(|c| !c.is_control()).collect(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(","),
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
