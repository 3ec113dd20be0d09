use std::future::poll_fn;

use bellwether::SocketFactory;
use quinn::AsyncUdpSocket;
use quinn::udp::{RecvMeta, Transmit};

use super::*;

const CALM: Path = Path {
    delay_ms: 5,
    jitter_ms: 10,
    mtu: 1500,
};

fn send(socket: &dyn AsyncUdpSocket, to: SocketAddr, contents: &[u8]) {
    let transmit = Transmit {
        destination: to,
        ecn: None,
        contents,
        segment_size: None,
        src_ip: None,
    };
    socket.try_send(&transmit).unwrap();
}

async fn receive(socket: &dyn AsyncUdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2000];
    let mut meta = [RecvMeta::default()];
    let received = poll_fn(|context| {
        let mut buffers = [io::IoSliceMut::new(&mut buffer)];
        socket.poll_recv(context, &mut buffers, &mut meta)
    });
    received.await.unwrap();
    buffer[..meta[0].len].to_vec()
}

async fn nothing(socket: &dyn AsyncUdpSocket) -> bool {
    tokio::time::timeout(Duration::from_secs(1), receive(socket))
        .await
        .is_err()
}

#[tokio::test(start_paused = true)]
async fn datagrams_take_their_time_and_cuts_are_one_way() {
    clock::begin();
    let net = SimNet::new(1, CALM, true);
    tokio::spawn(net.clone().run());
    let (one, two) = (HostSockets::new(&net), HostSockets::new(&net));
    let (a, b) = (one.socket(address_of(1)).unwrap(), two.socket(address_of(2)).unwrap());
    let sent_at = Instant::now();
    send(&*a, address_of(2), b"there");
    assert_eq!(receive(&*b).await, b"there");
    let took = sent_at.elapsed().as_millis();
    assert!((5..=16).contains(&took), "{took} ms");
    let cut = net.impose(vec![Condition {
        from: Hosts::of([1]),
        to: Hosts::ALL,
        what: What::Cut,
    }]);
    send(&*a, address_of(2), b"lost");
    send(&*b, address_of(1), b"back");
    assert_eq!(receive(&*a).await, b"back");
    assert!(nothing(&*b).await);
    net.lift(cut);
    send(&*a, address_of(2), &[0; 1501]);
    send(&*a, address_of(2), b"again");
    assert_eq!(receive(&*b).await, b"again", "the larger one does not fit");
    assert_eq!(net.packets().totals().lost, 2);
}

#[tokio::test(start_paused = true)]
async fn a_killed_host_is_silent_and_its_ports_are_free() {
    clock::begin();
    let net = SimNet::new(1, CALM, false);
    tokio::spawn(net.clone().run());
    let (first, other) = (HostSockets::new(&net), HostSockets::new(&net));
    let (old, peer) = (
        first.socket(address_of(1)).unwrap(),
        other.socket(address_of(2)).unwrap(),
    );
    let in_use = HostSockets::new(&net).socket(address_of(1)).unwrap_err();
    assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
    first.kill();
    let second = HostSockets::new(&net);
    let new = second.socket(address_of(1)).unwrap();
    send(&*old, address_of(2), b"from the dead");
    send(&*peer, address_of(1), b"hello");
    assert!(nothing(&*peer).await);
    assert_eq!(receive(&*new).await, b"hello");
    drop(old);
    assert!(net.inner.state.lock().unwrap().bound.contains_key(&address_of(1)));
}
