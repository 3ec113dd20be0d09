//! Lists that nodes answer with, as aligned columns.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::output::{Colour, Paint, printable};

/// One row as the node gave it.
pub(crate) type Row = Map<String, Value>;

/// One column: its title, and the key of its cells in each row.
pub(crate) struct Column {
    title: &'static str,
    key: &'static str,
}

impl Column {
    pub(crate) const fn new(title: &'static str, key: &'static str) -> Self {
        Self { title, key }
    }
}

/// A title line and one line per row. Numbers are aligned to the right, everything else to the left; an unknown or
/// absent value is `-`.
pub(crate) fn render(columns: &[Column], rows: &[Row], paint: Paint) -> String {
    let columns: Vec<_> = columns.iter().map(|column| RenderedColumn::new(column, rows)).collect();
    let mut text = paint
        .paint(Colour::Bold, line_of(&columns, |column| column.title.into()))
        .into_owned();
    text.push('\n');
    for row in 0..rows.len() {
        text.push_str(&line_of(&columns, |column| column.cells[row].as_str().into()));
        text.push('\n');
    }
    text
}

struct RenderedColumn {
    title: &'static str,
    cells: Vec<String>,
    width: usize,
    is_number: bool,
}

impl RenderedColumn {
    fn new(column: &Column, rows: &[Row]) -> Self {
        let cells: Vec<String> = rows
            .iter()
            .map(|row| cell(row.get(column.key).unwrap_or(&Value::Null)))
            .collect();
        let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        Self {
            title: column.title,
            width: width.max(column.title.len()),
            is_number: rows.iter().any(|row| row.get(column.key).is_some_and(Value::is_number)),
            cells,
        }
    }
}

fn line_of<'a>(columns: &'a [RenderedColumn], text_of: impl Fn(&'a RenderedColumn) -> Cow<'a, str>) -> String {
    let cells = columns.iter().map(|column| {
        let (text, width) = (text_of(column), column.width);
        if column.is_number {
            format!("{text:>width$}")
        } else {
            format!("{text:<width$}")
        }
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => printable(text).into_owned(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(counts) => {
            let counted = counts.iter().filter(|(_, count)| count.as_u64() != Some(0));
            let counts: Vec<_> = counted
                .map(|(name, count)| format!("{}={}", printable(name), cell(count)))
                .collect();
            if counts.is_empty() {
                "-".to_owned()
            } else {
                counts.join(", ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_absent_values_shown() {
        let rows: Vec<Row> = serde_json::from_str(
            r#"[{"node":"a","epoch":1763722345123,"in":true,"dropped":{"slow":2,"full":0}},
                {"node":"node-b","epoch":7,"in":false,"patterns":["a:*","b"]},
                {"node":"c","epoch":8,"in":true,"patterns":[]}]"#,
        )
        .unwrap();
        let columns = [
            Column::new("NODE", "node"),
            Column::new("EPOCH", "epoch"),
            Column::new("IN", "in"),
            Column::new("DROPPED", "dropped"),
            Column::new("PATTERNS", "patterns"),
        ];
        assert_eq!(
            render(&columns, &rows, Paint::NONE),
            "NODE            EPOCH  IN   DROPPED  PATTERNS\n\
             a       1763722345123  yes  slow=2   -\n\
             node-b              7  no   -        a:*, b\n\
             c                   8  yes  -        -\n"
        );
    }
}
