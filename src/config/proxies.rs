//! Proxies, as the environment names them.

use std::collections::BTreeMap;

/// The usual variables about proxies, in capitals or not: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: Vec<String>,
}

impl Proxies {
    /// What the environment says.
    pub fn new(environment: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| {
            let names = [name.to_lowercase(), name.to_owned()];
            names.iter().filter_map(|name| environment.get(name)).find(|value| !value.trim().is_empty()).cloned()
        };
        let list = get("NO_PROXY").unwrap_or_default();
        let none = list.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty()).collect();
        let all = get("ALL_PROXY");
        Self { http: get("HTTP_PROXY").or_else(|| all.clone()), https: get("HTTPS_PROXY").or(all), none }
    }

    /// The proxy for an address; none if `NO_PROXY` has `*`, its host, or a domain that its host is in.
    pub fn for_url(&self, url: &str) -> Option<&str> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest).rsplit('@').next().unwrap_or(rest);
        let authority = authority.to_lowercase();
        let host = match authority.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or(address),
            None => authority.split(':').next().unwrap_or(&authority),
        };
        let is_direct = self.none.iter().any(|entry| {
            let name = entry.trim_start_matches("*.").trim_start_matches('.');
            entry == "*" || entry == &authority || name == host || host.ends_with(&format!(".{name}"))
        });
        let proxy = if scheme == "https" { &self.https } else { &self.http };
        proxy.as_deref().filter(|_| !is_direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(&variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
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
        assert_eq!(of(&[("ALL_PROXY", "http://p:3")]).for_url("http://x"), Some("http://p:3"));
        let none = of(&[("ALL_PROXY", "http://p:3"), ("no_proxy", "*")]);
        assert_eq!(none.for_url("http://x"), None);
    }
}
