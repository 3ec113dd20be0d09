//! The same tables without a screen: once, as lines. Pure.

use super::view::{Health, Row, View};
use crate::output::{Colour, Paint};

/// The titles and a line for each row.
pub(super) fn render(view: View, rows: &[Row], paint: Paint) -> String {
    let titles = view.titles();
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.cells.get(column));
            let widest = cells.map(|cell| cell.shown().chars().count()).max().unwrap_or(0);
            widest.max(title.len())
        })
        .collect();
    let is_number = |column: usize| {
        rows.iter()
            .any(|row| row.cells.get(column).is_some_and(|cell| cell.is_number()))
    };
    let line = |texts: Vec<String>| {
        let cells = texts
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (text, width))| match is_number(column) {
                true => format!("{text:>width$}"),
                false => format!("{text:<width$}"),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = line(titles.iter().map(|title| (*title).to_owned()).collect());
    let mut text = format!("{}\n", paint.paint(Colour::Bold, head));
    for row in rows {
        let cells = line(row.cells.iter().map(|cell| cell.shown().into_owned()).collect());
        text += &match row.health {
            Health::Fine => cells.into(),
            Health::Poor => paint.paint(Colour::Yellow, cells),
            Health::Bad => paint.paint(Colour::Red, cells),
        };
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::mesh::Mesh;
    use super::super::mesh::tests::snapshot;
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let now = Instant::now();
        let mut mesh = Mesh::default();
        mesh.take(snapshot("node-a", 1, 1_000, 100), now);
        let rows = View::Subscribers.rows(&mesh, false, now);
        assert_eq!(
            render(View::Subscribers, &rows, Paint::NONE),
            "NODE    INSTANCE  PATTERNS         WAITING  OF  FULL  ALL QUEUED  SUBSCRIPTIONS  DROPPED/s\n\
             node-a  alerts    system_alerts:*        9  10  90 %          12              2          -\n"
        );
    }
}
