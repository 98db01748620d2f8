//! The map of monarc-stats: its rooms, the way of one stat through them, and where a change goes.
//!
//! # The rooms
//!
//! A room is a file of `src/` with the directory of its name. It may only name rooms below it, so that there is no circle;
//! `.ci/rooms` holds the list and checks it.
//!
//! ```text
//! main.rs      what was typed, one breath
//! commands     one short function per command; args: the flags and their help; doctor: what it looks at
//! service      what runs: serve, schedule, backups, watch, logging
//! app          the table of routes, who may call, one handler per route
//! sharing  archive  mosp  demo        push and pull; export, import, the move from the reference; look-ups; sample data
//! averages     the processors, the rules of releases, trends: sums in, averages out; no SQL, no HTTP, no clock
//! dashboard    pages in the reader's language and their files: plain values in, bytes out
//! outbound     calls to other machines; the only user of ureq
//! config       flags, environment and settings file become one validated value
//! store        SQLite; the only room that knows its library; SQL stands beside the function that runs it
//! server       sockets, limits, HTTP messages, spools; the only user of httparse; knows no route
//! files  terminal  model  error       new files; what a person reads and answers; dates, stats, clients; the one error
//! ```
//!
//! # One stat from the socket to its row, and back
//!
//! 1. [`server`] accepts a connection in a thread of its own, reads the head and asks [`app`] whether the request may go on.
//!    `App::admit` finds the row of the table of routes, the client behind the token, and how large the body may be.
//!    Nobody without a token makes the service hold a body.
//! 2. The body is received into a spool: in memory up to 256 KB, beyond it an unlinked file beside the store.
//! 3. `app::batch` judges each item: [`model::stat`] reads its envelope, [`model::shapes`] takes its data apart into what it
//!    adds to the averages. What has no shape is refused with its index, field and reason.
//! 4. [`store::stats`] takes the writer, in one transaction: the text once per content (`payload`), the stat in its place
//!    (one per analysis, type and date; the later replaces the earlier), what it adds to the sums of its day (`rollup`),
//!    and the client's newest labels (`label`). The sums always equal a rebuild from the stats.
//! 5. Back: `GET /api/v1/stats/` reads the sender's own text page by page. Averages come from the sums: a processor of
//!    [`averages`] writes them into a spool once per question and version of the store, for all who ask the same.
//!
//! # Where a change goes
//!
//! | what | where |
//! |---|---|
//! | a processor | a row of `averages::ALL` and one function |
//! | a route | a row of `app/routes.rs`, a handler, `assets/openapi.json`, a row in `tests/it/access.rs`; a page for view links too, `PAGES` in `app/views.rs` |
//! | a setting | a row of `config/settings.rs`, a field of `Config` |
//! | a table or column | `schema.sql`, and a step in `store/migrations.rs` |
//! | a job of the service | a row in `service/schedule.rs` |
//! | a command | a struct in `commands/args`, a function in `commands` |
//! | a text of the pages | the four files of `assets/texts` |
//! | a finding of the doctor | a file of `commands/doctor` |
//!
//! # Why the HTTP layer is our own
//!
//! tiny_http aborts the process on one hostile request, and its `Response` can neither say `Connection: close` nor stream
//! an unknown length to HTTP/1.0 without holding it whole. So the accept loop here stands on httparse, with a thread per
//! connection under a cap. In the tests, where nobody is hostile, tiny_http is the stranger that answers in place of a stats
//! service, and the peer whose speed `tests/bench` prints beside ours.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod app;
pub mod archive;
pub mod averages;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod error;
pub mod files;
pub mod model;
pub mod mosp;
pub mod outbound;
pub mod server;
pub mod service;
pub mod sharing;
pub mod store;
pub mod terminal;
