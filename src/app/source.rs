//! Where the figures of pages come from: what is live, what was released, or one client's own. Who asks does not need to know
//! which.

use super::answer::Answer;
use super::names::Names;
use super::released::{self, Known, Published, Weeks, read, read_object};
use super::{App, Request, changes, computed, own};
use crate::averages::published;
use crate::averages::release::moved::Live;
use crate::averages::{Params, Processor};
use crate::error::Result;
use crate::model::date::today;
use crate::model::{Client, StatType};
use crate::server::message::Head;
use crate::store::rollups::Selection;
use crate::store::summary::Summary;
use jiff::Span;
use jiff::civil::Date;
use std::io::Write;
use std::sync::Arc;
use uuid::Uuid;

/// Days with stats that "now" means.
pub const NOW: usize = 7;

/// Which days figures are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The newest days that have stats, or the newest week that was released.
    Now,
    /// So many days, today included.
    Days(i64),
}

/// Public figures.
pub struct Source<'a> {
    app: &'a App,
    /// Nothing where everything is live.
    published: Option<Published>,
    /// The client whose figures alone are looked at, live.
    own: Option<&'a Client>,
    names: Names<'a>,
}

impl<'a> Source<'a> {
    /// Those that a request is about.
    pub fn of(app: &'a App, request: &'a Request<'_>) -> Result<Self> {
        let own = request.own();
        let is_live = own.is_some() || app.config.public_min_clients.is_live();
        let published = (!is_live).then(|| Published::of(app)).transpose()?;
        Ok(Self { app, published, own, names: Names::of(app, own.map(|client| client.id)) })
    }

    /// Whether everything is live.
    pub fn is_live(&self) -> bool {
        self.published.is_none()
    }

    /// Answers a question about a window, which is part of it: of releases the weeks that are in it.
    pub fn answer(
        &self,
        head: &Head,
        (question, window): (&str, Window),
        compute: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Answer {
        match &self.published {
            None => match self.own {
                Some(client) => own::answer(self.app, head, client, &format!("{question} {window:?}"), compute),
                None => computed::public(self.app, head, &format!("{question} {window:?}"), compute),
            },
            Some(known) => {
                let question = format!("{question} {:?}", known.dates(weeks_of(window)));
                computed::released(self.app, head, (known.version, known.closed_at()), &question, compute)
            }
        }
    }

    /// The first and the last day of a window; nothing if there is nothing in it.
    pub fn days(&self, kind: StatType, window: Window) -> Result<Option<(Date, Date)>> {
        if let Window::Days(days) = window {
            let first = today().checked_sub(Span::new().days(days - 1)).unwrap_or(Date::MIN);
            return Ok(Some((first, today())));
        }
        if let Some(published) = &self.published {
            let last = published.dates(Weeks::Newest).pop();
            return Ok(last.and_then(|last| Some((last.checked_sub(Span::new().days(6)).ok()?, last))));
        }
        let newest = match self.own {
            Some(client) => self.app.store.newest_days_of(kind, NOW, client)?,
            None => self.app.store.newest_days(kind, NOW)?,
        };
        Ok(newest.last().copied().zip(newest.first().copied()))
    }

    /// What is known of the newest week that was released; nothing where everything is live.
    pub fn newest(&self) -> Result<Option<Arc<Known>>> {
        self.published.as_ref().map_or(Ok(None), |published| released::known(self.app, published))
    }

    /// Writes the JSON of a processor over a window, perhaps of one object alone.
    pub fn write(
        &self,
        (kind, processor): (StatType, &Processor),
        params: &Params,
        (window, only): (Window, Option<&str>),
        out: &mut dyn Write,
    ) -> Result<()> {
        if let Some(published) = &self.published {
            let dates = published.dates(weeks_of(window));
            let weeks = match only {
                Some(key) => read_object(self.app, published, &dates, (kind, key))?,
                None => read(self.app, &dates, &[kind])?,
            };
            return published::answer(processor.name, &weeks, params, out);
        }
        let days = self.days(kind, window)?;
        // Without a day there is nothing: a range that ends before it begins.
        let (from, to) = days.unwrap_or((Date::MAX, Date::MIN));
        let (from, to) = (Some(from), Some(to));
        let selection = match self.own {
            Some(client) => own::selection(kind, client, (from, to)),
            None => Selection { kind, from, to, local_only: false, analyses: None, newest: None, object: None },
        };
        let selection = Selection { object: only.map(str::to_owned), ..selection };
        self.names.sums(&selection, |sums| (processor.run)(sums, params, out))
    }

    /// What moved where everything is live: as it was computed today, or of one client now.
    pub fn changes(&self) -> Result<Live> {
        match self.own {
            Some(client) => own::changes(self.app, client),
            None => released::live_changes(self.app),
        }
    }

    /// What moved since a day where everything is live, as it is now.
    pub fn changes_since(&self, day: Date) -> Result<Live> {
        let analyses = match self.own {
            Some(client) => self.app.store.analyses_of(client)?,
            None => self.app.store.analyses()?,
        };
        changes::since(&self.app.store, &analyses, (day, today()), &|kind, key| self.names.texts(kind, key))
    }

    /// What tells whether they are others, where they are no part of the store's version.
    pub fn changes_hash(&self) -> Result<Option<[u8; 32]>> {
        let is_kept = self.own.is_none() && self.published.is_none();
        if is_kept { self.app.store.live_changes_hash() } else { Ok(None) }
    }

    /// Whether the figures have a threat or vulnerability.
    pub fn has_object(&self, uuid: Uuid) -> Result<bool> {
        match (self.own, &self.published) {
            (Some(client), _) => self.app.store.client_has_object(client, uuid),
            (None, None) => self.app.store.has_object(uuid),
            (None, Some(published)) => released::shows(self.app, published, uuid),
        }
    }

    /// Whether they have it or had it in a week of which others tell.
    pub fn ever_had(&self, uuid: Uuid) -> Result<bool> {
        match &self.published {
            Some(published) => released::ever_showed(self.app, published, uuid),
            None => self.has_object(uuid),
        }
    }

    /// What live figures rest on.
    pub fn summary(&self) -> Result<Summary> {
        match self.own {
            Some(client) => self.app.store.summary_of(client),
            None => self.app.store.summary(),
        }
    }
}

fn weeks_of(window: Window) -> Weeks {
    match window {
        Window::Now => Weeks::Newest,
        Window::Days(days) => Weeks::Inside(today().checked_sub(Span::new().days(days - 1)).ok(), None),
    }
}
