//! The HTTP layer: turns bytes on sockets into the plain values of `message` and back.
//!
//! Here: the limits, accepting, making room at the cap, and stopping. Below: `slots` (who is connected and what he
//! is doing), `connection` (one connection from first to last request), `input` and `head` and `body` (reading),
//! `reply` and `coding` (writing), `spool` (what is large and waits), `gate` (how many at a time). No other module names
//! a socket or httparse; this one knows no route.

use std::any::Any;
use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::model::text::counted;
use crate::server::message::{Response, Service};
use coding::Compressors;
pub use coding::gzip_twin;
use slots::{ConnectionGuard, Connections, Slot};

mod body;
mod coding;
mod connection;
pub mod gate;
mod head;
mod input;
pub mod message;
mod reply;
mod slots;
pub mod spool;
#[cfg(test)]
mod tests;

/// Stack of a connection's thread: serde_json's 128 levels fit several times, 256 of them are 128 MB of address space.
const STACK: usize = 512 * 1024;

/// Descriptors kept for everything that is not a connection: store, log, listener, files of commands.
const SPARE_FILES: usize = 48;

/// Descriptors that a connection may need: its socket, and a spool or two.
const FILES_EACH: usize = 3;

/// How long accepting pauses at most when the system refuses and nobody can be asked to leave.
const PAUSE: Duration = Duration::from_millis(50);

/// What a client may take from the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections, each with its own thread. Fewer if the process may not open that many files.
    pub connections: usize,
    /// How long a new connection waits for a place before it is refused.
    pub full_wait: Duration,
    /// Between two requests, before the connection is closed.
    pub idle: Duration,
    /// For a head, since its first byte.
    pub head: Duration,
    /// How long a body may take before its rate counts.
    pub body_grace: Duration,
    /// Bytes per second that a body must then have reached, from its start.
    pub body_rate: u64,
    /// Without any progress of an answer, before the connection is cut.
    pub write: Duration,
    /// How long an answer may take before its rate counts.
    pub answer_grace: Duration,
    /// Bytes per second that its reader must then have taken, from its start.
    pub answer_rate: u64,
    /// How long a refused sender is listened to, so that he sees the refusal rather than a reset.
    pub linger: Duration,
    /// How long running requests may take to finish after a stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            full_wait: Duration::from_secs(1),
            idle: Duration::from_secs(30),
            head: Duration::from_secs(10),
            body_grace: Duration::from_secs(10),
            body_rate: 64 * 1024,
            write: Duration::from_secs(30),
            answer_grace: Duration::from_secs(30),
            answer_rate: 4 * 1024,
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(5),
        }
    }
}

/// A socket that is listened on.
pub type Listener = TcpListener;

/// Binds an address; gives the listener and the address it really has, which differs if port 0 was asked for.
///
/// # Errors
/// Whatever the system refuses: the port is taken, the address is not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Ends [`serve`], from any thread; clones are the same stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Stopping>);

#[derive(Debug, Default)]
struct Stopping {
    asked: AtomicBool,
    listeners: Mutex<Vec<TcpStream>>,
}

impl Stop {
    /// Makes every `serve` of this stop return, those that begin later too. Asking twice changes nothing.
    pub fn stop(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        for listener in self.listeners().iter() {
            // Linux wakes a thread blocked in accept when its socket is shut down: no polling, and unlike a connection
            // to ourselves it works with a full backlog. A failure means that it is down already.
            let _ = listener.shutdown(Shutdown::Both);
        }
    }

    /// Whether the stop was asked for.
    pub fn asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn watch(&self, listener: &TcpListener) -> io::Result<()> {
        // Only std's stream type has a shutdown; for the kernel a socket is a socket.
        self.listeners().push(TcpStream::from(OwnedFd::from(listener.try_clone()?)));
        Ok(())
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all connections of a server share.
struct Shared<S> {
    service: Arc<S>,
    limits: Limits,
    slots: Arc<Connections>,
    compressors: Compressors,
    stop: Stop,
}

/// Why a request comes to nothing.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// Nobody is left to answer.
    Gone,
    /// Answered with this status for this reason; the connection ends.
    Refuse(u16, &'static str),
}

/// Serves connections of `listener` until `stop`; then closes the idle ones, lets the others finish for
/// `limits.drain`, and cuts what is left. `connections` always tells the number of live connection threads.
///
/// # Errors
/// When the listener cannot be watched for the stop. Nothing that clients or the system do later ends it.
pub fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    limits: Limits,
    stop: &Stop,
    connections: Arc<AtomicUsize>,
) -> io::Result<()> {
    stop.watch(&listener)?;
    let open_files = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let slots = Arc::new(Connections::new(cap(&open_files, limits.connections), connections));
    let shared = Arc::new(Shared { service, limits, slots, compressors: Compressors::default(), stop: stop.clone() });
    accept_all(&listener, &shared);
    drop(listener);
    stop.listeners().clear();
    finish(&shared.slots, shared.limits.drain);
    Ok(())
}

/// Connections that leave [`SPARE_FILES`] and have [`FILES_EACH`] of the descriptors that this text of /proc/self/limits allows.
fn cap(limits: &str, wanted: usize) -> usize {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(wanted, |soft| wanted.min(soft.saturating_sub(SPARE_FILES) / FILES_EACH)).max(1)
}

fn accept_all<S: Service>(listener: &TcpListener, shared: &Arc<Shared<S>>) {
    let mut refused = None;
    let mut failing = false;
    while !shared.stop.asked() {
        match listener.accept() {
            Ok((socket, peer)) => {
                failing = false;
                welcome(shared, socket, peer, &mut refused);
            }
            Err(_) if shared.stop.asked() => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !failing {
                    log::warn!("accepting connections: {error}; closing the longest waiting one to make room");
                }
                failing = true;
                shared.slots.evict_one(PAUSE);
            }
        }
    }
}

/// Gives a new connection its thread, or says that there is none.
fn welcome<S: Service>(shared: &Arc<Shared<S>>, socket: TcpStream, peer: SocketAddr, refused: &mut Option<Instant>) {
    let slot = shared.slots.slot(socket);
    // Who queued behind one that was refused has waited already, so a flood is refused without further waiting.
    let patience = refused.map_or(shared.limits.full_wait, |at| shared.limits.full_wait.min(at.elapsed()));
    if !shared.slots.make_room(patience, shared.limits.full_wait) {
        *refused = Some(Instant::now());
        return connection::turn_away(shared, &slot);
    }
    let guard = Connections::guard(&shared.slots, &slot);
    if let Err(error) = spawn(shared, guard, Arc::clone(&slot), peer) {
        log::warn!("starting a thread for a connection: {error}");
        connection::turn_away(shared, &slot);
        shared.slots.evict_one(PAUSE);
    }
}

fn spawn<S: Service>(
    shared: &Arc<Shared<S>>,
    guard: ConnectionGuard,
    slot: Arc<Slot>,
    peer: SocketAddr,
) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let name = format!("http-{}", guard.number());
    let run = move || {
        // The guard goes last: who waits for it to be free also waits for the socket to be closed.
        let _seat = guard;
        let slot = slot;
        connection::run(&shared, &slot, peer.ip().to_canonical());
    };
    thread::Builder::new().name(name).stack_size(STACK).spawn(run).map(drop)
}

fn finish(slots: &Connections, drain: Duration) {
    slots.close_idle();
    let left = slots.wait_empty(drain);
    if left > 0 {
        let left = counted(left, "connection");
        log::warn!("{left} did not finish within {} s and are cut", drain.as_secs_f32());
        slots.close_all();
    }
}

/// Runs what may panic; a panic is logged and costs only this request.
fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| log::error!("{what} panicked: {}", panic_message(&*panic))).ok()
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The service's words for a refusal of this layer.
fn refusal<S: Service>(service: &S, status: u16, reason: &str) -> Response {
    let response = guarded("refusal", || service.refusal(status, reason)).unwrap_or_else(|| Response::empty(status));
    if status == 503 && response.header("Retry-After").is_none() { response.with("Retry-After", "2") } else { response }
}

/// Reads bytes as a connection reads a head, for the fuzzer.
#[cfg(fuzzing)]
pub fn examine(bytes: &[u8]) {
    let _ = head::examine(&mut input::Input::new(bytes));
}

/// Reads bytes as a connection reads a chunked body, for the fuzzer; gives the body if it is whole. At most some 100 KB.
#[cfg(fuzzing)]
pub fn examine_chunks(bytes: &[u8]) -> Option<Vec<u8>> {
    body::examine(&mut input::Input::new(bytes), head::Framing::Chunked, 4 << 20).ok()
}
