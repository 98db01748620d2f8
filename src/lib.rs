//! The rooms of monarc-stats, from the API down to the model; see the README for the map.

pub mod error;
pub mod model;
pub mod processors;
pub mod store;
