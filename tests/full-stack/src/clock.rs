//! The wall clocks of the simulated hosts: each follows the paused clock, and each can be set.

use std::cell::{Cell, RefCell};

use bellwether::{Timestamp, WallClock};
use tokio::time::Instant;

/// Hosts there can be.
pub const HOSTS: usize = 16;
/// When every simulation begins: in January 2027.
const BEGIN_MS: i64 = 1_800_000_000_000;

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    static SET_BY_MS: RefCell<[i64; HOSTS]> = const { RefCell::new([0; HOSTS]) };
}

/// All clocks of this thread show the same time, and begin to run.
pub fn begin() {
    BEGAN.set(Some(Instant::now()));
    SET_BY_MS.set([0; HOSTS]);
}

/// Microseconds since [`begin`], which no setting of a clock changes.
pub fn elapsed_micros() -> u64 {
    let elapsed = BEGAN.get().map(|began| began.elapsed()).unwrap_or_default();
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

/// Sets the clock of a host forward, or back.
pub fn set(host: usize, by_ms: i64) {
    SET_BY_MS.with_borrow_mut(|all| {
        if let Some(set_by) = all.get_mut(host) {
            *set_by += by_ms;
        }
    });
}

/// The clock of a host.
///
/// # Panics
/// If there is no such host.
pub fn of(host: usize) -> WallClock {
    const ALL: [WallClock; HOSTS] = [
        read::<0>, read::<1>, read::<2>, read::<3>, read::<4>, read::<5>, read::<6>, read::<7>, read::<8>, read::<9>,
        read::<10>, read::<11>, read::<12>, read::<13>, read::<14>, read::<15>,
    ];
    *ALL.get(host).expect("a host of the simulation")
}

fn read<const HOST: usize>() -> Timestamp {
    let set_by = SET_BY_MS.with_borrow(|all| all.get(HOST).copied().unwrap_or(0));
    let elapsed = i64::try_from(elapsed_micros() / 1000).unwrap_or(i64::MAX);
    Timestamp::from_millis(BEGIN_MS + set_by + elapsed)
}
