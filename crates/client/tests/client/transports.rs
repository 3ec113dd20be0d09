//! Unix sockets.

#[cfg(unix)]
#[tokio::test]
async fn a_node_is_reached_by_a_unix_socket() {
    use bellwether_client::{Client, Instance, NodeAddress};
    use tokio::io::copy_bidirectional;
    use tokio::net::{TcpStream, UnixListener};

    use crate::served::{Lab, draft, next_message, pattern};

    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let upstream = a.addr;
    tokio::spawn(async move {
        while let Ok((mut down, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut up = TcpStream::connect(upstream).await.unwrap();
                let _ = copy_bidirectional(&mut down, &mut up).await;
            });
        }
    });
    let client = Client::options()
        .token("sent, since nobody else can read it")
        .client(NodeAddress::unix(&path));
    assert!(client.is_ok());
    let client = Client::connect(format!("unix:{}", path.display())).await.unwrap();
    let wanted = [(Instance::Events, pattern("t"))];
    let mut subscription = client.subscribe(wanted).open().await.unwrap();
    let id = client.publish(Instance::Events, &draft("t", "x")).await.unwrap();
    assert_eq!(next_message(&mut subscription).await.id, id);

    let err = Client::connect("unix:/nowhere/node.sock").await.unwrap_err();
    assert!(
        err.to_string()
            .contains("cannot reach a node at unix:/nowhere/node.sock"),
        "{err}"
    );
}
