//! What is measured side by side.

use crate::arguments::{Carrier, Reader};

/// One way to bring messages from a process to two others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) carrier: Carrier,
    pub(crate) reader: Reader,
}

/// The floor that the others are compared with.
pub(crate) const RAW: Row = Row {
    name: "raw quinn, 1452",
    carrier: Carrier::Raw,
    reader: Reader::Own,
};

pub(crate) const MESH: Row = Row {
    name: "bellwether",
    carrier: Carrier::Mesh,
    reader: Reader::Own,
};

pub(crate) const NARROW_MESH: Row = Row {
    name: "bellwether, path of 1452",
    carrier: Carrier::NarrowMesh,
    reader: Reader::Own,
};

/// The subscribers read on a runtime of their own.
pub(crate) const FOREIGN: Row = Row {
    name: "bellwether, foreign runtime",
    carrier: Carrier::Mesh,
    reader: Reader::Foreign,
};
