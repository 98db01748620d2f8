//! What runs: the service itself, its jobs and its log.

pub mod backups;
pub mod first_client;
pub mod logging;
pub mod releases;
pub mod schedule;
pub mod serve;
pub mod watch;
