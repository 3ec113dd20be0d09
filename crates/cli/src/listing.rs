//! Lists that nodes answer with, and what would be one row of them: shown as they came or as a table.

use bellwether_client::{CallError, Client};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::output::{self, Format, Output, Paint};
use crate::reach::Reach;
use crate::runtime::block_on;
use crate::table::{self, Column, Row};

/// Asks the node and prints its answer.
pub(crate) fn print(node: &Reach, path_and_query: &str, columns: &[Column], format: Format) -> Result<(), Failure> {
    block_on(async {
        let client = node.connect().await?;
        match format {
            // Untouched: programs get the very array that HTTP gives.
            Format::Json => output::print(array(&client, path_and_query).await?.get()),
            Format::Text => {
                let rows: Vec<Row> = client.get(path_and_query).await?;
                print_rows(columns, &rows)
            }
        }
    })
}

/// Prints one of what a list would have, as a table of one row.
pub(crate) fn print_one(answer: &RawValue, columns: &[Column]) -> Result<(), Failure> {
    let row: Row = serde_json::from_str(answer.get())
        .map_err(|_| Failure::new("the node's answer is not the JSON of what was asked for"))?;
    print_rows(columns, &[row])
}

fn print_rows(columns: &[Column], rows: &[Row]) -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.text(&table::render(columns, rows, Paint::for_stdout()))?;
    output.flush()
}

async fn array(client: &Client, path_and_query: &str) -> Result<Box<RawValue>, CallError> {
    client.get(path_and_query).await
}
