//! The table of settings: names, defaults and meanings.

/// One setting, as it is documented.
pub struct Setting {
    /// Environment variable.
    pub name: &'static str,
    /// Other names of the variable, and short names of the flag.
    pub aliases: &'static [&'static str],
    /// What holds if nothing is said; empty if nothing does.
    pub default: &'static str,
    /// Whether it is on or off, so that its flag needs no value.
    pub is_switch: bool,
    /// Whether its value must never be shown.
    pub is_secret: bool,
    /// What it means, for people.
    pub help: &'static str,
}

const PLAIN: Setting = Setting { name: "", aliases: &[], default: "", is_switch: false, is_secret: false, help: "" };

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "STATS_DATABASE",
        aliases: &["STORE"],
        help: "the store's file; by default stats.db in $STATE_DIRECTORY, else in the user's data directory",
        ..PLAIN
    },
    Setting { name: "HOST", aliases: &["STATS_HOST"], default: "127.0.0.1", help: "address to listen on", ..PLAIN },
    Setting {
        name: "PORT",
        aliases: &["STATS_PORT"],
        default: "5005",
        help: "port to listen on; 0 takes a free one",
        ..PLAIN
    },
    Setting {
        name: "INSTANCE_URL",
        aliases: &["STATS_INSTANCE_URL"],
        help: "address under which others reach this service; by default http://HOST:PORT",
        ..PLAIN
    },
    Setting { name: "SCRIPT_NAME", help: "path under which a proxy serves it, such as /dashboard", ..PLAIN },
    Setting {
        name: "FIX_PROXY",
        is_switch: true,
        default: "off",
        help: "trust X-Forwarded-* headers of the proxy",
        ..PLAIN
    },
    Setting {
        name: "TRUSTED_PROXIES",
        help: "addresses of proxies beside the loopback ones, comma-separated, for FIX_PROXY",
        ..PLAIN
    },
    Setting {
        name: "ADMIN_TOKEN",
        is_secret: true,
        help: "token of the client \"admin\", made sure of at start; --admin-token - reads it from standard input",
        ..PLAIN
    },
    Setting {
        name: "FIRST_CLIENT",
        help: "client made together with the store, its token printed this once; not if there is an ADMIN_TOKEN to make clients with",
        ..PLAIN
    },
    Setting { name: "ADMIN_EMAIL", help: "whom to write to about this instance", ..PLAIN },
    Setting { name: "ADMIN_URL", help: "page about whoever runs this instance", ..PLAIN },
    Setting {
        name: "CLIENT_REGISTRATION_OPEN",
        is_switch: true,
        default: "on",
        help: "whether an admin may make clients through the API",
        ..PLAIN
    },
    Setting {
        name: "MAX_OBJECTS",
        default: "20000",
        help: "distinct threats, vulnerabilities and categories that one client may have, each kilobyte of their names counting as one more; a central instance raises it",
        ..PLAIN
    },
    Setting {
        name: "MAX_BATCH",
        default: "512",
        help: "largest body of a POST of stats, in megabytes; it lies on the disk while it is taken in",
        ..PLAIN
    },
    Setting {
        name: "REMOTE_STATS_SERVER",
        default: "https://dashboard.monarc.lu",
        help: "instance to push to and pull from",
        ..PLAIN
    },
    Setting {
        name: "SHARE_LEVEL",
        default: "categories",
        help: "what of a compliance is shared: categories leaves its controls out, full sends all of it",
        ..PLAIN
    },
    Setting { name: "REMOTE_STATS_TOKEN", is_secret: true, help: "token for that instance", ..PLAIN },
    Setting {
        name: "MOSP_URL",
        default: "https://objects.monarc.lu",
        help: "the MONARC objects sharing platform; empty turns look-ups off",
        ..PLAIN
    },
    Setting {
        name: "PUBLIC_PAGES",
        is_switch: true,
        default: "on",
        help: "whether there are pages and public JSON beside the API",
        ..PLAIN
    },
    Setting {
        name: "PUBLIC_MIN_CLIENTS",
        help: "organisations from which on the public sees something, 3 or more, in weekly releases; 1 shows everything live; by default 1 if only this machine reaches the service, else 3",
        ..PLAIN
    },
    Setting {
        name: "ALLOWED_HOSTS",
        help: "names beside that of INSTANCE_URL under which a live service on loopback answers browsers, comma-separated",
        ..PLAIN
    },
    Setting {
        name: "MAP",
        is_switch: true,
        default: "off",
        help: "whether the public map shows each client with coordinates and what weighs most there",
        ..PLAIN
    },
    Setting {
        name: "NOTICE",
        help: "line that stands on every page and in the feed, such as when the service is away",
        ..PLAIN
    },
    Setting {
        name: "FRAME_ANCESTORS",
        help: "sites that may embed the pages, separated by spaces, such as https://intranet.example; by default none",
        ..PLAIN
    },
    Setting {
        name: "DATA_LICENCE",
        help: "licence of the public figures, such as CC-BY-4.0, said beside each table; by default nothing is said",
        ..PLAIN
    },
    Setting {
        name: "PUSH_EVERY",
        help: "how often the service pushes by itself, such as 1d, 12h or 30m; by default never",
        ..PLAIN
    },
    Setting {
        name: "BENCHMARK_EVERY",
        help: "how often the service fetches what REMOTE_STATS_SERVER publishes for everybody, such as 1d, to stand beside one's own figures; without a token; by default never",
        ..PLAIN
    },
    Setting {
        name: "PURGE_AFTER_MONTHS",
        help: "months after which the service deletes stats by itself, once a day, counted from the eighth newest day with stats if the clock is ahead of it; by default never",
        ..PLAIN
    },
    Setting {
        name: "BACKUP_DIR",
        help: "directory of this store's own into which the service backs it up once a day; by default never",
        ..PLAIN
    },
    Setting {
        name: "BACKUP_KEEP",
        default: "7",
        help: "backups to keep in BACKUP_DIR; older ones are deleted",
        ..PLAIN
    },
    Setting {
        name: "WATCH_SILENT",
        default: "36h",
        help: "time after which a client that used to send is missed, such as 36h or 3d; 0 for never",
        ..PLAIN
    },
    Setting {
        name: "WATCH_COMMAND",
        help: "program that is told, as JSON on its standard input, when something begins or ends that an operator should know",
        ..PLAIN
    },
    Setting { name: "LOG_PATH", help: "file to append the log to; by default standard error", ..PLAIN },
    Setting { name: "UPDATE_COMMAND", help: "program that /admin/update.json runs; without it that is a 501", ..PLAIN },
    Setting {
        name: "ALLOW_NETWORK_STORE",
        is_switch: true,
        default: "off",
        help: "serve a store on a network or shared folder, where locks do not hold; only if no other machine ever opens it",
        ..PLAIN
    },
    Setting {
        name: "STORE_MUST_EXIST",
        is_switch: true,
        default: "off",
        help: "refuse to start on an empty store, for machines that must already have one",
        ..PLAIN
    },
];

/// What the variable `TZ` means: the system's own name, so that it has no flag.
pub const TIME_ZONE: &str = "the time zone of \"today\", such as Europe/Luxembourg; by default the machine's";

/// Variables of the reference implementation that mean nothing here; they are named once in the log.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "DB_HOST",
    "DB_HOSTNAME",
    "DB_PORT",
    "DB_USER",
    "DB_USERNAME",
    "DB_PASSWORD",
    "DB_NAME",
    "DB_PATH",
    "SECRET_KEY",
    "STATS_CONFIG",
    "DEBUG",
    "TESTING",
    "ENVIRONMENT",
    "FLASK_APP",
    "FLASK_ENV",
    "FLASK_DEBUG",
    "SECURITY_PASSWORD_SALT",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_TRACK_MODIFICATIONS",
    "STATS_SECRET_KEY",
    "STATS_DB_HOST",
    "STATS_DB_NAME",
    "STATS_DB_USER",
    "STATS_DB_PASSWORD",
];

impl Setting {
    /// The variable's name and its others.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Its flag, such as `--port`.
    pub fn flag(&self) -> String {
        flag(self.name)
    }

    /// That flag, and those that are shorter.
    pub fn flags(&self) -> Vec<String> {
        let shorter = self.aliases.iter().filter(|alias| alias.len() < self.name.len());
        std::iter::once(self.name).chain(shorter.copied()).map(flag).collect()
    }

    /// Whether this word is its flag, or a short one.
    pub(super) fn has_flag(&self, word: &str) -> bool {
        word.starts_with("--") && (word == self.flag() || self.aliases.iter().any(|alias| word == flag(alias)))
    }
}

fn flag(name: &str) -> String {
    format!("--{}", name.to_lowercase().replace('_', "-"))
}
