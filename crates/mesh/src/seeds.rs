//! Seeds: configured addresses where the first member may be found.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::membership::Membership;
use crate::shared::Shared;

/// How often it is looked whether a seed is to be asked.
const ROUND: Duration = Duration::from_secs(1);
/// A resolver that takes longer has failed this time.
const RESOLVE_WITHIN: Duration = Duration::from_secs(2);
/// Waits between attempts at a name that does not resolve.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// A name that resolved is looked up again after this time, while it is not linked: addresses change.
const REFRESH: Duration = Duration::from_secs(15);

struct Seed {
    name: String,
    addresses: Vec<SocketAddr>,
    resolve_at: Instant,
    retry: Duration,
    failing: bool,
}

/// Introduces this node to its seeds, until it is linked to them and again whenever it is not.
pub(crate) async fn run(shared: Arc<Shared>, membership: Arc<dyn Membership>, names: Vec<String>) {
    let now = Instant::now();
    let seed = |name| Seed {
        name,
        addresses: Vec::new(),
        resolve_at: now,
        retry: RETRY.0,
        failing: false,
    };
    let mut seeds: Vec<Seed> = names.into_iter().map(seed).collect();
    let mut interval = tokio::time::interval(ROUND);
    loop {
        interval.tick().await;
        for seed in &mut seeds {
            if seed.resolve_at <= Instant::now() && !seed.addresses.iter().any(|address| shared.is_linked_to(*address))
            {
                seed.resolve().await;
            }
            for address in seed.addresses.iter().filter(|address| !shared.is_linked_to(**address)) {
                membership.introduce(*address);
            }
        }
        if seeds
            .iter()
            .all(|seed| !seed.addresses.is_empty() && seed.addresses.iter().all(|at| shared.is_own_address(*at)))
        {
            // This node is its own only seed: there is nobody to wait for.
            shared.mark_joined();
        }
    }
}

impl Seed {
    async fn resolve(&mut self) {
        let looked_up = tokio::time::timeout(RESOLVE_WITHIN, tokio::net::lookup_host(self.name.as_str())).await;
        let failure = match looked_up {
            Ok(Ok(addresses)) => {
                self.addresses = addresses.collect();
                if self.addresses.is_empty() {
                    Some("the name has no address".to_owned())
                } else {
                    None
                }
            }
            Ok(Err(err)) => Some(err.to_string()),
            Err(_) => Some("the resolver does not answer".to_owned()),
        };
        match failure {
            None => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(seed = %self.name, "seed resolves again");
                }
                self.retry = RETRY.0;
                self.resolve_at = Instant::now() + REFRESH;
            }
            Some(reason) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(seed = %self.name, reason, "cannot resolve a seed; trying again until it resolves");
                }
                self.resolve_at = Instant::now() + self.retry.mul_f64(0.5 + rand::random::<f64>() / 2.0);
                self.retry = (self.retry * 2).min(RETRY.1);
            }
        }
    }
}
