//! Other machines: the instance that stats are shared with, MOSP, and whom calls to them trust. A network that refuses is
//! no fault of the installation, so that it is a warning.

use super::Finding;
use crate::config::Config;
use crate::mosp;
use crate::outbound::{HttpClient, Request, Response, authorities};
use std::time::Duration;
use uuid::Uuid;

/// How long another machine may take.
const LONGEST: Duration = Duration::from_secs(5);

pub fn check(config: &Config) -> Vec<Finding> {
    vec![trust(), remote(config), mosp(config)]
}

fn trust() -> Finding {
    let (system, own, errors) = authorities();
    let text =
        format!("{system} certificate authorities of the system are trusted, and {own} that come with the program");
    match errors.first() {
        None => Finding::ok("certificates", text),
        Some(first) => {
            let text = format!("{text}; some of the system's cannot be used: {first}");
            Finding::warning("certificates", text, "see SSL_CERT_FILE and the system's certificate store")
        }
    }
}

fn remote(config: &Config) -> Finding {
    let Some(token) = &config.remote_token else {
        return Finding::ok("remote", "nothing is shared: REMOTE_STATS_TOKEN is not set");
    };
    let url = &config.remote;
    let request = format!("{url}/api/v1/client/me");
    let request = Request { method: "GET", url: &request, token: Some(token), body: None };
    let answer =
        HttpClient::new(url, &config.proxies, LONGEST).and_then(|web| web.ask(&request).map_err(|one| one.error));
    match answer {
        Ok(answer) => told(url, &answer),
        Err(error) => {
            let remedy = "see REMOTE_STATS_SERVER, the network, and HTTPS_PROXY and NO_PROXY";
            Finding::warning("remote", error.chain(), remedy)
        }
    }
}

fn told(url: &str, answer: &Response) -> Finding {
    match answer.status {
        200 => Finding::ok("remote", format!("{url} accepts the token")),
        401 | 403 => {
            let text = format!("{url} does not accept the token");
            Finding::problem("remote", text, "ask its operator for one, and set REMOTE_STATS_TOKEN")
        }
        300..=399 => {
            let place = answer.location.as_deref().unwrap_or("another address");
            Finding::problem("remote", format!("{url} redirects to {place}"), "set REMOTE_STATS_SERVER to that address")
        }
        404 | 405 => {
            let text = format!("there is no stats service at {url}");
            Finding::problem("remote", text, "set REMOTE_STATS_SERVER to the right address")
        }
        status => Finding::warning("remote", format!("{url} answers {status}"), "try again later, or ask its operator"),
    }
}

fn mosp(config: &Config) -> Finding {
    if config.mosp.is_none() {
        return Finding::ok("mosp", "look-ups are turned off: MOSP_URL is empty");
    }
    match mosp::connect(config).and_then(|(web, url)| mosp::ask(&web, url, Uuid::nil()).map(|_| url)) {
        Ok(url) => Finding::ok("mosp", format!("{url} answers")),
        Err(error) => {
            let remedy = "see MOSP_URL (empty turns look-ups off), the network, and HTTPS_PROXY";
            Finding::warning("mosp", error.chain(), remedy)
        }
    }
}
