//! Who is asking: token to client, the minimum version of MONARC, and the address behind a proxy.

use crate::config::Config;
use crate::server::message::Head;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The oldest front office that may ask.
const MINIMUM: [u64; 3] = [2, 10, 2];
/// Wrong tokens that a bucket of addresses may show in a [`WINDOW`] before it has to wait.
const FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// Buckets remembered at once; beyond that the oldest windows are forgotten first.
const BUCKETS: usize = 10_000;

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
    let mut addresses: Vec<&str> = head.headers.all("X-Forwarded-For").flat_map(|list| list.split(',')).collect();
    while let Some(last) = addresses.pop() {
        match forwarded(last) {
            Some(address) if is_proxy(config, address) => {}
            Some(address) => return address,
            // What comes before something unreadable cannot be trusted either.
            None => break,
        }
    }
    head.peer
}

/// An address as proxies forward it: quoted or not, with a port, an IPv6 address in brackets, with a zone.
fn forwarded(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // An IPv4 address and a port have one colon, an IPv6 address has more.
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    let host = host.split_once('%').map_or(host, |(address, _)| address);
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// What is counted as one sender: an IPv4 address, or the /64 of an IPv6 address, which is what one machine is given.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

/// Wrong tokens by bucket. Right ones are never slowed: several front offices may share an address.
#[derive(Default)]
pub struct Failures {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

struct Bucket {
    since: Instant,
    /// Since then.
    count: u32,
    /// Since the bucket is known.
    total: u64,
}

/// What follows from too many wrong tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds to wait.
    pub wait: u64,
    /// A line for the log, once a minute. Programs such as fail2ban read it: see packaging/fail2ban.
    pub line: Option<String>,
}

impl Failures {
    /// Notes a wrong token; says what follows if there were too many.
    pub fn note(&self, address: IpAddr, now: Instant) -> Option<TooMany> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut buckets, now);
        let key = bucket(address);
        let bucket = buckets.entry(key).or_insert(Bucket { since: now, count: 0, total: 0 });
        if now.duration_since(bucket.since) >= WINDOW {
            (bucket.since, bucket.count) = (now, 0);
        }
        (bucket.count, bucket.total) = (bucket.count.saturating_add(1), bucket.total.saturating_add(1));
        let block = if address == key { String::new() } else { format!(" from {key}/64") };
        let line = || format!("too many wrong tokens from {address}: {} so far{block}", bucket.total);
        (bucket.count > FAILURES).then(|| TooMany {
            wait: WINDOW.saturating_sub(now.duration_since(bucket.since)).as_secs().max(1),
            line: (bucket.count == FAILURES + 1).then(line),
        })
    }
}

fn make_room(buckets: &mut HashMap<IpAddr, Bucket>, now: Instant) {
    if buckets.len() >= BUCKETS {
        buckets.retain(|_, bucket| now.duration_since(bucket.since) < WINDOW);
    }
    if buckets.len() >= BUCKETS {
        let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.since).map(|(address, _)| *address);
        oldest.map(|address| buckets.remove(&address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Raw;
    use crate::server::message::{Headers, Method};

    fn head(fields: &[(&str, &str)], peer: &str) -> Head {
        let headers = Headers::of(fields);
        Head { method: Method::GET, path: "/".into(), query: String::new(), headers, peer: peer.parse().unwrap() }
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
    fn addresses_are_read_in_every_form_that_proxies_write() {
        for (text, expected) in [
            ("1.2.3.4", Some("1.2.3.4")),
            (" 1.2.3.4:5678 ", Some("1.2.3.4")),
            ("\"1.2.3.4:5678\"", Some("1.2.3.4")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("\"[2001:db8::1]:5678\"", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]:80", Some("fe80::1")),
            ("::ffff:1.2.3.4", Some("1.2.3.4")),
            ("unknown", None),
            ("_hidden", None),
            ("[2001:db8::1", None),
            ("1.2.3.4:5:6", None),
            ("", None),
        ] {
            assert_eq!(forwarded(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn twenty_wrong_tokens_a_minute_are_enough() {
        let (failures, start) = (Failures::default(), Instant::now());
        let [one, other]: [IpAddr; 2] = ["1.1.1.1".parse().unwrap(), "2.2.2.2".parse().unwrap()];
        assert!((0..20).all(|_| failures.note(one, start).is_none()));
        let line = Some("too many wrong tokens from 1.1.1.1: 21 so far".to_owned());
        assert_eq!(failures.note(one, start), Some(TooMany { wait: 60, line }));
        assert!((0..1000).all(|_| failures.note(one, start) == Some(TooMany { wait: 60, line: None })));
        assert_eq!(failures.note(other, start), None);
        assert!((0..20).all(|_| failures.note(one, start + WINDOW).is_none()));
        let line = failures.note(one, start + WINDOW).unwrap().line.unwrap();
        assert_eq!(line, "too many wrong tokens from 1.1.1.1: 1042 so far");
    }

    #[test]
    fn a_machine_with_many_addresses_is_one_sender() {
        let (failures, start) = (Failures::default(), Instant::now());
        let note = |number: u32| {
            let address = format!("2001:db8:0:1::{number:x}").parse().unwrap();
            failures.note(address, start)
        };
        assert!((0..20).all(|number| note(number).is_none()));
        let line = note(0xabc).unwrap().line.unwrap();
        assert_eq!(line, "too many wrong tokens from 2001:db8:0:1::abc: 21 so far from 2001:db8:0:1::/64");
        assert!(failures.note("2001:db8:0:2::1".parse().unwrap(), start).is_none());
    }
}
