//! What objects are called in an answer for somebody: as the caller calls them, and else as the public sees them, which is
//! as most clients do where everything is live, and as the newest release says where it is not.

use super::{App, released};
use crate::averages::published::Week;
use crate::error::Result;
use crate::model::StatType;
use crate::model::shapes::Texts;
use crate::store::labels::{Naming, has_text};
use crate::store::rollups::Selection;
use crate::store::sums::{Called, Sums};
use std::cell::OnceCell;

/// The names for one answer.
pub struct Names<'a> {
    app: &'a App,
    naming: Naming,
    /// The newest release, once something is not named by the caller itself.
    week: OnceCell<Option<Week>>,
}

impl<'a> Names<'a> {
    /// Those that a client sees, or anybody.
    pub fn of(app: &'a App, caller: Option<i64>) -> Self {
        let naming = Naming { caller, is_live: app.config.public_min_clients.is_live() };
        Self { app, naming, week: OnceCell::new() }
    }

    /// Gives `work` the sums of the selected stats, and what their objects are called.
    pub fn sums<T>(&self, selection: &Selection, work: impl FnOnce(&Sums<'_>) -> Result<T>) -> Result<T> {
        if !self.naming.is_live {
            // Now, and not while the sums are read: nobody holds two readers of the store.
            self.week()?;
        }
        let more = &|key: &str, texts: &mut Texts| self.add_published(selection.kind, key, texts);
        self.app.store.sums_for(selection, Called { naming: self.naming, more }, work)
    }

    /// What an object is called.
    pub fn texts(&self, kind: StatType, key: &str) -> Result<Texts> {
        let mut texts = self.app.store.texts_for(kind, key, self.naming)?;
        self.add_published(kind, key, &mut texts)?;
        Ok(texts)
    }

    /// Adds what was published in each language in which there is nothing yet.
    fn add_published(&self, kind: StatType, key: &str, texts: &mut Texts) -> Result<()> {
        if self.naming.is_live || texts.iter().all(has_text) {
            return Ok(());
        }
        let published = self.week()?.and_then(|week| week.texts(kind, key)).unwrap_or_default();
        for (text, published) in texts.iter_mut().zip(published) {
            if !has_text(text) && !published.is_empty() {
                *text = Some(published);
            }
        }
        Ok(())
    }

    fn week(&self) -> Result<Option<&Week>> {
        if self.week.get().is_none() {
            // Nobody else sets it.
            let _ = self.week.set(released::newest(self.app)?);
        }
        Ok(self.week.get().and_then(Option::as_ref))
    }
}
