//! Whether a run that said who it is may be linked with: the questions that the mesh asks, in its order.

use bellwether_message::{Epoch, Source};
use bellwether_protocol::conflict::{Run, first_goes};

use crate::close::Close;
use crate::marker::Marker;
use crate::network::{ConnId, Side};
use crate::outbound::Asker;
use crate::process::ProcessId;
use crate::time::MS;
use crate::world::{Step, World};

/// An older run has so long to show that it lives before a newer one replaces it.
const OLDER_RUN_ANSWERS_WITHIN: u64 = 1500 * MS;
/// How often it is looked whether there is a link to ask it on.
const ANSWER_POLL: u64 = 50 * MS;

/// A connection that waits for the answer of an older run.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) conn: ConnId,
    older: Source,
    deadline: u64,
    /// The ping that is under way.
    pub(crate) asked: Option<u64>,
}

impl World {
    /// Asks whether `source` may be linked with over a connection; the answer comes now or later.
    pub(crate) fn admit(&mut self, process: ProcessId, conn: ConnId, source: Source, joined: bool) {
        let own = &self.processes[process];
        let other = Run {
            epoch: source.epoch,
            joined,
        };
        if source.node == own.source.node {
            return self.admit_own_name(process, conn, &source, other);
        }
        match own.known_epoch(&source.node) {
            Some(known) if known > source.epoch => {
                return self.admitted(process, conn, Err(Close::StaleEpoch(known.0)));
            }
            Some(known) if known < source.epoch => {
                let older_goes = first_goes(
                    Run {
                        epoch: known,
                        joined: true,
                    },
                    other,
                );
                if !older_goes {
                    let older = Source {
                        node: source.node.clone(),
                        epoch: known,
                    };
                    self.processes[process].admissions.push(Admission {
                        conn,
                        older,
                        deadline: self.now + OLDER_RUN_ANSWERS_WITHIN,
                        asked: None,
                    });
                    return self.on_admit(process, conn);
                }
            }
            _ => {}
        }
        self.admit_if_room(process, conn, &source);
    }

    fn admit_own_name(&mut self, process: ProcessId, conn: ConnId, source: &Source, other: Run) {
        let own = &self.processes[process];
        if source.epoch == own.source.epoch {
            return self.admitted(process, conn, Err(Close::OwnDial));
        }
        let run = Run {
            epoch: own.source.epoch,
            joined: own.is_settled(),
        };
        if !first_goes(run, other) {
            self.reach(Marker::DuplicateNodeId);
            return self.admitted(process, conn, Err(Close::DuplicateNodeId));
        }
        self.admitted(process, conn, Err(Close::Gone));
        self.fail(process);
    }

    /// Looks again whether the older run lives.
    pub(crate) fn on_admit(&mut self, process: ProcessId, conn: ConnId) {
        let now = self.now;
        let own = &mut self.processes[process];
        if !own.is_alive() {
            return;
        }
        let Some(at) = own.admissions.iter().position(|admission| admission.conn == conn) else {
            return;
        };
        let admission = &own.admissions[at];
        let is_over = admission.asked.is_none() && own.roster.is_over(&admission.older);
        if is_over || now >= admission.deadline {
            let admission = own.admissions.swap_remove(at);
            let source = Source {
                node: admission.older.node,
                // Only the name is asked for.
                epoch: Epoch(u64::MAX),
            };
            return self.admit_if_room(process, conn, &source);
        }
        if admission.asked.is_none() {
            let older = admission.older.clone();
            let asked = self.ping(process, &older, Asker::Admission(conn));
            if asked.is_some() {
                self.reach(Marker::OlderRunAsked);
                self.processes[process].admissions[at].asked = asked;
            }
        }
        self.after(ANSWER_POLL, Step::Admit(process, conn));
    }

    /// The older run has answered: the newer one is refused.
    pub(crate) fn older_run_lives(&mut self, process: ProcessId, conn: ConnId) {
        let admissions = &mut self.processes[process].admissions;
        if let Some(at) = admissions.iter().position(|admission| admission.conn == conn) {
            admissions.swap_remove(at);
            self.reach(Marker::DuplicateNodeId);
            self.admitted(process, conn, Err(Close::DuplicateNodeId));
        }
    }

    fn admit_if_room(&mut self, process: ProcessId, conn: ConnId, source: &Source) {
        let has_room = self.processes[process].roster.has_room(&source.node);
        self.admitted(process, conn, if has_room { Ok(()) } else { Err(Close::Full) });
    }

    fn admitted(&mut self, process: ProcessId, conn: ConnId, admitted: Result<(), Close>) {
        match self.side_of(process, conn) {
            Side::Acceptor => self.on_admitted(conn, admitted),
            Side::Dialer => self.on_dial_admitted(conn, admitted),
        }
    }

    /// On which side of a connection a process is.
    fn side_of(&self, process: ProcessId, conn: ConnId) -> Side {
        if self.conns[conn.0].end(Side::Dialer).process == process {
            Side::Dialer
        } else {
            Side::Acceptor
        }
    }
}
