//! The move from the reference implementation, with a real PostgreSQL in a private cluster.
//!
//! It needs Debian's package `postgresql`. Where there is none the test says so on standard error; with
//! `MONARC_STATS_NEED_POSTGRESQL=1` in the environment that is a failure.

use crate::common::Place;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// PostgreSQL does not run as root; this is the user "nobody", and its group.
const NOBODY: u32 = 65_534;

/// The tables as the reference has them, with what goes wrong in them.
const TABLES: &str = r#"
CREATE TABLE client (
    id serial PRIMARY KEY, uuid uuid UNIQUE, name varchar(100) NOT NULL, token varchar(100), role integer,
    latitude varchar(100), longitude varchar(100), last_seen timestamp, local boolean, is_sharing_enabled boolean,
    created_at timestamp, updated_at timestamp, is_active boolean);
CREATE TABLE stats (
    uuid uuid PRIMARY KEY, anr uuid NOT NULL, type varchar(100) NOT NULL, date date NOT NULL, data jsonb NOT NULL,
    created_at timestamp NOT NULL, client_id integer REFERENCES client (id));
INSERT INTO client (uuid, name, token, role, latitude, longitude, local, is_sharing_enabled, created_at, is_active)
VALUES
    ('5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e91', 'admin', 'reference-admin', 2, NULL, NULL, true, false, '2021-01-01', true),
    ('5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e92', 'L''"Étoile", Sàrl', 'reference-fo', 1, '49.61', '6.13', true, true,
        '2021-05-05 10:00:00.25', true);
INSERT INTO stats
SELECT
    ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01', 'threat',
    date '2026-01-01' + n, jsonb_build_array(jsonb_build_object(
        'uuid', 'b402d4e0-4576-11e9-9173-0800277f0571', 'label1', E'Vol d''éq"uip\n', 'label2', NULL,
        'count', n, 'maxRisk', 9, 'averageRate', '2.83')),
    timestamp '2026-01-01 04:00:00.5' + n * interval '1 day', 2
FROM generate_series(0, 299) AS n;
-- A forced collection, which the reference keeps beside the first one; written before it.
INSERT INTO stats
SELECT '00000000-0000-4000-9000-000000000007', anr, type, date, '[]', created_at + interval '1 hour', client_id
FROM stats WHERE uuid = '00000000-0000-4000-8000-000000000007';
INSERT INTO stats
SELECT '00000000-0000-4000-9000-000000000008', anr, type, date, '[]', created_at - interval '1 hour', client_id
FROM stats WHERE uuid = '00000000-0000-4000-8000-000000000008';
-- What breaks every dashboard of the reference.
INSERT INTO stats VALUES
    ('00000000-0000-4000-a000-000000000001', '5f0c5d8e-6f0e-4b4e-9d0a-3c1f5a7b2e01', 'risk', '2026-11-01', '{"odd": 1}',
        '2026-11-01', 2);
"#;

/// A cluster of its own, on a socket in its own directory; it ends with this.
struct Cluster {
    directory: TempDir,
    programs: PathBuf,
    server: Option<Child>,
}

impl Cluster {
    /// Starts one, or says why that cannot be.
    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("there is no /usr/lib/postgresql/*/bin/postgres: install 'postgresql'")?;
        let directory = TempDir::new().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut cluster = Self { directory, programs, server: None };
        if cluster.is_root() {
            chown(cluster.directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = cluster.path().join("data").display().to_string();
        let words = ["-D", &data, "-U", "stats", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        let made = cluster.command("initdb", &words).output().map_err(|error| format!("initdb: {error}"))?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let socket = format!("unix_socket_directories={}", cluster.path().display());
        let words = ["-D", &data, "-c", "listen_addresses=", "-c", &socket, "-c", "fsync=off"];
        cluster.server = Some(cluster.command("postgres", &words).stderr(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        while !cluster.sql("postgres", "SELECT 1").status.success() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(cluster)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn is_root(&self) -> bool {
        std::fs::metadata("/proc/self").unwrap().uid() == 0
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let path = self.programs.join(program);
        let mut command = match self.is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(path);
                command
            }
            false => Command::new(path),
        };
        command.args(words).current_dir(self.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn sql(&self, database: &str, text: &str) -> std::process::Output {
        let host = self.path().display().to_string();
        let words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", &host, "-U", "stats", "-d", database, "-c", text];
        self.command("psql", &words).output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // A fast shutdown; should it hang, the next line ends it.
            let _ = Command::new("kill").args(["-s", "INT", &server.id().to_string()]).status();
            let deadline = Instant::now() + Duration::from_secs(10);
            while matches!(server.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.map_while(Result::ok).map(|entry| entry.path().join("bin")).collect();
    found.retain(|path| path.join("postgres").exists() && path.join("psql").exists());
    found.sort();
    found.pop()
}

/// The commands for psql in the help of `import`, as people will copy them.
fn documented(place: &Place) -> Vec<String> {
    let help = place.ok(&["import", "--help"]);
    let commands: Vec<String> =
        help.lines().map(str::trim).filter(|line| line.starts_with("psql ")).map(str::to_owned).collect();
    assert_eq!(commands.len(), 2, "{help}");
    commands
}

#[test]
fn tables_of_a_real_postgresql_move_in() {
    let cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("MONARC_STATS_NEED_POSTGRESQL").is_none(), "{reason}");
            // Not eprintln: what a passing test prints is not shown.
            let _ = writeln!(std::io::stderr(), "NOT TESTED: the move from PostgreSQL, because {reason}");
            return;
        }
    };
    for (database, text) in [("postgres", "CREATE DATABASE statsservice"), ("statsservice", TABLES)] {
        let output = cluster.sql(database, text);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let place = Place::new();
    let tables = place.path().join("tables");
    std::fs::create_dir(&tables).unwrap();
    for command in documented(&place) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(&tables).env("PGHOST", cluster.path()).env("PGUSER", "stats");
        let path = format!("{}:{}", cluster.programs.display(), std::env::var("PATH").unwrap());
        let output = shell.env("PATH", path).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    drop(cluster);
    let directory = tables.display().to_string();
    let output = place.run(&["import", "--new-store", "--from-reference", &directory]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with("\nimported 300, already there 0, outdated 2, left out 1, new clients 2\n"), "{said}");
    assert!(
        errors.contains("stats.csv:") && errors.contains("data.scales") || errors.contains("data.risks"),
        "{errors}"
    );
    let again = place.ok(&["import", "--from-reference", &directory]);
    assert!(again.ends_with("\nimported 0, already there 300, outdated 2, left out 1, new clients 0\n"), "{again}");
    check(&place);
}

fn check(place: &Place) {
    let stats: Vec<Value> = place.ok(&["export"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(stats.len(), 300);
    let of = |date: &str| stats.iter().find(|stat| stat["date"] == json!(date)).unwrap();
    assert_eq!(of("2026-01-08")["uuid"], json!("00000000-0000-4000-9000-000000000007"));
    assert_eq!(of("2026-01-09")["uuid"], json!("00000000-0000-4000-8000-000000000008"));
    assert_eq!(of("2026-01-08")["created_at"], json!("2026-01-08T05:00:00Z"));
    let data = &of("2026-04-11")["data"][0];
    assert_eq!((&data["label1"], &data["count"]), (&json!("Vol d'éq\"uip\n"), &json!(100)));
    place.ok(&["database", "check"]);
    let service = place.serve();
    let me = service.get("/api/v1/client/me").token("reference-fo").send().expect(200).json();
    assert_eq!(me["name"], json!("L'\"Étoile\", Sàrl"));
    let read = json!({"type": "threat", "date_from": "2026-01-01", "date_to": "2026-12-31"});
    let read = service.get("/api/v1/stats/").token("reference-fo").json(&read).send().expect(200).json();
    assert_eq!(read["metadata"]["count"], json!("300"));
    assert!(place.ok(&["client", "list"]).contains("admin"));
    assert_eq!(service.get("/map/clients.json").send().expect(200).text(), "[]");
}
