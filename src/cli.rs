//! What can be typed. The comments here are the help that people read; there is no logic.
//!
//! Settings (`--port`, `--store` …) may stand anywhere and are taken out before: see `config.rs`.

// A variant or an action is documented by the command it names.
#![allow(missing_docs)]

use argh::FromArgs;
use std::path::PathBuf;

/// Collects, averages and shows the statistics of MONARC risk analyses.
#[derive(FromArgs)]
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

#[derive(FromArgs)]
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
    Database(DatabaseCommand),
    Config(ShowConfig),
    Healthcheck(Healthcheck),
}

/// Run the service.
#[derive(FromArgs)]
#[argh(subcommand, name = "serve", example = "{command_name} --port 5005 --store /var/lib/monarc-stats/stats.db")]
pub struct Serve {}

/// Run a service on a throw-away store filled with a year of sample analyses.
#[derive(FromArgs)]
#[argh(subcommand, name = "demo", example = "{command_name} --port 5005")]
pub struct Demo {
    /// days of stats to invent (default 365)
    #[argh(option, default = "365")]
    pub days: u32,
}

/// Show every setting, its value and where it comes from.
#[derive(FromArgs)]
#[argh(subcommand, name = "config", example = "PORT=8080 {command_name}")]
pub struct ShowConfig {}

/// Ask the running service whether it is well; exit code 0 if it is.
#[derive(FromArgs)]
#[argh(subcommand, name = "healthcheck", example = "{command_name} --port 5005")]
pub struct Healthcheck {}

/// Make, list and change clients.
#[derive(FromArgs)]
#[argh(subcommand, name = "client", example = "{command_name} create --name \"Front office\"")]
pub struct ClientCommand {
    #[argh(subcommand)]
    pub action: ClientAction,
}

#[derive(FromArgs)]
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
}

/// Make a client and print its token, which is not kept and cannot be shown again.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "create",
    example = "{command_name} --name \"Front office\" --format php",
    note = "Formats: text (six lines), php (for the front office's config/autoload/local.php), env, json."
)]
pub struct ClientCreate {
    /// unique name
    #[argh(option)]
    pub name: String,
    /// its UUID (default: a random one)
    #[argh(option)]
    pub uuid: Option<String>,
    /// its token, or - to read it from standard input (default: a random one)
    #[argh(option)]
    pub token: Option<String>,
    /// user or admin (default: user)
    #[argh(option, default = "String::from(\"user\")")]
    pub role: String,
    /// how to print it: text, php, env or json (default: text)
    #[argh(option, default = "String::from(\"text\")")]
    pub format: String,
}

/// List the clients.
#[derive(FromArgs)]
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
#[derive(FromArgs)]
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
#[derive(FromArgs)]
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

macro_rules! client_commands {
    ($($(#[doc = $help:tt])* $name:ident = $word:tt,)*) => {$(
        $(#[doc = $help])*
        #[derive(FromArgs)]
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
#[derive(FromArgs)]
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
#[derive(FromArgs)]
#[argh(subcommand, name = "stats", example = "{command_name} latest")]
pub struct StatsCommand {
    #[argh(subcommand)]
    pub action: StatsAction,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum StatsAction {
    Latest(StatsLatest),
    Delete(StatsDelete),
    Purge(StatsPurge),
    Deduplicate(StatsDeduplicate),
}

/// List the newest stat of each analysis and type.
#[derive(FromArgs)]
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
#[derive(FromArgs)]
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
#[derive(FromArgs)]
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
#[derive(FromArgs)]
#[argh(subcommand, name = "deduplicate", example = "{command_name} --yes")]
pub struct StatsDeduplicate {
    /// do not ask
    #[argh(switch)]
    pub yes: bool,
}

/// Send stats of clients whose sharing is enabled to another instance: what is new since the last push.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "push",
    example = "{command_name} --remote https://dashboard.monarc.lu --token - < token",
    note = "Only uuid, anr, type, date and data of each stat leave, nothing that names a client. What the remote has \
            accepted is remembered: a push that was interrupted goes on from there. The exit code is 0 only if nothing \
            was refused."
)]
pub struct PushCommand {
    /// only of this client (name or UUID)
    #[argh(option)]
    pub client: Option<String>,
    /// only of this analysis (UUID)
    #[argh(option)]
    pub anr: Option<String>,
    /// only of this type
    #[argh(option, long = "type")]
    pub kind: Option<String>,
    /// from this date on (default: three months ago)
    #[argh(option)]
    pub from: Option<String>,
    /// up to this date
    #[argh(option)]
    pub to: Option<String>,
    /// address of the other instance (default: REMOTE_STATS_SERVER)
    #[argh(option)]
    pub remote: Option<String>,
    /// token for it, or - to read it from standard input (default: REMOTE_STATS_TOKEN)
    #[argh(option)]
    pub token: Option<String>,
    /// send also what the remote has accepted already
    #[argh(switch)]
    pub all: bool,
    /// say what would leave, and send nothing
    #[argh(switch)]
    pub dry_run: bool,
    /// print the first body as it would leave, and send nothing
    #[argh(switch)]
    pub show: bool,
    /// take the analysis, or all of the client, back from the remote; what was taken back is not pushed again until it
    /// is named with --anr
    #[argh(switch)]
    pub withdraw: bool,
    /// how often to try again what did not get through (default 8)
    #[argh(option, default = "crate::sharing::RETRIES")]
    pub retries: u32,
    /// do not ask before taking back
    #[argh(switch)]
    pub yes: bool,
}

/// Read one's stats from another instance into a client of this one.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "pull",
    example = "{command_name} --client \"Partner\" --remote https://stats.example.org --token - < token",
    note = "Stats keep their UUIDs: pulling again changes nothing."
)]
pub struct PullCommand {
    /// client to pull into (name or UUID)
    #[argh(option)]
    pub client: String,
    /// only of this analysis (UUID)
    #[argh(option)]
    pub anr: Option<String>,
    /// only of this type
    #[argh(option, long = "type")]
    pub kind: Option<String>,
    /// from this date on (default: three months ago)
    #[argh(option)]
    pub from: Option<String>,
    /// up to this date (default: the day after tomorrow, as front offices may be in another time zone)
    #[argh(option)]
    pub to: Option<String>,
    /// address of the other instance (default: REMOTE_STATS_SERVER)
    #[argh(option)]
    pub remote: Option<String>,
    /// token for it, or - to read it from standard input (default: REMOTE_STATS_TOKEN)
    #[argh(option)]
    pub token: Option<String>,
    /// how often to try again what did not get through (default 8)
    #[argh(option, default = "crate::sharing::RETRIES")]
    pub retries: u32,
}

/// Ask the MONARC objects sharing platform.
#[derive(FromArgs)]
#[argh(subcommand, name = "mosp", example = "{command_name} published b402d4e0-4576-11e9-9173-0800277f0571")]
pub struct MospCommand {
    #[argh(subcommand)]
    pub action: MospAction,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum MospAction {
    Published(MospPublished),
}

/// Whether an object is published there; exit code 0 if it is, 1 if not, 2 if there is no answer.
#[derive(FromArgs)]
#[argh(subcommand, name = "published", example = "{command_name} b402d4e0-4576-11e9-9173-0800277f0571 --verbose")]
pub struct MospPublished {
    /// UUID of a threat, a vulnerability or another object
    #[argh(positional)]
    pub uuid: String,
    /// say what it is and who published it
    #[argh(switch)]
    pub verbose: bool,
}

/// Write stats as lines of JSON, in order of arrival.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "export",
    example = "{command_name} stats.ndjson.gz",
    note = "Each line has uuid, anr, type, date and data, then client, client_name and created_at. With --sharing it \
            ends after data, as a push would: for an instance that this machine cannot reach."
)]
pub struct ExportCommand {
    /// file to write, compressed if its name ends in .gz (default: standard output)
    #[argh(positional)]
    pub file: Option<PathBuf>,
    /// only of this client (name or UUID)
    #[argh(option)]
    pub client: Option<String>,
    /// only of this analysis (UUID)
    #[argh(option)]
    pub anr: Option<String>,
    /// only of this type
    #[argh(option, long = "type")]
    pub kind: Option<String>,
    /// from this date on
    #[argh(option)]
    pub from: Option<String>,
    /// up to this date
    #[argh(option)]
    pub to: Option<String>,
    /// only of clients whose sharing is enabled, without anything that names a client
    #[argh(switch)]
    pub sharing: bool,
}

/// Store stats from lines of JSON, all or nothing; importing them again changes nothing.
#[derive(FromArgs)]
#[argh(
    subcommand,
    name = "import",
    example = "{command_name} stats.ndjson.gz",
    note = "To move in from the reference implementation, have psql write its two tables into a directory and name it \
            with --from-reference:\n  \
            psql statsservice -c \"\\copy client to 'client.csv' csv header\"\n  \
            psql statsservice -c \"\\copy (select * from stats order by created_at) to 'stats.csv' csv header\"\n\
            Its malformed stats are reported and left out; of several stats of a day the newest stays.\n\
            All or nothing is one transaction: beside a running service, import what takes longer than ten seconds \
            with --keep-going, so that front offices need not wait."
)]
pub struct ImportCommand {
    /// file to read, compressed if its name ends in .gz (default: standard input)
    #[argh(positional)]
    pub file: Option<PathBuf>,
    /// client whose all stats are to be (name or UUID), whatever the lines say
    #[argh(option)]
    pub client: Option<String>,
    /// report what cannot be used and import the rest; the exit code is 1 then
    #[argh(switch)]
    pub keep_going: bool,
    /// directory with the reference implementation's client.csv and stats.csv
    #[argh(option)]
    pub from_reference: Option<PathBuf>,
}

/// Check, copy, restore and upgrade the store.
#[derive(FromArgs)]
#[argh(subcommand, name = "database", example = "{command_name} backup /var/backups/stats.db")]
pub struct DatabaseCommand {
    #[argh(subcommand)]
    pub action: DatabaseAction,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum DatabaseAction {
    Check(DatabaseCheck),
    Backup(DatabaseBackup),
    Restore(DatabaseRestore),
    Migrate(DatabaseMigrate),
}

/// Compare everything in the store with everything else; exit code 0 if all is well.
#[derive(FromArgs)]
#[argh(subcommand, name = "check", example = "{command_name} --repair")]
pub struct DatabaseCheck {
    /// rebuild from the stats what the averages are made of
    #[argh(switch)]
    pub repair: bool,
}

/// Copy the store, also while the service runs. The copy is checked before it gets its name.
#[derive(FromArgs)]
#[argh(subcommand, name = "backup", example = "{command_name} /var/backups/stats-2026-11-24.db")]
pub struct DatabaseBackup {
    /// file to write; it must not exist yet
    #[argh(positional)]
    pub file: PathBuf,
}

/// Replace everything in the store by a backup, also while the service runs.
#[derive(FromArgs)]
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
#[derive(FromArgs)]
#[argh(subcommand, name = "migrate", example = "{command_name} --store /var/lib/monarc-stats/stats.db")]
pub struct DatabaseMigrate {}
