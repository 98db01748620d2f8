//! What can be typed to look after an installation: its settings, its health, its documentation.

use argh::{ArgsInfo, FromArgValue, FromArgs};
use std::path::PathBuf;

/// Show every setting, its value and where it comes from.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "config", example = "PORT=8080 {command_name}")]
pub struct ShowConfig {
    /// print a file of all variables instead, each explained and commented out, as a systemd unit or Compose reads it
    #[argh(switch)]
    pub template: bool,
}

/// Ask the running service whether it is well; exit code 0 if it is.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "healthcheck", example = "{command_name} --port 5005")]
pub struct Healthcheck {}

/// Look at the whole installation, change nothing, and say how to mend what is wrong.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "doctor",
    example = "{command_name} --front-office /var/lib/monarc/fo/config/autoload/local.php",
    note = "Run it with the settings of the service and as its user or root, also while the service runs. It looks at \
            settings, the store's files and their owner, disk and clock, backups, the unit, the running service, when each client \
            last sent, each front office's key, and whether other machines can be reached.",
    error_code(0, "nothing is wrong; there may be warnings"),
    error_code(1, "there is a problem")
)]
pub struct Doctor {
    /// print JSON: a list of check, status (ok, warning, problem), message and remedy
    #[argh(switch)]
    pub json: bool,
    /// configuration of a front office to look at; may be repeated (default:
    /// /var/lib/monarc/fo/config/autoload/stats.local.php or local.php if there is one)
    #[argh(option, arg_name = "file")]
    pub front_office: Vec<PathBuf>,
}

/// Print the manual page, for man.
#[derive(ArgsInfo, FromArgs)]
#[argh(subcommand, name = "manual", example = "{command_name} | man -l -")]
pub struct Manual {}

/// Print what makes a shell complete the commands and flags of monarc-stats.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "completions",
    example = "{command_name} bash > /usr/share/bash-completion/completions/monarc-stats",
    note = "zsh reads it as _monarc-stats from a directory of its $fpath, fish as monarc-stats.fish from \
            ~/.config/fish/completions."
)]
pub struct Completions {
    /// for which shell
    #[argh(positional, arg_name = "bash|zsh|fish")]
    pub shell: Shell,
}

#[derive(Clone, Copy, FromArgValue)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print whose work is in the program: each package with its version, its licence and the texts of it.
#[derive(ArgsInfo, FromArgs)]
#[argh(
    subcommand,
    name = "licenses",
    example = "{command_name} --format cyclonedx > monarc-stats.cdx.json",
    note = "cyclonedx is a bill of materials (SBOM) as CycloneDX 1.5 defines it; the same program always prints the same."
)]
pub struct Licenses {
    /// how to print it: text or cyclonedx (default: text)
    #[argh(option, arg_name = "text|cyclonedx", default = "BillFormat::Text")]
    pub format: BillFormat,
}

#[derive(Clone, Copy, FromArgValue)]
pub enum BillFormat {
    Text,
    Cyclonedx,
}
