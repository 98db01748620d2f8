//! The unit of an installed service: whether it lets the service write where the settings send it.

use super::Finding;
use crate::config::{Config, FILE, Raw, SETTINGS, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The unit that Debian's package brings.
const UNIT: &str = "monarc-stats.service";
/// Where units are, the first that has one first.
const PLACES: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Directories that a unit names by their last part, each with where it is.
const NAMED: [(&str, &str); 4] = [
    ("StateDirectory", "/var/lib"),
    ("LogsDirectory", "/var/log"),
    ("CacheDirectory", "/var/cache"),
    ("RuntimeDirectory", "/run"),
];

/// Judges what the service's own file sets; what stands elsewhere is for a service that somebody starts by hand.
pub fn check(config: &Config, raw: &Raw) -> Vec<Finding> {
    let Some(writable) = read(&PLACES.map(PathBuf::from)).and_then(|unit| unit.writable()) else { return Vec::new() };
    let is_the_services =
        |name: &str| SETTINGS.iter().any(|setting| setting.name == name && raw.value(setting).1 == Source::File);
    let directory = |file: &Path| file.parent().map(Path::to_path_buf);
    let written = [
        ("STATS_DATABASE", directory(&config.store)),
        ("BACKUP_DIR", config.backup_dir.clone()),
        ("LOG_PATH", config.log_path.as_deref().and_then(directory)),
    ];
    let written = written.into_iter().filter(|(name, _)| is_the_services(name));
    let written: Vec<(&str, PathBuf)> = written.filter_map(|(name, path)| Some((name, path?))).collect();
    judge(&written, &writable)
}

fn judge(written: &[(&str, PathBuf)], writable: &[PathBuf]) -> Vec<Finding> {
    let is_refused = |(_, path): &&(&str, PathBuf)| !writable.iter().any(|place| path.starts_with(place));
    let refused: Vec<Finding> =
        written.iter().filter(is_refused).map(|(name, path)| refused(name, path, writable)).collect();
    match refused.is_empty() {
        true => vec![Finding::ok("unit", format!("{UNIT} lets the service write where {FILE} sends it"))],
        false => refused,
    }
}

fn refused(name: &str, path: &Path, writable: &[PathBuf]) -> Finding {
    let places = writable.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
    let path = path.display();
    let text = format!("{name}: {UNIT} lets the service write only below {places}, and not to {path}");
    let remedy = format!(
        "name a place there; or write the lines '[Service]' and 'ReadWritePaths={path}' into \
         /etc/systemd/system/{UNIT}.d/paths.conf, make {path} for the service's user, then 'systemctl daemon-reload' and \
         'systemctl restart monarc-stats'"
    );
    Finding::problem("unit", text, remedy)
}

/// What a unit says, all values of a name in order.
#[derive(Default)]
struct Unit(BTreeMap<String, Vec<String>>);

/// Reads the unit and what was changed with `systemctl edit`; none if none is installed.
fn read(places: &[PathBuf]) -> Option<Unit> {
    let mut unit = Unit::default();
    unit.add(&places.iter().find_map(|place| std::fs::read_to_string(place.join(UNIT)).ok())?);
    let mut changes = BTreeMap::new();
    for place in places.iter().rev() {
        let entries = std::fs::read_dir(place.join(format!("{UNIT}.d"))).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "conf"));
        changes.extend(files.map(|entry| (entry.file_name(), entry.path())));
    }
    for path in changes.into_values() {
        unit.add(&std::fs::read_to_string(path).unwrap_or_default());
    }
    Some(unit)
}

impl Unit {
    /// Adds lines; an empty value takes back those before it, as systemd does.
    fn add(&mut self, text: &str) {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
        for (name, value) in lines.filter_map(|line| line.split_once('=')) {
            let values = self.0.entry(name.trim().to_owned()).or_default();
            match value.trim() {
                "" => values.clear(),
                value => values.extend(value.split_whitespace().map(str::to_owned)),
            }
        }
    }

    fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The only places that the service can write to; none if it can write everywhere.
    fn writable(&self) -> Option<Vec<PathBuf>> {
        if self.values("ProtectSystem").last().is_none_or(|value| value != "strict") {
            return None;
        }
        let below = |(name, place): &(&str, &str)| {
            self.values(name).iter().map(|part| Path::new(place).join(part)).collect::<Vec<_>>()
        };
        let named = NAMED.iter().flat_map(below);
        let listed = self.values("ReadWritePaths").iter().map(|path| path.trim_start_matches(['-', '+']).into());
        Some(named.chain(listed).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn the_units_places_are_those_of_the_package_and_of_what_was_edited() {
        let directory = tempfile::tempdir().unwrap();
        let places = ["etc", "lib"].map(|name| directory.path().join(name));
        for place in &places {
            std::fs::create_dir_all(place.join("monarc-stats.service.d")).unwrap();
        }
        assert!(read(&places).is_none());
        std::fs::write(places[1].join(UNIT), include_str!("../../../packaging/debian/monarc-stats.service")).unwrap();
        let writable = || read(&places).unwrap().writable();
        let packaged =
            ["/var/lib/monarc-stats", "/var/log/monarc-stats", "/var/backups/monarc-stats"].map(PathBuf::from);
        assert_eq!(writable().unwrap(), packaged);
        let change = |name: &str, text: &str| std::fs::write(places[0].join(format!("{UNIT}.d/{name}")), text).unwrap();
        change("override.conf", "[Service]\n# ReadWritePaths=/no\nReadWritePaths=/srv/backups /mnt/x\n");
        assert_eq!(writable().unwrap().len(), 5);
        change("paths.conf", "[Service]\nReadWritePaths=\nReadWritePaths=-/only\n");
        assert_eq!(writable().unwrap()[2..], [PathBuf::from("/only")]);
        change("z.conf", "[Service]\nProtectSystem=full\n");
        assert_eq!(writable(), None);
    }

    /// Bug: a place that the unit forbids was called well.
    #[test]
    fn a_place_that_the_unit_forbids_is_a_problem_with_a_remedy() {
        let writable = [PathBuf::from("/var/lib/monarc-stats"), PathBuf::from("/var/backups/monarc-stats")];
        let judged = |name, path: &str| judge(&[(name, path.into())], &writable).remove(0);
        assert_eq!(judged("BACKUP_DIR", "/var/backups/monarc-stats/daily").status, Status::Ok);
        assert_eq!(judged("STATS_DATABASE", "/var/lib/monarc-stats").status, Status::Ok);
        for path in ["/srv/backups", "/var/backups", "/var/lib/monarc-stats-2"] {
            let found = judged("BACKUP_DIR", path);
            assert_eq!(found.status, Status::Problem);
            assert!(
                found.message.contains("/var/backups/monarc-stats") && found.message.ends_with(path),
                "{}",
                found.message
            );
            assert!(found.remedy.contains(&format!("'ReadWritePaths={path}'")) && found.remedy.contains("paths.conf"));
        }
    }
}
