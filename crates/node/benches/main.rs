//! What a node adds to a message on its way into the broker.

mod integration;
mod spelling;

use bellwether_meter::Meter;

fn main() {
    Meter::run(&[integration::measure, spelling::measure]);
}
