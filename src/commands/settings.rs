//! `monarc-stats config`: what holds, or a file of all that can be set.

use crate::config::{Config, Raw, SETTINGS};
use crate::error::Result;
use crate::model::text::without_password;
use crate::terminal::say;

const HEAD: &str = "\
# Settings of monarc-stats. Take the # away before a name to set it, and start the service again:
# 'monarc-stats config' shows what holds then, 'monarc-stats doctor' whether it does.
";

/// Prints every setting, its value and where it comes from.
pub fn show(config: &Config, raw: &Raw) -> Result<()> {
    for setting in SETTINGS {
        let (value, source) = raw.value(setting);
        let shown = match (setting.name, value.as_str()) {
            ("STATS_DATABASE", _) => config.store.display().to_string(),
            ("PUBLIC_MIN_CLIENTS", "") => {
                let found = config.public_min_clients;
                format!("{} ({})", found.k, found.explain())
            }
            ("INSTANCE_URL", "") => config.public_url(),
            (_, "") => "-".to_owned(),
            _ if setting.is_secret => "********".to_owned(),
            (_, value) => without_password(value).into_owned(),
        };
        say(&format!("{:<25} {shown:<40} {:<12} {}", setting.name, source.name(), setting.help))?;
    }
    let (zone, source) = raw.time_zone();
    say(&format!("{:<25} {zone:<40} {source:<12} {}", "TZ", crate::config::TIME_ZONE))?;
    for (name, _) in raw.unknown() {
        say(&format!(
            "{name:<25} {:<40} {:<12} no setting; see 'monarc-stats doctor'",
            "has no effect", "environment"
        ))?;
    }
    for name in raw.without_effect() {
        say(&format!(
            "{name:<25} {:<40} {:<12} a setting of the reference implementation",
            "has no effect", "environment"
        ))?;
    }
    Ok(())
}

/// Prints a file of environment variables: every setting with its meaning and default, commented out.
pub fn template() -> Result<()> {
    let one = |name: &str, default: &str, help: &str| format!("\n# {name}: {help}\n#{name}={default}\n");
    let mut text = HEAD.to_owned();
    for setting in SETTINGS {
        let values = if setting.is_switch { " (on or off)" } else { "" };
        text.push_str(&one(setting.name, setting.default, &format!("{}{values}", setting.help)));
    }
    text.push_str(&one("TZ", "", crate::config::TIME_ZONE));
    say(text.trim_end())
}
