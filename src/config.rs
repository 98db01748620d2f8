//! Settings: what was typed and what the environment says become one [`Config`], validated once.
//!
//! [`SETTINGS`], in `config/settings.rs`, is the whole truth about names, defaults and meaning; flags, environment, `config` and the help read
//! it. A flag is the variable's name in lower case with dashes: `PORT` is `--port`.

mod file;
mod proxies;
mod public;
mod raw;
mod settings;
mod unknown_settings;

use crate::error::{Error, Result};
use crate::model::text::without_password;
use crate::model::{ShareLevel, Token};
pub use file::FILE;
pub use proxies::Proxies;
pub use public::PublicMinClients;
pub use raw::{Raw, Source};
pub use settings::{SETTINGS, Setting, TIME_ZONE};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
pub use unknown_settings::closest;

/// Everything the program needs to know, validated.
pub struct Config {
    /// `STATS_DATABASE`
    pub store: PathBuf,
    /// `HOST`
    pub host: IpAddr,
    /// `PORT`
    pub port: u16,
    /// `INSTANCE_URL`, without a slash at its end.
    pub instance_url: Option<String>,
    /// `SCRIPT_NAME`, with a slash at its beginning only, or empty.
    pub prefix: String,
    /// `FIX_PROXY`
    pub fix_proxy: bool,
    /// `TRUSTED_PROXIES`
    pub trusted_proxies: Vec<IpAddr>,
    /// `ADMIN_TOKEN`
    pub admin_token: Option<Token>,
    /// `FIRST_CLIENT`
    pub first_client: Option<String>,
    /// `ADMIN_EMAIL`
    pub admin_email: Option<String>,
    /// `ADMIN_URL`
    pub admin_url: Option<String>,
    /// `MAX_BATCH`, in bytes.
    pub max_batch: usize,
    /// `CLIENT_REGISTRATION_OPEN`
    pub registration_open: bool,
    /// `MAX_OBJECTS`
    pub max_objects: usize,
    /// `REMOTE_STATS_SERVER`
    pub remote: String,
    /// `REMOTE_STATS_TOKEN`
    pub remote_token: Option<Token>,
    /// `SHARE_LEVEL`
    pub share_level: ShareLevel,
    /// `MOSP_URL`
    pub mosp: Option<String>,
    /// `PUBLIC_PAGES`
    pub public_pages: bool,
    /// `PUBLIC_MIN_CLIENTS`
    pub public_min_clients: PublicMinClients,
    /// `ALLOWED_HOSTS`
    pub allowed_hosts: Vec<String>,
    /// `NOTICE`
    pub notice: Option<String>,
    /// `MAP`
    pub map: bool,
    /// `FRAME_ANCESTORS`, as a Content-Security-Policy has it.
    pub frame_ancestors: Option<String>,
    /// `DATA_LICENCE`
    pub data_licence: Option<String>,
    /// `LOG_PATH`
    pub log_path: Option<PathBuf>,
    /// `UPDATE_COMMAND`
    pub update_command: Option<PathBuf>,
    /// Whether the store may be on a disk that other machines share.
    pub allow_network_store: bool,
    /// `STORE_MUST_EXIST`
    pub store_must_exist: bool,
    /// `PUSH_EVERY`
    pub push_every: Option<Duration>,
    /// `BENCHMARK_EVERY`
    pub benchmark_every: Option<Duration>,
    /// `PURGE_AFTER_MONTHS`
    pub purge_after_months: Option<u16>,
    /// `WATCH_SILENT`
    pub watch_silent: Option<Duration>,
    /// `WATCH_COMMAND`
    pub watch_command: Option<PathBuf>,
    /// `BACKUP_DIR`
    pub backup_dir: Option<PathBuf>,
    /// `BACKUP_KEEP`
    pub backup_keep: usize,
    /// The proxies that the environment names.
    pub proxies: Proxies,
    /// A hash of all settings and of this program's version: what is made from them is out of date when it is another.
    pub fingerprint: String,
}

impl Config {
    /// Validates what was typed.
    ///
    /// # Errors
    /// `Invalid`, naming the variable and what is wrong with its value.
    pub fn new(raw: &Raw) -> Result<Self> {
        raw.check_names()?;
        let read = Reader { raw };
        if let Some(zone) = raw.environment.get("TZ").filter(|zone| !zone.is_empty()) {
            let name = zone.trim_start_matches(':');
            let known = jiff::tz::TimeZone::get(name).is_ok() || jiff::tz::TimeZone::posix(name).is_ok();
            if !known && !name.starts_with('/') {
                return Err(unusable("TZ", zone, "no time zone of this name is known"));
            }
        }
        Ok(Self {
            store: read.store()?,
            host: read.parsed("HOST", host)?,
            port: read.parsed("PORT", |text| text.parse().map_err(|_| "a port is a number from 0 to 65535".into()))?,
            instance_url: read.optional("INSTANCE_URL", url)?,
            prefix: read.parsed("SCRIPT_NAME", prefix)?,
            fix_proxy: read.parsed("FIX_PROXY", switch)?,
            trusted_proxies: read.parsed("TRUSTED_PROXIES", addresses)?,
            admin_token: read.optional("ADMIN_TOKEN", Token::new)?,
            first_client: read
                .optional("FIRST_CLIENT", |text| crate::model::client::check_name(text).map(|()| text.to_owned()))?,
            admin_email: read.optional("ADMIN_EMAIL", line)?,
            admin_url: read.optional("ADMIN_URL", url)?,
            max_batch: read.parsed("MAX_BATCH", megabytes)?,
            registration_open: read.parsed("CLIENT_REGISTRATION_OPEN", switch)?,
            max_objects: read.parsed("MAX_OBJECTS", objects)?,
            remote: read.parsed("REMOTE_STATS_SERVER", url)?,
            remote_token: read.optional("REMOTE_STATS_TOKEN", Token::new)?,
            share_level: read.parsed("SHARE_LEVEL", ShareLevel::parse)?,
            mosp: read.optional("MOSP_URL", url)?,
            public_pages: read.parsed("PUBLIC_PAGES", switch)?,
            public_min_clients: read.public_min_clients()?,
            allowed_hosts: read.parsed("ALLOWED_HOSTS", public::hosts)?,
            notice: read.optional("NOTICE", public::notice)?,
            map: read.parsed("MAP", switch)?,
            frame_ancestors: read.optional("FRAME_ANCESTORS", ancestors)?,
            data_licence: read.optional("DATA_LICENCE", line)?,
            log_path: read.optional("LOG_PATH", path)?,
            update_command: read.optional("UPDATE_COMMAND", path)?,
            allow_network_store: read.parsed("ALLOW_NETWORK_STORE", switch)?,
            store_must_exist: read.parsed("STORE_MUST_EXIST", switch)?,
            push_every: read.optional("PUSH_EVERY", period)?,
            benchmark_every: read.optional("BENCHMARK_EVERY", period)?,
            purge_after_months: read.optional("PURGE_AFTER_MONTHS", |text| at_least_one(text, "months"))?,
            watch_silent: read
                .parsed("WATCH_SILENT", |text| if text == "0" { Ok(None) } else { period(text).map(Some) })?,
            watch_command: read.optional("WATCH_COMMAND", path)?,
            backup_dir: read.optional("BACKUP_DIR", path)?,
            backup_keep: read.parsed("BACKUP_KEEP", |text| at_least_one(text, "backups"))?.into(),
            proxies: Proxies::new(&raw.variables())?,
            fingerprint: raw.fingerprint(),
        })
    }

    /// Whether there is a map of clients: never where no single one may be told from others.
    pub fn shows_map(&self) -> bool {
        self.map && self.public_min_clients.is_live()
    }

    /// The address under which others reach the service.
    pub fn public_url(&self) -> String {
        let own = || match self.host.is_unspecified() {
            // What it listens on then is everywhere, and nobody can go there: this machine has a name.
            true => format!("http://{}:{}", machine_name(self.host), self.port),
            false => format!("http://{}", SocketAddr::new(self.host, self.port)),
        };
        self.instance_url.clone().unwrap_or_else(own)
    }

    /// Where browsers find the pages, without a slash at its end: the public address, with the path of a proxy behind it if
    /// it does not have that itself.
    pub fn view_url(&self) -> String {
        let url = self.public_url();
        if url.ends_with(&self.prefix) { url } else { format!("{url}{}", self.prefix) }
    }

    /// How whoever runs this instance can be reached, as every page and file says it: an e-mail address, then a URL.
    pub fn contacts(&self) -> Vec<&str> {
        [&self.admin_email, &self.admin_url].into_iter().flatten().map(String::as_str).collect()
    }
}

/// This machine's name in its network; the loopback address if it has none.
fn machine_name(host: IpAddr) -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match name.as_str() {
        "" | "(none)" if host.is_ipv6() => "[::1]".into(),
        "" | "(none)" => Ipv4Addr::LOCALHOST.to_string(),
        _ => name,
    }
}

struct Reader<'a> {
    raw: &'a Raw,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> String {
        SETTINGS
            .iter()
            .find(|setting| setting.name == name)
            .map(|setting| self.raw.value(setting).0)
            .unwrap_or_default()
    }

    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<T> {
        let text = self.text(name);
        parse(&text).map_err(|reason| {
            let secret = SETTINGS.iter().any(|setting| setting.name == name && setting.is_secret);
            unusable(name, if secret { "…" } else { &text }, &reason)
        })
    }

    fn optional<T>(&self, name: &str, parse: impl Fn(&str) -> std::result::Result<T, String>) -> Result<Option<T>> {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name, parse).map(Some) }
    }

    fn public_min_clients(&self) -> Result<PublicMinClients> {
        let host = self.parsed("HOST", host)?;
        let has_proxy = self.parsed("FIX_PROXY", switch)? || !self.text("TRUSTED_PROXIES").is_empty();
        self.parsed("PUBLIC_MIN_CLIENTS", |text| PublicMinClients::new(text, host, has_proxy))
    }

    fn store(&self) -> Result<PathBuf> {
        let given = self.text("STATS_DATABASE");
        if !given.is_empty() {
            return self.parsed("STATS_DATABASE", store_file);
        }
        let variable = |name: &str| self.raw.environment.get(name).filter(|value| !value.is_empty());
        if let Some(name) =
            ["STATE_DIRECTORY", "XDG_DATA_HOME", "HOME"].into_iter().find(|name| self.raw.is_no_text(name))
        {
            return Err(unusable(name, "…", "it is not UTF-8; STATS_DATABASE names the store's file"));
        }
        if let Some(error) = self.raw.unreadable.as_ref().filter(|_| variable("STATE_DIRECTORY").is_none()) {
            // A store of one's own would be made silently, beside that of the service.
            let text = format!("{FILE} cannot be read ({error}): run this as root, or name the store with --store");
            return Err(Error::invalid(text));
        }
        let directory = if let Some(state) = variable("STATE_DIRECTORY") {
            PathBuf::from(state.split(':').next().unwrap_or(state))
        } else if let Some(data) = variable("XDG_DATA_HOME") {
            PathBuf::from(data).join("monarc-stats")
        } else if let Some(home) = variable("HOME") {
            PathBuf::from(home).join(".local/share/monarc-stats")
        } else {
            return Err(Error::invalid("no place for the store is known: set STATS_DATABASE to the path of its file"));
        };
        Ok(directory.join("stats.db"))
    }
}

fn unusable(name: &str, value: &str, reason: &str) -> Error {
    Error::invalid(format!("{name}={:?} cannot be used: {reason}", without_password(value)))
}

/// A path, and not what only a shell or another program understands.
fn path(text: &str) -> std::result::Result<PathBuf, String> {
    match text {
        _ if text.starts_with('~') => Err("only a shell knows what ~ is: write the path out".into()),
        _ if text.starts_with("file:") || text.contains("://") => Err("a path is needed, not an address".into()),
        _ => Ok(text.into()),
    }
}

/// The path of a file for the store.
fn store_file(text: &str) -> std::result::Result<PathBuf, String> {
    if text.starts_with(':') {
        return Err("a store in memory would be lost: the path of a file is needed".into());
    }
    let path = path(text)?;
    if text.ends_with('/') || path.is_dir() {
        return Err("it is a directory: name a file in it, such as stats.db".into());
    }
    Ok(path)
}

fn host(text: &str) -> std::result::Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.trim_matches(['[', ']']).parse().map_err(|_| "an IP address is needed, such as 127.0.0.1 or 0.0.0.0".into())
}

fn addresses(text: &str) -> std::result::Result<Vec<IpAddr>, String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(host).collect()
}

/// Reads on and off in the ways people write them.
pub fn switch(text: &str) -> std::result::Result<bool, String> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Ok(true),
        "0" | "false" | "off" | "no" => Ok(false),
        _ => Err("on or off is needed".into()),
    }
}

/// An address that begins with `http://` or `https://`, without a slash at its end; the error says what is wrong.
pub fn url(text: &str) -> std::result::Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/'))
        || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err("an address is needed that begins with http:// or https://".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Sources as a policy lists them; nothing in them may end the directive or the header.
fn ancestors(text: &str) -> std::result::Result<String, String> {
    let is_source = |word: &str| {
        matches!(word, "'none'" | "'self'" | "*")
            || (word.contains("://") || word.contains('.') || word.contains(':'))
                && word.chars().all(|c| c.is_ascii_alphanumeric() || ":/.*-_[]".contains(c))
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.iter().find(|word| !is_source(word)) {
        None => Ok(words.join(" ")),
        Some(word) => {
            Err(format!("{word:?} is no site; 'self', *, and addresses such as https://intranet.example are"))
        }
    }
}

/// A time: a number of weeks, days, hours or minutes; the error says what is needed.
pub fn period(text: &str) -> std::result::Result<Duration, String> {
    let reason = || "a time is needed such as 1d, 12h or 30m, and at least a minute".to_owned();
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[number.len()..] {
        "w" => 7 * 86_400,
        "d" => 86_400,
        "h" => 3600,
        "m" => 60,
        _ => return Err(reason()),
    };
    let number: u32 = number.parse().map_err(|_| reason())?;
    if number == 0 { Err(reason()) } else { Ok(Duration::from_secs(u64::from(number) * unit)) }
}

fn objects(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number of objects is needed, at least 1".into())
}

/// A number of megabytes, in bytes.
fn megabytes(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << 20));
    bytes.ok_or_else(|| "a number of megabytes is needed, at least 1".to_owned())
}

fn at_least_one(text: &str, what: &str) -> std::result::Result<u16, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("a number of {what} is needed, at least 1"))
}

fn line(text: &str) -> std::result::Result<String, String> {
    if text.chars().any(char::is_control) { Err("it must be one line".into()) } else { Ok(text.to_owned()) }
}

/// A path prefix without a slash at its end; the error says what is wrong with it.
pub fn prefix(text: &str) -> std::result::Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let safe = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if !trimmed.is_empty()
        && (!trimmed.starts_with('/') || trimmed.contains("//") || trimmed.contains("..") || !trimmed.chars().all(safe))
    {
        return Err("a path is needed that begins with a slash, such as /dashboard".into());
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(words: &[&str], variables: &[(&str, &str)]) -> (Raw, Vec<String>) {
        let (mut raw, rest) = Raw::take(words.iter().map(ToString::to_string).collect()).unwrap();
        raw.add_environment(variables.iter().map(|(name, value)| (name.into(), value.into())));
        (raw, rest)
    }

    fn config(words: &[&str], variables: &[(&str, &str)]) -> Result<Config> {
        Config::new(&raw(words, &[variables, &[("HOME", "/home/x")]].concat()).0)
    }

    #[test]
    fn flags_win_over_variables_and_stand_anywhere() {
        let public = |words: &[&str]| config(words, &[]).unwrap().public_pages;
        assert!(!public(&["--public-pages", "off"]) && !public(&["--public-pages=off", "serve"]));
        let (_, left) = raw(&["--fix-proxy", "serve", "--map", "no"], &[]);
        assert_eq!(left, ["serve"]);
        let config_of =
            config(&["--port", "1", "serve", "--host=::1", "--fix-proxy"], &[("PORT", "2"), ("FIX_PROXY", "0")])
                .unwrap();
        assert_eq!((config_of.port, config_of.fix_proxy), (1, true));
        assert_eq!(config_of.host.to_string(), "::1");
        let (_, rest) = raw(&["--port", "1", "client", "create", "--store=x", "--name", "n"], &[]);
        assert_eq!(rest, ["client", "create", "--name", "n"]);
    }

    #[test]
    fn the_file_says_what_nothing_else_says() {
        let (mut raw, _) = raw(&["--port", "1"], &[("HOST", "::1"), ("HOME", "/home/x"), ("MAP", "")]);
        raw.add_file(Ok("PORT=2\nHOST=127.0.0.2\nMAP=on\nSTATS_DATABASE=/var/lib/x.db\n".into()));
        let config = Config::new(&raw).unwrap();
        assert_eq!((config.port, config.host.to_string().as_str(), config.map), (1, "::1", true));
        assert_eq!(config.store, PathBuf::from("/var/lib/x.db"));
        raw.add_file(Ok("DB_HOST=x\nHTTPS_PROXY=http://p\nLC_ALL=C\n".into()));
        assert_eq!((raw.unknown(), raw.without_effect()), (vec![], vec!["DB_HOST"]));
        Config::new(&raw).unwrap();
    }

    /// Bug: a misspelt name in the service's own file was a warning of the doctor's, if anything.
    #[test]
    fn a_misspelt_name_in_the_file_is_an_error_that_names_its_line() {
        for (text, expected) in [
            ("PORT=1\n\nBACKUP_DIRS=/b\n", ":3: BACKUP_DIRS is no setting; is BACKUP_DIR meant?"),
            ("PROT=1\n", ":1: PROT is no setting; is PORT meant?"),
            ("COLOUR=red\n", ":1: COLOUR is no setting; 'monarc-stats config --template' lists them"),
            ("# good\nPORT 5000\n", ":2: it is no NAME=value"),
        ] {
            let (mut raw, _) = raw(&[], &[("HOME", "/home/x")]);
            raw.add_file(Ok(text.into()));
            let error = Config::new(&raw).err().unwrap();
            assert_eq!(error.message, format!("{FILE}{expected}"));
        }
    }

    #[test]
    fn what_is_not_utf_8_is_told_where_it_matters() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        let judged = |words: &[&str], name: &str| {
            let (mut raw, _) = raw(words, &[("HOME", "/home/x")]);
            raw.add_environment([(name.into(), OsString::from_vec(vec![b'/', 0xff]))]);
            Config::new(&raw).map(|config| config.store).map_err(|error| error.message)
        };
        for name in ["STATS_DATABASE", "STORE", "PORT", "STATS_PORT", "LOG_PATH", "TZ", "XDG_DATA_HOME", "HTTPS_PROXY"]
        {
            let error = judged(&[], name).err().unwrap();
            assert!(error.starts_with(name) && error.contains("not UTF-8"), "{error}");
        }
        assert_eq!(judged(&["--port", "1"], "PORT"), Ok("/home/x/.local/share/monarc-stats/stats.db".into()));
        assert_eq!(judged(&["--store", "/x.db"], "HOME"), Ok("/x.db".into()));
        assert!(judged(&[], "LESS").is_ok());
        let (mut raw, _) = raw(&[], &[("HOME", "/home/x")]);
        raw.add_file(Err(std::io::ErrorKind::InvalidData.into()));
        assert!(Config::new(&raw).err().unwrap().message.contains(FILE));
    }

    /// Bug: whoever may not read the service's settings made a store of his own without a word.
    #[test]
    fn a_file_that_cannot_be_read_is_told_where_it_matters() {
        let denied = || Err(std::io::ErrorKind::PermissionDenied.into());
        let (mut of_others, _) = raw(&[], &[("HOME", "/home/x")]);
        of_others.add_file(denied());
        let error = Config::new(&of_others).err().unwrap();
        assert!(error.message.contains(FILE) && error.message.contains("as root"), "{}", error.message);
        let (mut named, _) = raw(&["--store", "/tmp/x.db"], &[("HOME", "/home/x")]);
        named.add_file(denied());
        assert_eq!(Config::new(&named).unwrap().store, PathBuf::from("/tmp/x.db"));
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        for (name, value) in [
            ("PORT", "99999"),
            ("STATS_DATABASE", "file:/x.db?mode=memory"),
            ("STATS_DATABASE", ":memory:"),
            ("STATS_DATABASE", "sqlite:////x.db"),
            ("STATS_DATABASE", "~/x.db"),
            ("STATS_DATABASE", "/tmp"),
            ("STATS_DATABASE", "/nowhere/"),
            ("BACKUP_DIR", "~/backups"),
            ("LOG_PATH", "file:///x.log"),
            ("HTTPS_PROXY", "socks5h://p:1080"),
            ("ALL_PROXY", "socks://p"),
            ("http_proxy", "ftp://p"),
            ("HTTP_PROXY", "http://"),
            ("REMOTE_STATS_SERVER", "ftp://me:s3cret@x"),
            ("ALL_PROXY", "socks5://me:s3cret@p"),
            ("HOST", "nowhere"),
            ("FIX_PROXY", "maybe"),
            ("SCRIPT_NAME", "dashboard"),
            ("SCRIPT_NAME", "/a/../b"),
            ("INSTANCE_URL", "ftp://x"),
            ("ADMIN_TOKEN", "with space"),
            ("FIRST_CLIENT", "a\nb"),
            ("TZ", "Mars/Olympus"),
            ("TRUSTED_PROXIES", "10.0.0.1,x"),
            ("FRAME_ANCESTORS", "https://a.example; script-src *"),
            ("FRAME_ANCESTORS", "intranet"),
            ("MAP", "perhaps"),
            ("PUBLIC_MIN_CLIENTS", "2"),
            ("ALLOWED_HOSTS", "a b"),
            ("PUSH_EVERY", "daily"),
            ("PUSH_EVERY", "0d"),
            ("PUSH_EVERY", "30s"),
            ("PURGE_AFTER_MONTHS", "0"),
            ("BACKUP_KEEP", "-1"),
        ] {
            let error = config(&[], &[(name, value)]).err().unwrap();
            assert!(error.message.starts_with(name), "{}", error.message);
            assert!(!error.message.contains("with space") && !error.message.contains("s3cret"), "{}", error.message);
        }
    }

    #[test]
    fn the_store_has_a_place_without_being_told() {
        let of = |variables: &[(&str, &str)]| config(&[], variables).unwrap().store;
        assert_eq!(of(&[]), PathBuf::from("/home/x/.local/share/monarc-stats/stats.db"));
        assert_eq!(
            of(&[("STATE_DIRECTORY", "/var/lib/monarc-stats:/b")]),
            PathBuf::from("/var/lib/monarc-stats/stats.db")
        );
        assert_eq!(of(&[("STATS_DATABASE", "/x.db"), ("STATE_DIRECTORY", "/s")]), PathBuf::from("/x.db"));
        assert!(Config::new(&Raw::default()).is_err());
    }

    #[test]
    fn periods_are_written_as_people_write_them() {
        for (text, seconds) in [("1d", 86_400), ("12h", 43_200), ("30m", 1800), ("2w", 1_209_600)] {
            assert_eq!(period(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn an_empty_variable_is_not_set_but_turns_mosp_off() {
        assert_eq!(config(&[], &[("PORT", "")]).unwrap().port, 5005);
        assert_eq!(config(&[], &[("MOSP_URL", "")]).unwrap().mosp, None);
        assert!(config(&[], &[]).unwrap().mosp.is_some());
        assert_eq!(config(&[], &[("STATS_PORT", "7")]).unwrap().port, 7);
    }
}
