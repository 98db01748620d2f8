//! Who is connected, what each is doing, and who has to leave when there is no room.
//!
//! What a connection does stands in the table, and changes under the table's lock: a connection is either evicted while it
//! waits for its client, or goes on, never both.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Closed from outside; it only has to notice.
    Evicted,
    /// Between requests.
    Idle,
    /// Receiving a head.
    Head,
    /// Receiving a body.
    Body,
    /// Working for the client, who waits for us: the one phase in which nobody is sent away.
    Handler,
    /// Sending an answer.
    Write,
}

/// An answer that has only begun to be sent: its client has waited for it and not for us to take it.
pub(super) const FRESH_ANSWER: Duration = Duration::from_millis(100);

/// One connection, as its own thread sees it.
pub(super) struct Slot {
    pub(super) socket: TcpStream,
    number: u64,
    evicted: AtomicBool,
}

impl Slot {
    /// A connection with a number that no other of the server has.
    pub(super) fn new(socket: TcpStream, number: u64) -> Self {
        Self { socket, number, evicted: AtomicBool::new(false) }
    }

    /// Whether it was closed from outside.
    pub(super) fn evicted(&self) -> bool {
        self.evicted.load(Ordering::SeqCst)
    }
}

/// A connection in the table.
struct Entry {
    slot: Arc<Slot>,
    phase: Phase,
    since: Instant,
}

impl Entry {
    /// Whether it waits for its client, and may be sent away.
    fn is_waiting(&self) -> bool {
        match self.phase {
            Phase::Evicted | Phase::Handler => false,
            Phase::Write => self.since.elapsed() >= FRESH_ANSWER,
            Phase::Idle | Phase::Head | Phase::Body => true,
        }
    }

    fn evict(&mut self) {
        self.phase = Phase::Evicted;
        self.slot.evicted.store(true, Ordering::SeqCst);
        let _ = self.slot.socket.shutdown(Shutdown::Both);
    }
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
    slots: HashMap<u64, Entry>,
    /// Somebody waits for a connection that may be sent away.
    has_waiter: bool,
}

impl Table {
    /// Closes the connection that has kept us waiting longest; false if all are being worked for.
    fn evict_longest(&mut self) -> bool {
        let longest = self.slots.values_mut().filter(|entry| entry.is_waiting()).min_by_key(|entry| entry.since);
        longest.map(Entry::evict).is_some()
    }
}

/// The live connections of a server.
pub(super) struct Connections {
    cap: usize,
    table: Mutex<Table>,
    changed: Condvar,
    gauge: Arc<AtomicUsize>,
}

impl Connections {
    pub(super) fn new(cap: usize, gauge: Arc<AtomicUsize>) -> Self {
        Self { cap, table: Mutex::default(), changed: Condvar::new(), gauge }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection, which is not counted yet.
    pub(super) fn slot(&self, socket: TcpStream) -> Arc<Slot> {
        let mut table = self.lock();
        table.next += 1;
        Arc::new(Slot::new(socket, table.next))
    }

    /// Counts one more thread, until the guard is dropped.
    pub(super) fn guard(this: &Arc<Self>, slot: &Arc<Slot>) -> ConnectionGuard {
        let entry = Entry { slot: Arc::clone(slot), phase: Phase::Handler, since: Instant::now() };
        this.lock().slots.insert(slot.number, entry);
        this.gauge.fetch_add(1, Ordering::SeqCst);
        ConnectionGuard { slots: Arc::clone(this), number: slot.number }
    }

    /// Notes what a connection does from now on; false if it was evicted and has to end.
    pub(super) fn enter(&self, slot: &Slot, next: Phase) -> bool {
        let mut table = self.lock();
        let Some(entry) = table.slots.get_mut(&slot.number).filter(|entry| entry.phase != Phase::Evicted) else {
            return false;
        };
        (entry.phase, entry.since) = (next, Instant::now());
        if table.has_waiter && !matches!(next, Phase::Handler | Phase::Write) {
            self.changed.notify_all();
        }
        true
    }

    /// Sees to it that one more thread fits under the cap, closing the longest waiting connection if need be. Waits
    /// up to `patience` for one that may be closed, and then up to `leaving` for it to end. False if there is no room.
    pub(super) fn make_room(&self, patience: Duration, leaving: Duration) -> bool {
        let mut table = self.lock();
        let mut deadline = Instant::now() + patience;
        let mut evicted = false;
        table.has_waiter = true;
        while table.slots.len() >= self.cap {
            if !evicted && table.evict_longest() {
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
        table.has_waiter = false;
        table.slots.len() < self.cap
    }

    /// Closes the longest waiting connection and waits until any has ended, at most for `pause`.
    pub(super) fn evict_one(&self, pause: Duration) {
        let mut table = self.lock();
        let before = table.slots.len();
        table.evict_longest();
        drop(self.changed.wait_timeout_while(table, pause, |table| table.slots.len() >= before));
    }

    /// Closes every connection that is between requests.
    pub(super) fn close_idle(&self) {
        self.lock().slots.values_mut().filter(|entry| entry.phase == Phase::Idle).for_each(Entry::evict);
    }

    /// Closes every connection, whatever it does.
    pub(super) fn close_all(&self) {
        for entry in self.lock().slots.values() {
            let _ = entry.slot.socket.shutdown(Shutdown::Both);
        }
    }

    /// Waits for all threads to end; returns how many have not after `most`.
    pub(super) fn wait_empty(&self, most: Duration) -> usize {
        let waited = self.changed.wait_timeout_while(self.lock(), most, |table| !table.slots.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.slots.len()
    }
}
