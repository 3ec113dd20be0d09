//! What a message costs between the broker and a stream, on its way out and on its way in.

mod feed_reader;
mod frame;
mod outgoing_feed;
mod stream;

use bellwether_meter::Meter;

fn main() {
    Meter::run(&[outgoing_feed::measure, frame::measure, feed_reader::measure]);
}
