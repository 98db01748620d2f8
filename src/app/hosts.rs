//! Under which names a live service answers browsers. One that only its own machine reaches shows everything as it is; any
//! web site could read that through its visitor's browser, by a name of its own that leads to this machine.

use crate::config::Config;
use crate::server::message::Head;
use std::net::IpAddr;

/// The answer to a name that is nobody's here.
pub const STRANGE: &str =
    "This service does not go by that name: ask by its address, or let ALLOWED_HOSTS or INSTANCE_URL have the name.";

/// Whether pages and public JSON may answer to the request's `Host`: an address, `localhost`, or a name that the settings
/// have. Without a name it is no browser's.
pub fn is_own(config: &Config, head: &Head) -> bool {
    if !config.host.is_loopback() || !config.public_min_clients.is_live() {
        return true;
    }
    let Some(host) = head.headers.get("Host") else { return true };
    let name = without_port(host.trim()).to_ascii_lowercase();
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let of_instance = config.instance_url.as_deref().and_then(|url| url.split('/').nth(2)).map(without_port);
    is_address
        || name == "localhost"
        || of_instance.is_some_and(|own| own.eq_ignore_ascii_case(&name))
        || config.allowed_hosts.contains(&name)
}

/// A host without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn ports_are_no_part_of_names() {
        for (host, name) in [
            ("localhost:5005", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:5005", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.example", "a.example"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
