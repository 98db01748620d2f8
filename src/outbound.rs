//! Calls to other machines: certificates, proxies, redirects, and errors that say what to do.

use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::Token;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const LARGEST: u64 = 64 << 20;

/// Makes calls to the machine of one address.
pub struct HttpClient {
    agent: Agent,
    /// Bytes of the largest answer that is read.
    largest: u64,
}

/// What to ask.
pub struct Request<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The whole address.
    pub url: &'a str,
    /// What to show as `X-API-KEY`.
    pub token: Option<&'a Token>,
    /// JSON to send; a GET may have it, too.
    pub body: Option<&'a [u8]>,
}

/// What came back.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Seconds after which to ask again.
    pub retry_after: Option<u64>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
pub struct CallError {
    /// The reason.
    pub error: Error,
    /// Whether it may pass by itself.
    pub passing: bool,
    /// Whether the answer was too large to be read.
    pub too_large: bool,
}

impl HttpClient {
    /// Gets ready for calls to `url`, each of which may take `longest`.
    ///
    /// # Errors
    /// `Invalid` if the proxy's address cannot be used.
    pub fn new(url: &str, proxies: &Proxies, longest: Duration) -> Result<Self> {
        Self::with(url, proxies, longest, LARGEST, concat!("monarc-stats/", env!("CARGO_PKG_VERSION")))
    }

    /// The same for calls that tell nothing about this instance, not even its version, and read no more than `largest` bytes.
    ///
    /// # Errors
    /// The same.
    pub fn unnamed(url: &str, proxies: &Proxies, longest: Duration, largest: u64) -> Result<Self> {
        Self::with(url, proxies, longest, largest, "monarc-stats")
    }

    fn with(url: &str, proxies: &Proxies, longest: Duration, largest: u64, agent: &str) -> Result<Self> {
        let proxy = proxies.for_url(url).map(Proxy::new).transpose();
        let proxy = proxy.map_err(|e| Error::invalid("the proxy in the environment cannot be used").because(e))?;
        let mut config = Agent::config_builder()
            .user_agent(agent)
            .http_status_as_error(false)
            // A token is for the machine it was given for, and a redirected POST would become a GET.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(longest))
            .proxy(proxy);
        if url.starts_with("https://") {
            config = config.tls_config(TlsConfig::builder().root_certs(roots()).build());
        }
        Ok(Self { agent: config.build().new_agent(), largest })
    }

    /// Asks once.
    ///
    /// # Errors
    /// Only if nothing comes back; every status is an answer.
    pub fn ask(&self, request: &Request<'_>) -> std::result::Result<Response, CallError> {
        let host = request.url.split('/').nth(2).unwrap_or(request.url);
        let host = host.rsplit('@').next().unwrap_or(host);
        self.send(request).and_then(|response| read(response, self.largest)).map_err(|error| call_error(host, error))
    }

    fn send(&self, request: &Request<'_>) -> std::result::Result<ureq::http::Response<Body>, ureq::Error> {
        let token = request.token.map_or("", Token::reveal);
        let named = !token.is_empty();
        match (request.method, request.body) {
            ("POST", body) => {
                let request = self.agent.post(request.url).content_type("application/json");
                let request = if named { request.header("X-API-KEY", token) } else { request };
                request.send(body.unwrap_or_default())
            }
            (method, body) => {
                let request =
                    if method == "DELETE" { self.agent.delete(request.url) } else { self.agent.get(request.url) };
                let request = if named { request.header("X-API-KEY", token) } else { request };
                match body {
                    Some(body) => request.force_send_body().content_type("application/json").send(body),
                    None => request.call(),
                }
            }
        }
    }
}

/// The system's certificate store, and the roots that come with the program, for machines that have none.
fn roots() -> RootCerts {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        log::warn!("a certificate of the system's store cannot be used: {error}");
    }
    let own = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let all = system.certs.iter().chain(own).map(|certificate| Certificate::from_der(certificate).to_owned());
    RootCerts::from(all)
}

/// Authorities that calls trust: those of the system's certificate store, and those inside the program; and what of the
/// system's store cannot be used.
pub fn authorities() -> (usize, usize, Vec<String>) {
    let system = rustls_native_certs::load_native_certs();
    let errors = system.errors.iter().map(ToString::to_string).collect();
    (system.certs.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len(), errors)
}

fn read(mut response: ureq::http::Response<Body>, largest: u64) -> std::result::Result<Response, ureq::Error> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Response {
        status: response.status().as_u16(),
        retry_after: header("Retry-After").and_then(|text| text.parse().ok()),
        location: header("Location"),
        body: response.body_mut().with_config().limit(largest).read_to_vec()?,
    })
}

fn call_error(host: &str, error: ureq::Error) -> CallError {
    let passing = !matches!(
        error,
        ureq::Error::Http(_)
            | ureq::Error::BadUri(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::BodyExceedsLimit(_)
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
    );
    let too_large = matches!(error, ureq::Error::BodyExceedsLimit(_));
    let text = error.to_string();
    let certificate = text.contains("certificate");
    let sentence = if certificate { about_certificate(host, &text) } else { format!("{host} cannot be reached") };
    CallError {
        error: Error::new(Kind::Unavailable, sentence).because(error),
        passing: passing && !certificate,
        too_large,
    }
}

fn about_certificate(host: &str, text: &str) -> String {
    let advice = if text.contains("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
        "no authority that this machine trusts has signed it; put its authority into the system's certificate store, \
         or into a file that SSL_CERT_FILE names"
    } else if text.contains("NotValidForName") || text.contains("not valid for name") {
        "it is for another name; use the name that stands in it"
    } else if text.contains("Expired") || text.contains("expired") || text.contains("NotValidYet") {
        "it is out of date, or this machine's clock is wrong"
    } else {
        "it cannot be used"
    };
    format!("the certificate of {host} is not accepted: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_there_whatever_the_system_has() {
        let RootCerts::Specific(all) = roots() else { panic!("no list of roots") };
        let own = webpki_root_certs::TLS_SERVER_ROOT_CERTS.len();
        let system = rustls_native_certs::load_native_certs().certs.len();
        assert!(own > 50);
        assert_eq!(all.len(), own + system);
    }
}
