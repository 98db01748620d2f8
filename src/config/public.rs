//! What the public sees: exact averages as they are now, or releases of what enough organisations have.

use std::net::IpAddr;

/// Characters that `NOTICE` has at most.
const MAX_NOTICE: usize = 500;

/// `PUBLIC_MIN_CLIENTS`, and why it is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicMinClients {
    /// Contributors from which on something is shown; 1 shows everything as it is now.
    pub k: usize,
    /// What decided it.
    pub reason: Reason,
}

/// Why `PUBLIC_MIN_CLIENTS` is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was set.
    Set,
    /// Only this machine reaches the service, and no proxy stands before it.
    Alone,
    /// Others may reach it.
    Reachable,
}

impl PublicMinClients {
    /// The setting, or what holds where nothing is said.
    ///
    /// # Errors
    /// A reason for people, for 0, 2 and what is no number.
    pub fn new(text: &str, host: IpAddr, has_proxy: bool) -> Result<Self, String> {
        if text.is_empty() {
            let alone = host.is_loopback() && !has_proxy;
            let (k, reason) = if alone { (1, Reason::Alone) } else { (3, Reason::Reachable) };
            return Ok(Self { k, reason });
        }
        match text.parse() {
            Ok(2) => Err("of two organisations each would know the other: 1 shows everything live, 3 or more hides what fewer have".into()),
            Ok(k) if k > 0 => Ok(Self { k, reason: Reason::Set }),
            _ => Err("1 is needed, or a number of organisations from 3 on".into()),
        }
    }

    /// Whether everything is shown as it is now.
    pub fn is_live(self) -> bool {
        self.k == 1
    }

    /// What to tell an operator who said nothing, where so few clients share that nothing is shown.
    pub fn too_few(self, sharing: usize) -> Option<String> {
        let is_told = self.reason == Reason::Reachable && sharing < self.k;
        is_told.then(|| {
            format!(
                "the pages show nothing yet: PUBLIC_MIN_CLIENTS is {}, since {}, and {sharing} clients share; write \
                 PUBLIC_MIN_CLIENTS=1 if only the organisation itself reaches this service, else let more clients share",
                self.k,
                self.explain()
            )
        })
    }

    /// Why it is what it is, for people.
    pub fn explain(self) -> &'static str {
        match self.reason {
            Reason::Set => "it was set",
            Reason::Alone => "it listens on loopback and trusts no proxy",
            Reason::Reachable => "others may reach it",
        }
    }
}

/// Reads names of hosts, separated by commas.
pub(super) fn hosts(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
            true => Ok(name.to_ascii_lowercase()),
            false => Err(format!("{name:?} is no host name such as dashboard.example")),
        })
        .collect()
}

/// What the operator says on every page: a line that pages and feeds can hold.
pub fn notice(text: &str) -> Result<String, String> {
    let is_odd = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    match text.chars().count() <= MAX_NOTICE && !text.chars().any(is_odd) {
        true => Ok(text.to_owned()),
        false => Err(format!("it must be one line of at most {MAX_NOTICE} characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn who_may_be_reached_publishes_releases() {
        let of = |text: &str, host: Ipv4Addr, proxy| PublicMinClients::new(text, host.into(), proxy);
        let (home, all) = (Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED);
        for (host, proxy, k) in [(home, false, 1), (home, true, 3), (all, false, 3), (all, true, 3)] {
            assert_eq!(of("", host, proxy).map(|found| found.k), Ok(k), "{host} {proxy}");
        }
        assert_eq!(of("5", home, false), Ok(PublicMinClients { k: 5, reason: Reason::Set }));
        assert!(of("1", all, true).is_ok_and(PublicMinClients::is_live));
        assert!(of("2", home, false).is_err_and(|reason| reason.contains("each would know the other")));
        for text in ["0", "-3", "x", "1.5"] {
            assert!(of(text, home, false).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_names() {
        assert_eq!(hosts(" A.example, b "), Ok(vec!["a.example".into(), "b".into()]));
        assert!(hosts("http://a").is_err());
    }
}
