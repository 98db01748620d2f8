//! What can be typed about view links.

#![allow(missing_docs)]

use argh::{ArgsInfo, FromArgs};

/// Make, list and revoke links under which a client's own figures are seen without a token.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "view-link",
    example = "{command_name} create \"Front office\" --expires 90d",
    note = "A link shows the pages over what this client sent, exact and live, and how it compares with the others. It can \
            change nothing and reaches no other client's stats. Whoever has the link sees this: it is a secret. Links of a \
            client end when its token is rotated or it is deactivated."
)]
pub struct ViewLinkCommand {
    #[argh(subcommand)]
    pub action: ViewLinkAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum ViewLinkAction {
    Create(ViewLinkCreate),
    List(ViewLinkList),
    Revoke(ViewLinkRevoke),
}

/// Make a link and print it. Its secret is not kept and cannot be shown again.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "create", example = "{command_name} \"Front office\" --expires 90d --note \"for the board\"")]
pub struct ViewLinkCreate {
    /// name or UUID of the client
    #[argh(positional)]
    pub client: String,
    /// time after which it ends, such as 90d or 12h, or never (default: 90d)
    #[argh(option, default = "String::from(\"90d\")")]
    pub expires: String,
    /// what to remember about it, such as who has it
    #[argh(option, default = "String::new()")]
    pub note: String,
}

/// List the links that were not revoked.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "list", example = "{command_name}")]
pub struct ViewLinkList {
    /// print JSON
    #[argh(switch)]
    pub json: bool,
}

/// End a link at once.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "revoke", example = "{command_name} 3")]
pub struct ViewLinkRevoke {
    /// number of the link
    #[argh(positional)]
    pub id: i64,
}
