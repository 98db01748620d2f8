//! The rooms of monarc-stats, from the API down to the model; see the README for the map.

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
