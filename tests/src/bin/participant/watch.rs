//! The watch: records who comes and goes, as this node sees it.

use std::collections::BTreeMap;

use bellwether::{MemberState, Node};
use bellwether_history::Kind;
use bellwether_tests::Recorder;
use tokio::time::{Duration, interval};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Runs as long as the node.
pub(crate) async fn run(node: Node, recorder: Recorder) {
    let mut ticks = interval(LOOK);
    // The run of each other member, and whether it is down.
    let mut known: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    loop {
        ticks.tick().await;
        let members = node.members().into_iter();
        let others = members.filter(|member| member.state != MemberState::Own);
        let now: BTreeMap<String, (u64, bool)> = others
            .map(|member| {
                let is_down = member.state == MemberState::Down;
                (member.node.to_string(), (member.epoch.0, is_down))
            })
            .collect();
        if now == known {
            continue;
        }
        for (name, (epoch, is_down)) in &now {
            if known.get(name) != Some(&(*epoch, *is_down)) {
                let (member, member_epoch) = (name.as_str().into(), *epoch);
                recorder.write(match is_down {
                    true => Kind::MemberDown { member, member_epoch },
                    false => Kind::MemberUp { member, member_epoch },
                });
            }
        }
        for (name, (epoch, _)) in known.iter().filter(|(name, _)| !now.contains_key(*name)) {
            let (member, member_epoch) = (name.as_str().into(), *epoch);
            recorder.write(Kind::MemberLeft { member, member_epoch });
        }
        let living = now.iter().filter(|(_, (_, is_down))| !is_down);
        let members = living.map(|(name, _)| name.as_str().into()).collect();
        recorder.write(Kind::View { members });
        known = now;
    }
}
