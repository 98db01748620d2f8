//! The running service: whether it answers where it should, is this program, and has this store.

use super::Finding;
use crate::commands::own_address;
use crate::config::{Config, Proxies};
use crate::error::Result;
use crate::outbound::{HttpClient, Request};
use crate::store::place::is_served;
use std::time::Duration;

/// How long a service on this machine may take.
const LONGEST: Duration = Duration::from_secs(3);
/// The version of this program.
const OWN: &str = env!("CARGO_PKG_VERSION");
/// What to do about a service that is not there.
const START: &str = "start it, such as with 'systemctl start monarc-stats', and see its log";

pub fn check(config: &Config) -> Finding {
    let served = is_served(&config.store);
    let address = own_address(config);
    let url = format!("http://{address}");
    if config.port == 0 {
        let text = "PORT is 0, so that nobody knows where the service listens";
        return Finding::warning("service", text, "set PORT to a number that front offices can be told");
    }
    match (version(&url), served) {
        (Err(_), true) => {
            let text = format!("a service has this store, and nothing answers at {url}");
            Finding::problem("service", text, "give the doctor the service's HOST and PORT; else start it again")
        }
        (Err(error), false) => {
            let text = format!("no service answers at {url}: {}", error.chain());
            Finding::problem("service", text, START)
        }
        (Ok(None), _) => Finding::problem(
            "service",
            format!("another program answers at {url}"),
            "end that one, or set another PORT",
        ),
        (Ok(Some(_)), false) => {
            let text = format!("the service at {url} has another store than {}", config.store.display());
            let remedy = "give the doctor the service's STATS_DATABASE, or the service another PORT";
            Finding::problem("service", text, remedy)
        }
        (Ok(Some(version)), true) if version != OWN => {
            let text = format!("the service at {url} is version {version}, this program {OWN}");
            Finding::warning("service", text, "start it again: it is still the program from before the upgrade")
        }
        (Ok(Some(version)), true) => Finding::ok("service", format!("answers at {url}, version {version}")),
    }
}

/// The version of the service there; none if it is another program.
fn version(url: &str) -> Result<Option<String>> {
    let web = HttpClient::new(url, &Proxies::default(), LONGEST)?;
    let request = Request { method: "GET", url: &format!("{url}/human.txt"), token: None, body: None };
    let answer = web.ask(&request).map_err(|trouble| trouble.error)?;
    let text = String::from_utf8_lossy(&answer.body);
    let line = text.lines().next().filter(|_| answer.status == 200 && text.contains(env!("CARGO_PKG_LICENSE")));
    Ok(line.and_then(|line| line.strip_prefix("MONARC Stats Service ")).map(str::to_owned))
}
