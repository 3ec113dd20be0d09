//! What a message costs inside one node: to be matched, kept, delivered and read.

mod backlog;
mod group;
mod matcher;
mod route;
mod subscription;

use bellwether_meter::Meter;

fn main() {
    Meter::run(&[
        matcher::measure,
        route::measure,
        backlog::measure,
        group::measure,
        subscription::measure,
    ]);
}
