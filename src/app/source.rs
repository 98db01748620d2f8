//! Where public figures come from: what is live, or what was released. Who asks does not need to know which.

use super::answer::Answer;
use super::released::{Published, Weeks, read};
use super::{App, computed};
use crate::averages::published::{self, Week};
use crate::averages::{Params, Processor};
use crate::error::Result;
use crate::model::StatType;
use crate::model::date::today;
use crate::server::message::Head;
use crate::store::rollups::Selection;
use jiff::Span;
use jiff::civil::Date;
use std::io::Write;

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
}

impl<'a> Source<'a> {
    /// Those of this service.
    pub fn of(app: &'a App) -> Result<Self> {
        let published = (!app.config.public_min_clients.is_live()).then(|| Published::of(app)).transpose()?;
        Ok(Self { app, published })
    }

    /// Whether everything is live.
    pub fn is_live(&self) -> bool {
        self.published.is_none()
    }

    /// Answers a question about a window that nothing else decides.
    pub fn answer(
        &self,
        head: &Head,
        (question, window): (&str, Window),
        compute: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Answer {
        match &self.published {
            None => computed::public(self.app, head, question, compute),
            Some(known) => {
                let question = format!("{question} {:?}", known.dates(weeks_of(window)));
                computed::released(self.app, head, (known.version, known.built_at()), &question, compute)
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
        let newest = self.app.store.newest_days(kind, NOW)?;
        Ok(newest.last().copied().zip(newest.first().copied()))
    }

    /// What was released in a window, in order; nothing where everything is live.
    pub fn weeks(&self, window: Window) -> Result<Vec<Week>> {
        let Some(published) = &self.published else { return Ok(Vec::new()) };
        read(self.app, &published.dates(weeks_of(window)))
    }

    /// Writes the JSON of a processor over a window.
    pub fn write(
        &self,
        (kind, processor): (StatType, &Processor),
        params: &Params,
        window: Window,
        out: &mut dyn Write,
    ) -> Result<()> {
        if self.published.is_some() {
            return published::answer(processor.name, &self.weeks(window)?, params, out);
        }
        let days = self.days(kind, window)?;
        // Without a day there is nothing: a range that ends before it begins.
        let (from, to) = days.unwrap_or((Date::MAX, Date::MIN));
        let selection =
            Selection { kind, from: Some(from), to: Some(to), local_only: false, analyses: None, newest: None };
        (processor.run)(&self.app.store.rollup(&selection)?, params, out)
    }
}

fn weeks_of(window: Window) -> Weeks {
    match window {
        Window::Now => Weeks::Newest,
        Window::Days(days) => Weeks::Inside(today().checked_sub(Span::new().days(days - 1)).ok(), None),
    }
}
