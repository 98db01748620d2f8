//! Look-ups on MOSP, the MONARC objects sharing platform: whether an object is published there.
//!
//! The service asks for its dashboard and for weeks that it releases, and keeps the answers; when MOSP cannot be reached, only a
//! link or a name is missing.

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::model::text::without_password;
use crate::outbound::{HttpClient, Request};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an answer may take: somebody is looking at the page.
const LONGEST: Duration = Duration::from_secs(3);
/// Seconds for which an answer is kept: a found object, one that is not there.
const KEEP_FOUND: i64 = 7 * 86_400;
const KEEP_MISSING: i64 = 86_400;
/// Seconds for which an answer is good enough to name a week's objects, found or not: else each week asked about the same.
const KEEP_FOR_WEEKS: i64 = 28 * 86_400;
/// What the names of one week may cost. The week waits for them, and so do those after it.
const QUESTIONS: usize = 200;
const LONGEST_NAMING: Duration = Duration::from_secs(60);
/// Questions that are asked at the same time.
const AT_ONCE: usize = 4;
/// How long MOSP is left alone after it did not answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Characters of what may be a name.
const LONGEST_NAME: usize = 1000;
/// MONARC's order of languages, as MOSP writes them.
const LANGUAGES: [&str; 4] = ["FR", "EN", "DE", "NL"];

/// An object as MOSP has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// MOSP's own number.
    pub id: i64,
    /// Its name there.
    pub name: String,
    /// Who published it.
    pub organization: Option<String>,
    /// When it last changed, as MOSP writes it.
    pub last_updated: Option<String>,
    /// Its licences.
    pub licenses: Vec<String>,
    /// What it is.
    pub description: Option<String>,
    /// The language of its name, as MOSP writes it: `EN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    id: i64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    organization: Option<Named>,
    #[serde(default)]
    licenses: Vec<License>,
    #[serde(default)]
    json_object: Content,
}

/// What was published: free JSON, of which one text is of use here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Object { language: Option<String> },
    Other(serde::de::IgnoredAny),
}

impl Default for Content {
    fn default() -> Self {
        Self::Other(serde::de::IgnoredAny)
    }
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum License {
    Text(String),
    Object { name: Option<String>, license_id: Option<String> },
    Other(serde::de::IgnoredAny),
}

impl From<Object> for Published {
    fn from(object: Object) -> Self {
        let license = |license| match license {
            License::Text(name) => Some(name),
            License::Object { name, license_id } => name.or(license_id),
            License::Other(_) => None,
        };
        let language = match object.json_object {
            Content::Object { language } => language,
            Content::Other(_) => None,
        };
        Self {
            id: object.id,
            name: object.name.unwrap_or_default(),
            organization: object.organization.and_then(|organization| organization.name),
            last_updated: object.last_updated,
            licenses: object.licenses.into_iter().filter_map(license).collect(),
            description: object.description,
            language,
        }
    }
}

/// What an object is called in French, English, German and Dutch, the order of labels. Of several objects under its UUID in a
/// language the first that was published counts, so that nobody renames it by publishing another one; a name of no language
/// stands as an English one. An endless one is none.
pub fn names(objects: &[Published]) -> [String; 4] {
    let mut names: [String; 4] = Default::default();
    let mut objects: Vec<_> = objects.iter().collect();
    objects.sort_by_key(|object| object.id);
    for object in objects.into_iter().filter(|object| object.name.chars().count() <= LONGEST_NAME) {
        let language = object.language.as_deref().unwrap_or("EN");
        let slot = LANGUAGES.iter().position(|known| known.eq_ignore_ascii_case(language));
        if let Some(name) = slot.and_then(|slot| names.get_mut(slot)).filter(|name| name.is_empty()) {
            object.name.trim().clone_into(name);
        }
    }
    names
}

/// The page of an object.
pub fn page(url: &str, uuid: Uuid) -> String {
    // Anybody gets to see this one.
    format!("{}/object/{uuid}", without_password(url).replace("…@", ""))
}

/// Asks MOSP what it has under a UUID.
///
/// # Errors
/// `Unavailable` if it does not answer, or not as MOSP does.
pub fn ask(web: &HttpClient, url: &str, uuid: Uuid) -> Result<Vec<Published>> {
    let request = format!("{url}/api/v2/object/?uuid={uuid}");
    let answer = web.ask(&Request { method: "GET", url: &request, token: None, body: None });
    let answer = answer.map_err(|trouble| trouble.error)?;
    let wrong =
        || Error::new(Kind::Unavailable, format!("{url} does not answer as MOSP: it answered {}", answer.status));
    if answer.status != 200 {
        return Err(wrong());
    }
    let parsed: Answer = serde_json::from_slice(&answer.body).map_err(|error| wrong().because(error))?;
    Ok(parsed.data.into_iter().map(Published::from).collect())
}

/// Gets ready to ask.
///
/// # Errors
/// `Invalid` if look-ups are turned off, or the proxy's address cannot be used.
pub fn connect(config: &Config) -> Result<(HttpClient, &str)> {
    let url = config.mosp.as_deref().ok_or_else(|| Error::invalid("look-ups are turned off: MOSP_URL is empty"))?;
    Ok((HttpClient::new(url, &config.proxies, LONGEST)?, url))
}

/// What the names of one week may still cost.
pub struct Budget {
    questions: usize,
    until: Instant,
}

impl Budget {
    /// That of a week.
    pub fn of_a_week() -> Self {
        Self { questions: QUESTIONS, until: Instant::now() + LONGEST_NAMING }
    }

    /// Takes one more question from it, if there is one.
    fn take(&mut self) -> bool {
        let has_one = self.questions > 0 && Instant::now() < self.until;
        self.questions -= usize::from(has_one);
        has_one
    }
}

/// What a running service knows of MOSP.
#[derive(Default)]
pub struct Lookups {
    web: OnceLock<Option<HttpClient>>,
    asking: AtomicUsize,
    silent_until: Mutex<Option<Instant>>,
}

impl Lookups {
    /// What MOSP has under a UUID, from the store if it was asked lately; none if that cannot be known now.
    pub fn find(&self, store: &Store, config: &Config, uuid: Uuid) -> Result<Option<Vec<Published>>> {
        self.look_up(store, config, uuid, [KEEP_FOUND, KEEP_MISSING], || true)
    }

    /// The same for a week's names, which may cost so much.
    pub fn find_for_week(
        &self,
        store: &Store,
        config: &Config,
        uuid: Uuid,
        budget: &mut Budget,
    ) -> Result<Option<Vec<Published>>> {
        self.look_up(store, config, uuid, [KEEP_FOR_WEEKS; 2], || budget.take())
    }

    fn look_up(
        &self,
        store: &Store,
        config: &Config,
        uuid: Uuid,
        [keep_found, keep_missing]: [i64; 2],
        may_ask: impl FnOnce() -> bool,
    ) -> Result<Option<Vec<Published>>> {
        if config.mosp.is_none() {
            return Ok(None);
        }
        let kept = store.mosp_answer(uuid)?.and_then(|(text, age)| {
            let objects: Vec<Published> = serde_json::from_str(&text).ok()?;
            let keep = if objects.is_empty() { keep_missing } else { keep_found };
            Some((objects, (0..keep).contains(&age)))
        });
        match kept {
            Some((objects, true)) => Ok(Some(objects)),
            old => match self.request(config, uuid, may_ask) {
                Some(objects) => {
                    store.keep_mosp_answer(uuid, &serde_json::to_string(&objects).unwrap_or_default())?;
                    Ok(Some(objects))
                }
                // An old answer is better than none.
                None => Ok(old.map(|(objects, _)| objects)),
            },
        }
    }

    /// Asks if it may, unless too many are asking or MOSP has just not answered.
    fn request(&self, config: &Config, uuid: Uuid, may_ask: impl FnOnce() -> bool) -> Option<Vec<Published>> {
        let silent = *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        if silent.is_some_and(|until| Instant::now() < until) || !may_ask() {
            return None;
        }
        let (url, web) = (config.mosp.as_deref()?, self.web(config)?);
        let asking = Asking::new(&self.asking)?;
        let answer = ask(web, url, uuid);
        drop(asking);
        answer
            .inspect_err(|error| {
                log::warn!("{}; left alone for {} s", error.chain(), SILENCE.as_secs());
                *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + SILENCE);
            })
            .ok()
    }

    /// Reads the system's certificates when they are first needed.
    fn web(&self, config: &Config) -> Option<&HttpClient> {
        let connected = || connect(config).map(|(web, _)| web).inspect_err(|e| log::warn!("{}", e.chain())).ok();
        self.web.get_or_init(connected).as_ref()
    }
}

/// One of the few that may ask at the same time.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn new(number: &'a AtomicUsize) -> Option<Self> {
        let asking = Self(number);
        (number.fetch_add(1, Ordering::SeqCst) < AT_ONCE).then_some(asking)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_week_cost_so_many_questions_and_so_long() {
        let mut budget = Budget::of_a_week();
        assert_eq!((0..2 * QUESTIONS).filter(|_| budget.take()).count(), QUESTIONS);
        let mut late = Budget { until: Instant::now(), ..Budget::of_a_week() };
        assert!(!late.take());
    }

    #[test]
    fn only_a_few_ask_at_the_same_time() {
        let number = AtomicUsize::new(0);
        let asking: Vec<_> = (0..AT_ONCE).map(|_| Asking::new(&number).unwrap()).collect();
        assert!(Asking::new(&number).is_none());
        drop(asking);
        assert_eq!(number.load(Ordering::SeqCst), 0);
        assert!(Asking::new(&number).is_some());
    }
}
