//! Front offices on this machine: whether the key and the address in their configuration are right.

use super::php::stats_api;
use super::{Finding, asked, current};
use crate::config::Proxies;
use crate::model::{Client, Role, Token};
use crate::outbound::{HttpClient, Request, Response};
use crate::store::read_only::ReadOnlyStore;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where MONARC's own images have it. What the first boot of a virtual machine writes comes first: the front office
/// merges it over the other.
const USUAL: [&str; 2] =
    ["/var/lib/monarc/fo/config/autoload/stats.local.php", "/var/lib/monarc/fo/config/autoload/local.php"];
/// How long the service may take.
const LONGEST: Duration = Duration::from_secs(5);
/// What to do about a key that is missing or not the right one.
const MAKE: &str = "make a client with 'monarc-stats client create --name \"Front office\" --format php', and put what it \
                    prints there";

pub fn check(files: &[PathBuf], look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let is_absent = |path: &Path| std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let usual = USUAL.iter().map(Path::new).find(|path| !is_absent(path));
    match (files, usual) {
        ([], None) => vec![Finding::ok("front_office", "none is on this machine; --front-office names one elsewhere")],
        ([], Some(path)) => examine(path, look),
        (named, _) => named.iter().flat_map(|path| examine(path, look)).collect(),
    }
}

fn examine(path: &Path, look: Option<&ReadOnlyStore>) -> Vec<Finding> {
    let name = path.display();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let text = format!("{name} cannot be read: {error}");
            return vec![match error.kind() {
                ErrorKind::PermissionDenied => Finding::warning("front_office", text, "run the doctor as root"),
                _ => Finding::problem("front_office", text, "name the right file with --front-office"),
            }];
        }
    };
    let found = stats_api(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
    let (Some(url), Some(key)) = (present(found.base_url), present(found.api_key)) else {
        let text = format!("{name} has no 'statsApi' with a 'baseUrl' and an 'apiKey'");
        return vec![Finding::problem("front_office", text, MAKE)];
    };
    let client = current(look).map(|look| asked("front_office", look.client_by_token(&key)));
    match client {
        None => {
            vec![Finding::warning("front_office", format!("{name}: its key cannot be looked up"), "mend the store")]
        }
        Some(Err(finding)) => vec![finding],
        Some(Ok(client)) => vec![owner(path, client.as_ref()), leads_here(path, &url, &key, client.as_ref())],
    }
}

fn present(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.trim().is_empty())
}

/// Whose key it is.
fn owner(path: &Path, client: Option<&Client>) -> Finding {
    let file = path.display();
    match client {
        None => Finding::problem("front_office", format!("{file}: the store knows no client with this 'apiKey'"), MAKE),
        Some(Client { name, is_active: false, .. }) => {
            let text = format!("{file}: its client {name:?} is deactivated");
            Finding::problem("front_office", text, format!("'monarc-stats client activate {name:?}'"))
        }
        Some(Client { name, role: Role::Admin, .. }) => {
            let text = format!(
                "{file}: its key is that of the admin {name:?}, who sees the stats of all: it shows others' analyses, \
                 takes a day on which somebody else has sent for done, and is in no release"
            );
            Finding::problem("front_office", text, MAKE)
        }
        Some(Client { name, .. }) => Finding::ok("front_office", format!("{file}: has the key of {name:?}")),
    }
}

/// Whether its address leads to a service that knows the same client, without a redirect: that loses what is posted.
fn leads_here(path: &Path, url: &str, key: &str, client: Option<&Client>) -> Finding {
    let text = |what: &str| format!("{}: its baseUrl {url} {what}", path.display());
    let answer = match ask(url, key) {
        Ok(answer) => answer,
        Err(reason) => {
            let remedy = "start the service, or correct 'baseUrl'";
            return Finding::problem("base_url", text(&format!("does not answer: {reason}")), remedy);
        }
    };
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, client) {
        (200, Some(client)) if told["name"] == client.name.as_str() => {
            Finding::ok("base_url", text("leads to this service"))
        }
        (200, _) => Finding::problem("base_url", text("leads to another service"), "correct 'baseUrl'"),
        (300..=399, _) => {
            let place = answer.location.unwrap_or_default();
            Finding::problem(
                "base_url",
                text(&format!("redirects to {place}: what is posted gets lost")),
                "name that address",
            )
        }
        (401 | 403, Some(client)) if client.is_active => {
            Finding::problem("base_url", text("leads to a service that does not know the key"), "correct 'baseUrl'")
        }
        (401 | 403, _) => Finding::ok("base_url", text("leads to a service, which refuses the key")),
        (status, _) => {
            Finding::problem("base_url", text(&format!("is no stats service: it answers {status}")), "correct it")
        }
    }
}

fn ask(url: &str, key: &str) -> Result<Response, String> {
    let url = crate::config::url(url)?;
    let token = Token::new(key)?;
    // A front office uses no proxy.
    let web = HttpClient::new(&url, &Proxies::default(), LONGEST).map_err(|error| error.chain())?;
    let request = format!("{url}/api/v1/client/me");
    let request = Request { method: "GET", url: &request, token: Some(&token), body: None };
    web.ask(&request).map_err(|trouble| trouble.error.chain())
}
