//! Every test of the binary that ships, a module per feature. The attacks, the cost measurements and the benchmark stay
//! apart, because they measure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/raw.rs"]
mod raw;
#[path = "../common/remote.rs"]
mod remote;
#[path = "../common/writer.rs"]
mod writer;

mod access;
mod api_admin;
mod api_arguments;
mod api_clients;
mod api_compared;
mod api_managed_clients;
mod api_periods;
mod api_processed;
mod api_public;
mod api_routing;
mod api_stats;
mod api_stats_post;
mod archive;
mod benchmark;
mod benchmark_remote;
mod clock;
mod commands_client;
mod commands_database;
mod commands_documents;
mod commands_root;
mod commands_settings;
mod commands_stats;
mod container;
mod crash;
mod dashboard;
mod data;
mod disks;
mod doctor;
mod failing_calls;
mod faults;
mod feed;
mod hostile_content;
mod licenses;
mod mosp;
mod network;
mod openapi;
mod proxies;
mod questions;
mod reference;
mod releases;
mod releases_polled;
mod releases_store;
mod schedule;
mod security;
mod sharing;
mod signals;
mod store_size;
mod store_versions;
mod terminal;
mod trends;
mod upgrades;
mod view_links;
mod watch;
