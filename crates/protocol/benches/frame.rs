//! Frames: a stream is split.

use std::hint::black_box;

use bellwether_meter::{Meter, sample};
use bellwether_protocol::frame::FrameParser;

use crate::stream::{Arrival, Stream};

pub(crate) fn measure(meter: &mut Meter) {
    for (name, bytes) in sample::PAYLOADS {
        for arrival in Arrival::ALL {
            meter.step("split", &format!("{name} {}", arrival.name()), || {
                let stream = Stream::new(bytes, arrival);
                let mut parser = FrameParser::default();
                move |watch| {
                    watch.time(|| {
                        for chunk in &stream.chunks {
                            parser.push(chunk.clone());
                            while let Some(frame) = parser.next_frame().expect("frames") {
                                black_box(frame);
                            }
                        }
                        stream.messages
                    });
                }
            });
        }
    }
}
