//! What can be typed to exchange stats and knowledge with others: push, pull, export, import, mosp.

use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// Send stats of clients whose sharing is enabled to another instance: what is new since the last push.
#[derive(ArgsInfo, FromArgs)]
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
    /// print the first body of each type as it would leave, and beside it, on standard error, what the store has where
    /// that is more; send nothing
    #[argh(switch)]
    pub show: bool,
    /// take the analysis, or all of the client, back from the remote; what was taken back is not pushed again until it
    /// is named with --anr; weeks that the remote has published stay
    #[argh(switch)]
    pub withdraw: bool,
    /// how often to try again what did not get through (default 8)
    #[argh(option, default = "crate::sharing::RETRIES")]
    pub retries: u32,
    /// do not ask before taking back
    #[argh(switch)]
    pub yes: bool,
}

/// Read one's stats from another instance into a client of this one, or what it publishes for everybody.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "pull",
    example = "{command_name} --client \"Partner\" --remote https://stats.example.org --token - < token",
    example = "{command_name} --benchmark",
    note = "Stats keep their UUIDs: pulling again changes nothing.\n\
            With --benchmark there is no token in the request and nothing about this instance. The values of the newest date \
            are used, also of the reference implementation, whose averages are no means; the pages show them beside one's own."
)]
pub struct PullCommand {
    /// client to pull into (name or UUID)
    #[argh(option)]
    pub client: Option<String>,
    /// fetch the public figures of the other instance instead, to stand beside one's own
    #[argh(switch)]
    pub benchmark: bool,
    /// with --benchmark: let go of the figures that were fetched, and fetch none
    #[argh(switch)]
    pub forget: bool,
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
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "mosp", example = "{command_name} published b402d4e0-4576-11e9-9173-0800277f0571")]
pub struct MospCommand {
    #[argh(subcommand)]
    pub action: MospAction,
}

#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand)]
pub enum MospAction {
    Published(MospPublished),
}

/// Whether an object is published there; the exit code tells.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "published",
    example = "{command_name} b402d4e0-4576-11e9-9173-0800277f0571 --verbose",
    error_code(0, "it is published"),
    error_code(1, "it is not"),
    error_code(2, "there is no answer"),
    error_code(64, "what was typed cannot be used")
)]
pub struct MospPublished {
    /// UUID of a threat, a vulnerability or another object
    #[argh(positional)]
    pub uuid: String,
    /// say what it is and who published it
    #[argh(switch)]
    pub verbose: bool,
}

/// Write stats as lines of JSON, in order of arrival.
#[derive(ArgsInfo, FromArgs)]
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

/// Store stats from lines of JSON, up to the first bad line; importing them again changes nothing.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "import",
    example = "{command_name} stats.ndjson.gz",
    note = "To move in from the reference implementation, have psql write its two tables into a directory and name it \
            with --from-reference:\n  \
            psql statsservice -c \"\\copy client to 'client.csv' csv header\"\n  \
            psql statsservice -c \"\\copy (select * from stats order by created_at) to 'stats.csv' csv header\"\n\
            Its malformed stats are reported and left out; of several stats of a day the newest stays.\n\
            What is large is stored in parts, so that front offices need not wait: each stat is stored whole or not at \
            all, and to repeat an import that was broken off finishes it."
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
    /// make the store too, if there is none
    #[argh(switch)]
    pub new_store: bool,
}
