//! Who is asking: token to client, the minimum version of MONARC, and the address behind a proxy.

use crate::config::Config;
use crate::server::message::Head;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The oldest front office that may ask.
const MINIMUM: [u64; 3] = [2, 10, 2];
/// Wrong tokens that one address may show in a [`WINDOW`] before it has to wait.
const FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered at once; beyond that the oldest windows are forgotten first.
const ADDRESSES: usize = 10_000;

/// The token of a request, if it has one that is not empty.
pub fn token(head: &Head) -> Option<&str> {
    head.headers.get("X-API-KEY").map(str::trim).filter(|token| !token.is_empty())
}

/// The same, or a bearer token: Prometheus can only send that.
pub fn token_or_bearer(head: &Head) -> Option<&str> {
    let bearer = || {
        let (scheme, rest) = head.headers.get("Authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim()).filter(|token| !token.is_empty())
    };
    token(head).or_else(bearer)
}

/// Whether the request comes from a MONARC that is too old: `MONARC/` and a version below the minimum. Versions
/// without a number, and all other agents, pass.
pub fn is_too_old(head: &Head) -> bool {
    let version = head.headers.get("User-Agent").and_then(|agent| agent.trim().strip_prefix("MONARC/"));
    let Some(version) = version else { return false };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or("").split('.');
    let first = numbers.next().unwrap_or("");
    if first.is_empty() {
        return false;
    }
    let mut parts = [0; 3];
    let texts = std::iter::once(first).chain(numbers);
    for (part, text) in parts.iter_mut().zip(texts) {
        // A number too long for 64 bits is certainly new enough.
        *part = if text.is_empty() { 0 } else { text.parse().unwrap_or(u64::MAX) };
    }
    parts < MINIMUM
}

/// Whether this peer may speak for others: only a known proxy, and only if the operator said there is one.
pub fn is_proxy(config: &Config, peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    config.fix_proxy && (peer.is_loopback() || config.trusted_proxies.contains(&peer))
}

/// The address that is asking: behind a proxy, the last forwarded one that is no proxy itself.
pub fn address(config: &Config, head: &Head) -> IpAddr {
    if !is_proxy(config, head.peer) {
        return head.peer;
    }
    let mut forwarded: Vec<&str> = head.headers.all("X-Forwarded-For").flat_map(|list| list.split(',')).collect();
    while let Some(last) = forwarded.pop() {
        match last.trim().parse::<IpAddr>() {
            Ok(address) if is_proxy(config, address) => {}
            Ok(address) => return address.to_canonical(),
            // What comes before something unreadable cannot be trusted either.
            Err(_) => break,
        }
    }
    head.peer
}

/// Wrong tokens by address. Right ones are never slowed: several front offices may share an address.
#[derive(Default)]
pub struct Failures {
    counts: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Failures {
    /// Notes a wrong token; gives the seconds to wait if there were too many.
    pub fn note(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES {
            counts.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        if counts.len() >= ADDRESSES {
            let oldest = counts.iter().min_by_key(|(_, (since, _))| *since).map(|(address, _)| *address);
            oldest.map(|address| counts.remove(&address));
        }
        let (since, count) = counts.entry(address).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count > FAILURES).then(|| (WINDOW.saturating_sub(now.duration_since(*since))).as_secs().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Raw;
    use crate::server::message::{Headers, Method};

    fn head(fields: &[(&str, &str)], peer: &str) -> Head {
        let headers = Headers(fields.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect());
        Head { method: Method::Get, path: "/".into(), query: String::new(), headers, peer: peer.parse().unwrap() }
    }

    #[test]
    fn only_an_old_monarc_is_too_old() {
        for (agent, old) in [
            ("MONARC/2.10.1", true),
            ("MONARC/2.10.1-p3", true),
            ("MONARC/2.9", true),
            ("MONARC/1", true),
            ("MONARC/2.10.2", false),
            ("MONARC/2.13.3-p2", false),
            ("MONARC/3", false),
            ("MONARC/99999999999999999999.0", false),
            ("MONARC/dev", false),
            ("MONARC/", false),
            ("MONARC", false),
            ("monarc/1.0", false),
            ("curl/8", false),
        ] {
            assert_eq!(is_too_old(&head(&[("user-agent", agent)], "127.0.0.1")), old, "{agent}");
        }
        assert!(!is_too_old(&head(&[], "127.0.0.1")));
    }

    #[test]
    fn forwarded_addresses_are_read_from_the_right_and_only_from_proxies() {
        let environment = [("HOME", "/x"), ("FIX_PROXY", "1"), ("TRUSTED_PROXIES", "10.0.0.1")];
        let mut raw = Raw::default();
        raw.add_environment(environment.map(|(name, value)| (name.into(), value.into())));
        let config = Config::new(&raw).unwrap();
        for (forwarded, peer, expected) in [
            ("1.2.3.4", "127.0.0.1", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 10.0.0.1", "::1", "1.2.3.4"),
            ("1.2.3.4", "9.9.9.9", "9.9.9.9"),
            ("1.2.3.4, nonsense", "127.0.0.1", "127.0.0.1"),
            ("", "10.0.0.1", "10.0.0.1"),
        ] {
            let found = address(&config, &head(&[("X-Forwarded-For", forwarded)], peer));
            assert_eq!(found.to_string(), expected, "{forwarded} from {peer}");
        }
    }

    #[test]
    fn twenty_wrong_tokens_a_minute_are_enough() {
        let (failures, start) = (Failures::default(), Instant::now());
        let [one, other]: [IpAddr; 2] = ["1.1.1.1".parse().unwrap(), "2.2.2.2".parse().unwrap()];
        assert!((0..20).all(|_| failures.note(one, start).is_none()));
        assert_eq!(failures.note(one, start), Some(60));
        assert_eq!(failures.note(other, start), None);
        assert_eq!(failures.note(one, start + WINDOW), None);
    }
}
