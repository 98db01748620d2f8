//! What another instance publishes for everybody, fetched without a token: figures to stand beside one's own.
//!
//! Works against this program, live or with releases, and against the reference implementation, whose `averages` are no
//! means: the `values` of the newest date are used of all. What comes back is somebody else's: it is bounded in size and
//! time, no redirect is followed, and nothing of it is kept but numbers of objects.

use super::figures::{DAYS, newest, shares};
use crate::averages::benchmark::measures;
use crate::config::Proxies;
use crate::error::{Error, Kind, Result};
use crate::model::StatType;
use crate::model::decimal::excerpt;
use crate::model::text::counted;
use crate::outbound::{HttpClient, Request, Response};
use crate::store::Store;
use crate::store::benchmark::FromAfar;
use std::time::{Duration, Instant};

/// How long one answer may take, to its last byte.
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes of the largest answer that is read: a year of daily figures of a central instance is 2 MB.
const LARGEST: u64 = 8 << 20;

/// What is asked for each type.
const QUESTIONS: [(StatType, &str); 4] = [
    (StatType::Threat, "threats.json?"),
    (StatType::Vulnerability, "vulnerabilities.json?"),
    (StatType::Risk, "risks.json?processor=risk_averages_on_date&"),
    (StatType::Compliance, "compliance.json?"),
];

/// What became of it.
#[derive(Debug, Default)]
pub struct Fetched {
    /// What is kept now.
    pub kept: Vec<FromAfar>,
    /// Why the other types are not, a sentence each.
    pub missing: Vec<String>,
}

impl Fetched {
    /// What is kept, a line for each type.
    pub fn told(&self) -> Vec<String> {
        let line = |one: &FromAfar| {
            let mut objects: Vec<&str> = one.figures.iter().map(|(object, ..)| object.as_str()).collect();
            objects.dedup();
            let (kind, objects, week) =
                (one.kind.name(), counted(objects.len(), "object"), one.date.iso_week_date().week());
            format!("{kind}: {objects} of {}, the newest date of week {week}, from {}", one.date, url_host(&one.url))
        };
        self.kept.iter().map(line).collect()
    }
}

/// Fetches what an instance publishes and keeps it. A type that it does not have is left out.
///
/// # Errors
/// `Unavailable` if there is nothing of any type, and those of the store.
pub fn fetch(store: &Store, url: &str, proxies: &Proxies) -> Result<Fetched> {
    let other = Other { url, web: HttpClient::unnamed(url, proxies, LONGEST, LARGEST)?, since: Instant::now() };
    let (mut fetched, mut missing) = (Fetched::default(), Vec::new());
    for (kind, question) in QUESTIONS {
        match other.of_kind(kind, question) {
            Ok(mut found) => {
                if let Err(error) = other.use_shares(&mut found) {
                    missing.push((kind, format!("its own shares: {}", error.chain())));
                }
                fetched.kept.push(found);
            }
            Err(error) => missing.push((kind, error.chain())),
        }
    }
    fetched.missing = missing.iter().map(|(kind, why)| format!("{}: {why}", kind.name())).collect();
    if fetched.kept.is_empty() {
        // What keeps all of them away is said once.
        missing.dedup_by(|one, other| one.1 == other.1);
        let why = match missing.as_slice() {
            [(_, why)] => why.clone(),
            _ => fetched.missing.join("; "),
        };
        let text = format!("nothing to compare with came from {}: {why}", url_host(url));
        return Err(Error::new(Kind::Unavailable, text));
    }
    store.keep_from_afar(url, &fetched.kept)?;
    Ok(fetched)
}

/// The name of an instance, for people: its host and port, without what may be secret in its address.
pub fn url_host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or(authority)
}

/// The instance that is asked, and since when.
struct Other<'a> {
    url: &'a str,
    web: HttpClient,
    since: Instant,
}

impl Other<'_> {
    fn of_kind(&self, kind: StatType, question: &str) -> Result<FromAfar> {
        let response = self.ask(&format!("{question}days={DAYS}"))?;
        let Some((newest, values)) = newest(kind, &read(response)?)? else {
            return Err(Error::new(Kind::Unavailable, "it has no figures of these days"));
        };
        let url = self.url.to_owned();
        let figures = values.into_iter().map(|((object, measure), part)| (object.to_string(), measure, part)).collect();
        Ok(FromAfar { kind, url, date: newest, figures })
    }

    /// Takes shares as an instance of this program tells them; of another program they stay those that were made of numbers.
    fn use_shares(&self, found: &mut FromAfar) -> Result<()> {
        let Some(share) = measures(found.kind).iter().position(|(name, _)| *name == "share") else { return Ok(()) };
        let response = self.ask(&format!("benchmark.json?type={}", found.kind.name()))?;
        if response.status == 404 {
            return Ok(());
        }
        let told = shares(&read(response)?)?;
        for (object, _, part) in found.figures.iter_mut().filter(|(_, measure, _)| *measure == share) {
            *part = told.get(object).copied().unwrap_or(*part);
        }
        Ok(())
    }

    /// Asks, unless answers have taken long already: whoever is slow is not waited for with each question.
    fn ask(&self, question: &str) -> Result<Response> {
        if self.since.elapsed() >= LONGEST {
            return Err(Error::new(Kind::Unavailable, "not asked for: what came before has taken too long"));
        }
        let url = format!("{}/stats/{question}", self.url);
        self.web.ask(&Request { method: "GET", url: &url, token: None, body: None }).map_err(|error| {
            match error.too_large {
                true => Error::new(Kind::Unavailable, format!("its answer is larger than {} MB", LARGEST >> 20)),
                false => error.error,
            }
        })
    }
}

/// The body of a good answer.
fn read(response: Response) -> Result<String> {
    let unusable = |text: String| Err(Error::new(Kind::Unavailable, text));
    match response.status {
        200 => {}
        300..=399 => {
            let place = excerpt(response.location.as_deref().unwrap_or("another address"));
            return unusable(format!("it redirects to {place}, which is not followed: name the right address"));
        }
        status => return unusable(format!("it answered {status}")),
    }
    String::from_utf8(response.body).or_else(|_| unusable("its answer is no text".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_by_its_host() {
        for (url, wanted) in [
            ("https://dashboard.monarc.lu", "dashboard.monarc.lu"),
            ("http://user:secret@stats.example.org:8080/path", "stats.example.org:8080"),
            ("http://[::1]:5005", "[::1]:5005"),
        ] {
            assert_eq!(url_host(url), wanted);
        }
    }
}
