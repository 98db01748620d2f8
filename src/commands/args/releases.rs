//! What can be typed about releases.

#![allow(missing_docs)]

use argh::{ArgsInfo, FromArgs};

/// List, show and withdraw what was published of past weeks.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "release",
    example = "{command_name} list",
    note = "A week is named as 2026-W47 or by any of its days."
)]
pub struct ReleaseCommand {
    #[argh(subcommand)]
    pub action: ReleaseAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum ReleaseAction {
    List(ReleaseList),
    Show(ReleaseShow),
    Withdraw(ReleaseWithdraw),
}

/// List the weeks that were published, and those that are due.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "list", example = "{command_name}")]
pub struct ReleaseList {}

/// Show what was published of a week, and what would be hidden of it today and why. Not for others: it has exact numbers
/// of contributors.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "show", example = "{command_name} 2026-W47")]
pub struct ReleaseShow {
    /// week
    #[argh(positional)]
    pub week: String,
}

/// Take a whole week down for all. It is never built again.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "withdraw", example = "{command_name} 2026-W47 --yes")]
pub struct ReleaseWithdraw {
    /// week
    #[argh(positional)]
    pub week: String,
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}
