//! Who is connected, what each is doing, and who has to leave when there is no room.
//!
//! A slot's phase is one atomic word that only two parties change: its own thread, and whoever evicts it. Both use
//! compare-and-swap, so a connection is either evicted while it waits for its client, or goes on, never both.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Closed from outside; it only has to notice.
    Evicted = 0,
    /// Between requests.
    Idle = 1,
    /// Receiving a head.
    Head = 2,
    /// Receiving a body.
    Body = 3,
    /// Working for the client, who waits for us: the one phase in which nobody is sent away.
    Handler = 4,
    /// Sending an answer.
    Write = 5,
}

/// An answer that has only begun to be sent: its client has waited for it and not for us to take it.
pub(super) const FRESH_ANSWER: Duration = Duration::from_millis(100);

/// The bits of a state that hold its phase; the others are microseconds since the table was made.
const PHASE_BITS: u32 = 3;

/// One connection: its socket and its state.
pub(super) struct Slot {
    pub(super) socket: TcpStream,
    state: AtomicU64,
}

impl Slot {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, state: AtomicU64::new(Phase::Handler as u64) }
    }

    /// Whether it was closed from outside.
    pub(super) fn evicted(&self) -> bool {
        phase(self.state.load(Ordering::SeqCst)) == Phase::Evicted as u64
    }

    /// Its state, if it waits for its client at this time.
    fn waiting(&self, now: u64) -> Option<u64> {
        let state = self.state.load(Ordering::SeqCst);
        let fresh = now.saturating_sub(state >> PHASE_BITS) < micros(FRESH_ANSWER);
        let settled = match phase(state) {
            phase if phase == Phase::Write as u64 => fresh,
            phase => phase == Phase::Evicted as u64 || phase == Phase::Handler as u64,
        };
        (!settled).then_some(state)
    }

    fn evict(&self, seen: u64) -> bool {
        let done = self.state.compare_exchange(seen, Phase::Evicted as u64, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if done {
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        done
    }
}

fn phase(state: u64) -> u64 {
    state & ((1 << PHASE_BITS) - 1)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A live connection thread's place; dropped as the last thing the thread does.
pub(super) struct ConnectionGuard {
    slots: Arc<Connections>,
    number: u64,
}

impl ConnectionGuard {
    /// Unique among the connections of this server.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut table = self.slots.lock();
        table.slots.remove(&self.number);
        self.slots.gauge.fetch_sub(1, Ordering::SeqCst);
        drop(table);
        self.slots.changed.notify_all();
    }
}

#[derive(Default)]
struct Table {
    next: u64,
    /// One entry for each live thread, evicted or not.
    slots: HashMap<u64, Arc<Slot>>,
}

impl Table {
    /// Closes the connection that has kept us waiting longest; false if all are being worked for.
    fn evict_longest(&self, now: u64) -> bool {
        loop {
            let waiting = self.slots.values().filter_map(|slot| Some((slot.waiting(now)?, slot)));
            let Some((state, slot)) = waiting.min_by_key(|(state, _)| state >> PHASE_BITS) else { return false };
            if slot.evict(state) {
                return true;
            }
        }
    }
}

/// The live connections of a server.
pub(super) struct Connections {
    cap: usize,
    began: Instant,
    table: Mutex<Table>,
    changed: Condvar,
    /// Somebody waits for a connection to become evictable.
    has_waiter: AtomicBool,
    gauge: Arc<AtomicUsize>,
}

impl Connections {
    pub(super) fn new(cap: usize, gauge: Arc<AtomicUsize>) -> Self {
        let (table, changed, has_waiter) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        Self { cap, began: Instant::now(), table, changed, has_waiter, gauge }
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more thread, until the guard is dropped.
    pub(super) fn guard(this: &Arc<Self>, slot: &Arc<Slot>) -> ConnectionGuard {
        let mut table = this.lock();
        let number = table.next;
        table.next += 1;
        table.slots.insert(number, Arc::clone(slot));
        this.gauge.fetch_add(1, Ordering::SeqCst);
        ConnectionGuard { slots: Arc::clone(this), number }
    }

    /// Notes what a connection does from now on; false if it was evicted and has to end.
    pub(super) fn enter(&self, slot: &Slot, next: Phase) -> bool {
        let old = slot.state.load(Ordering::SeqCst);
        let new = (self.now() << PHASE_BITS) | next as u64;
        let stays = phase(old) != Phase::Evicted as u64
            && slot.state.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if stays && !matches!(next, Phase::Handler | Phase::Write) && self.has_waiter.load(Ordering::SeqCst) {
            // Through the lock, so that the signal cannot fall between the has_waiter one's look and his sleep.
            drop(self.lock());
            self.changed.notify_all();
        }
        stays
    }

    /// Sees to it that one more thread fits under the cap, closing the longest waiting connection if need be. Waits
    /// up to `patience` for one that may be closed, and then up to `leaving` for it to end. False if there is no room.
    pub(super) fn make_room(&self, patience: Duration, leaving: Duration) -> bool {
        let mut table = self.lock();
        let mut deadline = Instant::now() + patience;
        let mut evicted = false;
        self.has_waiter.store(true, Ordering::SeqCst);
        while table.slots.len() >= self.cap {
            if !evicted && table.evict_longest(self.now()) {
                evicted = true;
                deadline = Instant::now() + leaving;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // Nobody tells when an answer stops being fresh.
            let nap = left.min(FRESH_ANSWER);
            table = self.changed.wait_timeout(table, nap).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.has_waiter.store(false, Ordering::SeqCst);
        table.slots.len() < self.cap
    }

    /// Closes the longest waiting connection and waits until any has ended, at most for `pause`.
    pub(super) fn evict_one(&self, pause: Duration) {
        let table = self.lock();
        let before = table.slots.len();
        table.evict_longest(self.now());
        drop(self.changed.wait_timeout_while(table, pause, |table| table.slots.len() >= before));
    }

    /// Closes every connection that is between requests.
    pub(super) fn close_idle(&self) {
        for slot in self.lock().slots.values() {
            if let Some(state) = slot.waiting(self.now()).filter(|state| phase(*state) == Phase::Idle as u64) {
                slot.evict(state);
            }
        }
    }

    /// Closes every connection, whatever it does.
    pub(super) fn close_all(&self) {
        for slot in self.lock().slots.values() {
            let _ = slot.socket.shutdown(Shutdown::Both);
        }
    }

    /// Waits for all threads to end; returns how many have not after `most`.
    pub(super) fn wait_empty(&self, most: Duration) -> usize {
        let waited = self.changed.wait_timeout_while(self.lock(), most, |table| !table.slots.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.slots.len()
    }
}
