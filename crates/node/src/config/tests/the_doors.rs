use super::*;

const ACCESS: &str = "\n[access]\n";
const TLS: &str = "tls_certificate = \"a.pem\"\ntls_key = \"a.key\"\n";

#[test]
fn are_for_this_host_only_unless_they_are_locked_or_waived() {
    for key in ["http", "nats"] {
        for address in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[::ffff:10.0.0.1]:1"] {
            let door = format!("{key} = \"{address}\"\n");
            let words = refusal(resolve(&door));
            assert!(words.starts_with(&format!("bellwether.toml:1: `{key}`: ")), "{words}");
            assert!(
                words.contains("read along") && words.contains("tls_certificate"),
                "{words}"
            );
            let words = refusal(resolve(&format!("{door}{TLS}")));
            assert!(words.contains("do everything") && words.contains("[access]"), "{words}");
            refusal(resolve(&format!("{door}{ACCESS}")));
            resolve(&format!("{door}{TLS}{ACCESS}")).unwrap();
            resolve(&format!("{door}insecure_doors = true")).unwrap();
        }
        for address in ["127.0.0.1:1", "127.9.9.9:0", "[::1]:1", "[::ffff:127.0.0.1]:1", "off"] {
            resolve(&format!("{key} = \"{address}\"")).unwrap();
        }
    }
}

#[test]
fn are_taken_from_the_environment_and_from_flags() {
    let variables = [
        ("BELLWETHER_NATS", "127.0.0.1:4222"),
        ("BELLWETHER_NATS_ADVERTISE", "a.example:4222"),
        ("BELLWETHER_SOCKET", "/run/a.sock"),
        ("BELLWETHER_TLS_CERTIFICATE", "/a.pem"),
        ("BELLWETHER_TLS_KEY", "/a.key"),
        ("BELLWETHER_INSECURE_DOORS", "true"),
        ("BELLWETHER_HTTP_HOSTS", "a.example, b.example"),
        ("BELLWETHER_LIMITS_CONNECTIONS", "7"),
    ];
    let config = Config::resolve(environment(&variables).unwrap()).unwrap();
    assert_eq!(config.nats, Some("127.0.0.1:4222".parse().unwrap()));
    assert_eq!(config.nats_advertise, NatsAdvertise::Address("a.example:4222".into()));
    assert_eq!(config.socket.as_deref(), Some(Path::new("/run/a.sock")));
    let tls = config.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), ("/a.pem".into(), "/a.key".into()));
    assert!(config.insecure_doors);
    assert_eq!(config.http_hosts, ["a.example", "b.example"]);
    assert_eq!(config.limits.connections, 7);

    let flags = Layer {
        nats: Some("off".into()),
        socket: Some("off".into()),
        nats_advertise: Some("off".into()),
        insecure_doors: Some(false),
        ..Layer::default()
    };
    let config = Config::resolve(flags.as_flags().over(environment(&variables).unwrap())).unwrap();
    assert_eq!((config.nats, config.socket.clone()), (None, None));
    assert_eq!(config.nats_advertise, NatsAdvertise::Off);
    assert_eq!(config.origin("nats"), Origin::Flag("--nats".into()));
    assert_eq!(config.origin("insecure_doors"), Origin::Flag("--insecure-doors".into()));
}

#[test]
fn that_cannot_be_are_refused_where_they_were_given() {
    for (text, words) in [
        (
            "tls_key = \"a\"",
            "1: `tls_key`: give `tls_certificate` and `tls_key` together",
        ),
        ("tls_certificate = \"a\"", "1: `tls_certificate`: give"),
        ("nats = \"4222\"", "1: `nats`: `4222` is not an address"),
        (
            "nats_advertise = \"a.example\"",
            "1: `nats_advertise`: `a.example` is not an address",
        ),
        ("nats_advertise = \"a.example:0\"", "1: `nats_advertise`: "),
        ("socket = \"\"", "1: `socket`: a path of 0 bytes"),
        ("insecure_doors = \"yes\"", "1: `insecure_doors` must be true or false"),
        (
            "http_hosts = [\"a.example\",\n\"https://b\"]",
            "2: `http_hosts`: `https://b` is no name of a host",
        ),
        ("http_hosts = [\"a:1\"]", "1: `http_hosts`: `a:1` is no name"),
    ] {
        let refused = refusal(resolve(text));
        assert!(refused.starts_with(&format!("bellwether.toml:{words}")), "{refused}");
    }
    let words = refusal(resolve(&format!("socket = \"/{}\"", "x".repeat(107))));
    assert!(words.contains("a path of 108 bytes"), "{words}");
    let words = refusal(environment(&[("BELLWETHER_INSECURE_DOORS", "1")]));
    assert_eq!(words, "BELLWETHER_INSECURE_DOORS must be true or false, found `1`");
}
