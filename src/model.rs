//! What the service talks about: clients, analyses, stats, their dates and numbers, and how each is validated.
//! No input or output happens here.

pub mod client;
pub mod date;
pub mod decimal;
pub mod shapes;
pub mod share_level;
pub mod stat;
pub mod text;

pub use client::{Client, Role, Token};
pub use decimal::Decimal;
pub use share_level::ShareLevel;
pub use stat::{StatType, parse_uuid};
