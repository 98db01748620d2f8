//! What can be typed. The comments here are the help that people read; there is no logic.
//!
//! Settings (`--port`, `--store` …) may stand anywhere and are taken out before: see `config.rs`.

// A variant or an action is documented by the command it names.
#![allow(missing_docs)]

mod exchange;
mod releases;
pub mod tree;
mod upkeep;
mod view_links;
pub mod words;

use argh::{ArgsInfo, FromArgs};
pub use exchange::*;
pub use releases::*;
use std::path::PathBuf;
pub use upkeep::*;
pub use view_links::*;

/// Collects, averages and shows the statistics of MONARC risk analyses.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    note = "Every setting is a flag of every command: --port 8080 is PORT=8080, --store FILE is STATS_DATABASE=FILE. \
            'monarc-stats config' lists them all. Without a command it serves."
)]
pub struct Arguments {
    /// print the version
    #[argh(switch)]
    pub version: bool,
    #[argh(subcommand)]
    pub command: Option<Command>,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum Command {
    Serve(Serve),
    Demo(Demo),
    Client(ClientCommand),
    Stats(StatsCommand),
    Push(PushCommand),
    Pull(PullCommand),
    Mosp(MospCommand),
    Export(ExportCommand),
    Import(ImportCommand),
    Release(ReleaseCommand),
    Database(DatabaseCommand),
    Config(ShowConfig),
    Healthcheck(Healthcheck),
    Doctor(Doctor),
    Licenses(Licenses),
    Manual(Manual),
    Completions(Completions),
}

/// Run the service.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "serve", example = "{command_name} --port 5005 --store /var/lib/monarc-stats/stats.db")]
pub struct Serve {}

/// Run a service on a throw-away store filled with a year of sample analyses.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "demo", example = "{command_name} --port 5005")]
pub struct Demo {
    /// days of stats to invent (default 365)
    #[argh(option, default = "365")]
    pub days: u32,
}

/// Make, list and change clients.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "client", example = "{command_name} create --name \"Front office\"")]
pub struct ClientCommand {
    #[argh(subcommand)]
    pub action: ClientAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum ClientAction {
    Create(ClientCreate),
    List(ClientList),
    Delete(ClientDelete),
    SetLocation(ClientSetLocation),
    UnsetLocation(ClientUnsetLocation),
    EnableSharing(ClientEnableSharing),
    DisableSharing(ClientDisableSharing),
    RotateToken(ClientRotateToken),
    Activate(ClientActivate),
    Deactivate(ClientDeactivate),
    SetGroup(ClientSetGroup),
    ViewLink(ViewLinkCommand),
}

/// Make a client and print its token, which is not kept and cannot be shown again.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "create",
    example = "{command_name} --new-store --name \"Front office\" --format php",
    note = "Formats: text (six lines), php (for the front office's config/autoload/local.php), env, json."
)]
pub struct ClientCreate {
    /// unique name
    #[argh(option)]
    pub name: String,
    /// its UUID (default: a random one)
    #[argh(option)]
    pub uuid: Option<String>,
    /// its token of at least 16 characters, or - to read it from standard input (default: a random one)
    #[argh(option)]
    pub token: Option<String>,
    /// user or admin, which the six lines of text call 1 and 2 as the API does (default: user)
    #[argh(option, arg_name = "user|admin", default = "String::from(\"user\")")]
    pub role: String,
    /// let its stats count in releases and be pushed to another instance
    #[argh(switch)]
    pub share: bool,
    /// how to print it: text, php, env or json (default: text)
    #[argh(option, arg_name = "text|php|env|json", default = "String::from(\"text\")")]
    pub format: String,
    /// make the store too, if there is none
    #[argh(switch)]
    pub new_store: bool,
    /// change nothing if there is a client of this name: say that it exists, and succeed
    #[argh(switch)]
    pub if_missing: bool,
}

/// List the clients.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "list", example = "{command_name} --sharing")]
pub struct ClientList {
    /// only those whose stats may be pushed to another instance
    #[argh(switch)]
    pub sharing: bool,
    /// print JSON
    #[argh(switch)]
    pub json: bool,
}

/// Delete a client and all its stats.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "delete", example = "{command_name} \"Front office\" --yes")]
pub struct ClientDelete {
    /// name or UUID
    #[argh(positional)]
    pub client: String,
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Put a client on the map.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "set-location",
    example = "{command_name} \"Front office\" --latitude 49.61 --longitude 6.13"
)]
pub struct ClientSetLocation {
    /// name or UUID
    #[argh(positional)]
    pub client: String,
    /// degrees north, from -90 to 90
    #[argh(option)]
    pub latitude: f64,
    /// degrees east, from -180 to 180
    #[argh(option)]
    pub longitude: f64,
}

/// Put a client into a group, which has one vote in releases; an empty name takes it out.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "set-group", example = "{command_name} \"Front office\" \"Ministry\"")]
pub struct ClientSetGroup {
    /// name or UUID
    #[argh(positional)]
    pub client: String,
    /// name of the group
    #[argh(positional)]
    pub group: String,
}

macro_rules! client_commands {
    ($($(#[doc = $help:tt])* $name:ident = $word:tt,)*) => {$(
        $(#[doc = $help])*
        #[derive(ArgsInfo, FromArgs)]
        #[argh(subcommand, name = $word, example = "{command_name} \"Front office\"")]
        pub struct $name {
            /// name or UUID
            #[argh(positional)]
            pub client: String,
        }
    )*};
}

client_commands! {
    /// Take a client off the map.
    ClientUnsetLocation = "unset-location",
    /// Allow that a client's stats are pushed to another instance.
    ClientEnableSharing = "enable-sharing",
    /// Forbid that a client's stats are pushed to another instance.
    ClientDisableSharing = "disable-sharing",
    /// Accept a client's token again.
    ClientActivate = "activate",
    /// Refuse a client's token from now on; its stats stay.
    ClientDeactivate = "deactivate",
}

/// Give a client a new token and print it; the old one ends at once.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "rotate-token", example = "{command_name} \"Front office\"")]
pub struct ClientRotateToken {
    /// name or UUID
    #[argh(positional)]
    pub client: String,
    /// the new token, or - to read it from standard input (default: a random one)
    #[argh(option)]
    pub token: Option<String>,
}

/// List and delete stats.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "stats", example = "{command_name} latest")]
pub struct StatsCommand {
    #[argh(subcommand)]
    pub action: StatsAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum StatsAction {
    Latest(StatsLatest),
    Delete(StatsDelete),
    Purge(StatsPurge),
    Deduplicate(StatsDeduplicate),
}

/// List the newest stat of each analysis and type.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "latest", example = "{command_name} --client \"Front office\"")]
pub struct StatsLatest {
    /// only of this client (name or UUID)
    #[argh(option)]
    pub client: Option<String>,
    /// print JSON
    #[argh(switch)]
    pub json: bool,
}

/// Delete the stats of an analysis, of a client, or of a range of dates; what is given must all hold.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "delete", example = "{command_name} --anr 5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01 --yes")]
pub struct StatsDelete {
    /// of this client (name or UUID)
    #[argh(option)]
    pub client: Option<String>,
    /// of this analysis (UUID)
    #[argh(option)]
    pub anr: Option<String>,
    /// of this type
    #[argh(option, long = "type")]
    pub kind: Option<String>,
    /// from this date on
    #[argh(option)]
    pub from: Option<String>,
    /// up to this date
    #[argh(option)]
    pub to: Option<String>,
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Delete stats that are older than a number of months.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "purge", example = "{command_name} --months 36 --yes")]
pub struct StatsPurge {
    /// months to keep (default 36)
    #[argh(option, default = "36")]
    pub months: u16,
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Delete every stat whose data equals that of the one before it in the same month.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "deduplicate", example = "{command_name} --yes")]
pub struct StatsDeduplicate {
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Check, copy, restore and upgrade the store.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "database", example = "{command_name} backup /var/backups/stats.db")]
pub struct DatabaseCommand {
    #[argh(subcommand)]
    pub action: DatabaseAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum DatabaseAction {
    Check(DatabaseCheck),
    Backup(DatabaseBackup),
    Restore(DatabaseRestore),
    Migrate(DatabaseMigrate),
}

/// Compare everything in the store with everything else; exit code 0 if all is well.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "check", example = "{command_name} --repair")]
pub struct DatabaseCheck {
    /// rebuild from the stats what the averages are made of
    #[argh(switch)]
    pub repair: bool,
}

/// Copy the store, also while the service runs. The copy is checked before it gets its name.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "backup", example = "{command_name} /var/backups/stats-2026-11-24.db")]
pub struct DatabaseBackup {
    /// file to write; it must not exist yet
    #[argh(positional)]
    pub file: PathBuf,
}

/// Replace everything in the store by a backup, also while the service runs. Where there is no store yet,
/// 'database migrate' makes one.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "restore", example = "{command_name} /var/backups/stats-2026-11-24.db --yes")]
pub struct DatabaseRestore {
    /// backup to read
    #[argh(positional)]
    pub file: PathBuf,
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Bring the store up to date, or create it. The service does the same when it starts.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "migrate", example = "{command_name} --store /var/lib/monarc-stats/stats.db")]
pub struct DatabaseMigrate {}
