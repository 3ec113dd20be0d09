//! What a message costs to encode, sign, verify and decode.

mod head;
mod opener;
mod sealer;

use bellwether_meter::Meter;

fn main() {
    Meter::run(&[head::measure, sealer::measure, opener::measure]);
}
