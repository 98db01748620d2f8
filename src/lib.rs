//! The rooms of monarc-stats, from the API down to the model; see the README for the map.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod api;
pub mod archive;
pub mod auth;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod error;
pub mod http;
mod logging;
pub mod model;
pub mod mosp;
pub mod processors;
pub mod sharing;
pub mod store;
