//! The frames of the gateway's WebSocket: whatever they say, each is carried out, refused, or ends the conversation.
#![no_main]

use bellwether_gateway::check_socket_frames;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check_socket_frames(bytes));
