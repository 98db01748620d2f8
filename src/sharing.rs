//! Sharing with other instances: push and pull, and taking back what was pushed.
//!
//! The other side may be this program or the reference implementation; what tells them apart is what they answer, and
//! the word `replaces` in `/about.json`. Nothing that names a client leaves the machine.

mod benchmark;
mod figures;
mod pull;
mod push;
mod remote;

pub use benchmark::{Fetched, fetch, url_host};
pub use pull::{Pull, Pulled, pull};
pub use push::{Push, Refusal, Sent, first_bodies, push, withdraw};

use std::time::Duration;

/// How often a call that did not get through is made again, unless somebody says otherwise. With the pauses between,
/// that is about two minutes.
pub const RETRIES: u32 = 8;

/// Whom to tell about what happens on the way, and how to wait.
pub struct Reporter<'a> {
    /// Told (done, total).
    pub progress: &'a mut dyn FnMut(u64, u64),
    /// Told one sentence about each thing that deserves to be known.
    pub notice: &'a mut dyn FnMut(&str),
    /// Waits; gives false if the wait was cut short because the program ends.
    pub pause: &'a mut dyn FnMut(Duration) -> bool,
}
