//! Proxies, as the environment names them.

use super::unusable;
use crate::error::Result;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The variables, as people write them.
pub(super) const NAMES: [&str; 8] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// The usual variables about proxies, in capitals or not: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: Vec<String>,
}

impl Proxies {
    /// What the environment says.
    ///
    /// # Errors
    /// `Invalid` if an address that would be used is none of an HTTP proxy, naming the variable.
    pub fn new(environment: &BTreeMap<String, String>) -> Result<Self> {
        let get = |name: &'static str| {
            let set = |(known, _): &(&&'static str, &String)| known.eq_ignore_ascii_case(name);
            let values = NAMES.iter().filter_map(|name| Some((name, environment.get(*name)?)));
            values.filter(set).map(|(name, value)| (*name, value.trim())).find(|(_, value)| !value.is_empty())
        };
        let (list, all) = (get("NO_PROXY").map_or("", |(_, list)| list), get("ALL_PROXY"));
        let none = list.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).collect();
        let usable = |found: Option<(&str, &str)>| found.map(|(name, value)| usable(name, value)).transpose();
        Ok(Self { http: usable(get("HTTP_PROXY").or(all))?, https: usable(get("HTTPS_PROXY").or(all))?, none })
    }

    /// The proxy for an address; none if `NO_PROXY` has `*`, its host, a domain that its host is in, or a range of
    /// addresses.
    pub fn for_url(&self, url: &str) -> Option<&str> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest).rsplit('@').next().unwrap_or(rest);
        let authority = authority.to_lowercase();
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or(address),
            None => authority.split(':').next().unwrap_or(&authority),
        };
        let address: Option<IpAddr> = host.parse().ok();
        let is_direct = self.none.iter().any(|entry| {
            let name = entry.trim_start_matches("*.").trim_start_matches('.').trim_matches(['[', ']']);
            let is_within = address.is_some_and(|address| is_in_range(address, name));
            entry == "*" || entry == &authority || name == host || host.ends_with(&format!(".{name}")) || is_within
        });
        let proxy = if scheme == "https" { &self.https } else { &self.http };
        proxy.as_deref().filter(|_| !is_direct)
    }
}

/// An address that a call can go through.
fn usable(name: &str, value: &str) -> Result<String> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let is_address =
        !rest.starts_with(['/', ':', '?', '#']) && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic());
    match scheme.to_lowercase().as_str() {
        "http" | "https" if is_address => Ok(value.to_owned()),
        scheme if scheme.starts_with("socks") => {
            Err(unusable(name, value, "calls go through HTTP proxies only: name one, or unset it"))
        }
        _ => Err(unusable(name, value, "the address of an HTTP proxy is needed, such as http://proxy.example:3128")),
    }
}

/// Whether an address is in a range such as `127.0.0.0/8`, or is the one that is written there.
fn is_in_range(address: IpAddr, range: &str) -> bool {
    let (first, length) = match range.split_once('/') {
        Some((first, length)) => (first.trim_end_matches(']'), length.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (Ok(first), Some(length)) = (first.parse::<IpAddr>(), length) else { return false };
    let ((first, size), (own, own_size)) = (bits(first), bits(address));
    let mask = u128::MAX.checked_shl(128 - length.min(size)).unwrap_or(0);
    size == own_size && first & mask == own & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(&variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()).unwrap()
    }

    #[test]
    fn proxies_are_chosen_by_scheme_and_host() {
        let proxies = of(&[
            ("https_proxy", "http://p:1"),
            ("HTTP_PROXY", "http://p:2"),
            ("NO_PROXY", "localhost, .a.org,10.0.0.1,b.org:81"),
        ]);
        for (url, proxy) in [
            ("https://x.org/a", Some("http://p:1")),
            ("http://x.org:80", Some("http://p:2")),
            ("http://localhost:5005/x", None),
            ("https://LOCALHOST", None),
            ("https://a.org", None),
            ("https://user@www.a.org:8443/", None),
            ("https://aa.org", Some("http://p:1")),
            ("http://10.0.0.1:9", None),
            ("http://10.0.0.11", Some("http://p:2")),
            ("http://b.org:81", None),
            ("http://b.org:82", Some("http://p:2")),
        ] {
            assert_eq!(proxies.for_url(url), proxy, "{url}");
        }
        let ranges = of(&[
            ("HTTP_PROXY", "p:2"),
            ("NO_PROXY", "127.0.0.0/8,[::1],fd00::/8,[2001:db8::]/32,10.1.2.3/x,0.0.0.0/33"),
        ]);
        for (url, is_direct) in [
            ("http://127.0.0.1:5005", true),
            ("http://127.255.1.1", true),
            ("http://128.0.0.1", false),
            ("http://[::1]:5005/x", true),
            ("http://[0:0:0:0:0:0:0:1]", true),
            ("http://[fd12::1]", true),
            ("http://[2001:db8::7]", true),
            ("http://[fe80::1]", false),
            ("http://10.1.2.3", false),
            ("http://0.0.0.0", true),
            ("http://name", false),
        ] {
            assert_eq!(ranges.for_url(url).is_none(), is_direct, "{url}");
        }
        assert_eq!(of(&[("ALL_PROXY", "http://p:3")]).for_url("http://x"), Some("http://p:3"));
        // What is never used does no harm.
        let both = of(&[("ALL_PROXY", "socks5://p"), ("http_proxy", "http://p:1"), ("https_proxy", "http://p:1")]);
        assert_eq!(both.for_url("https://x"), Some("http://p:1"));
        let none = of(&[("ALL_PROXY", "http://p:3"), ("no_proxy", "*")]);
        assert_eq!(none.for_url("http://x"), None);
    }
}
