//! Stats in the store: one per analysis, type and date, their data once per content.

use super::entries::Entry;
use super::objects::Objects;
use super::payloads::{self, NewPayload, Newest, Owner, Packer};
use super::rollups::{Changes, intern};
use super::{Store, clients, deletion, labels, now, touch};
use crate::error::Result;
use crate::model::shapes::{Contribution, Flaw};
use crate::model::stat::NewStat;
use crate::model::{Client, StatType, date};
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// What became of one item of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Stored under this UUID.
    Stored(Uuid),
    /// Not stored: a stat with this UUID exists already, whoever's it is.
    Duplicate(Uuid),
    /// A later item of the same batch took its place.
    Superseded,
    /// Not stored: the client would have more distinct objects than this.
    TooMany(usize),
}

impl ItemOutcome {
    /// Why a stat was not stored, if it has to be refused.
    pub fn flaw(&self) -> Option<Flaw> {
        let Self::TooMany(limit) = self else { return None };
        let reason = format!(
            "the client would have more than {limit} distinct threats, vulnerabilities and categories (MAX_OBJECTS), or too long names of them: each kilobyte counts as one more"
        );
        Some(Flaw { field: Some("data".into()), reason })
    }
}

/// How often items whose identity was taken are looked at again after it became free.
const ROUNDS: usize = 8;

impl Store {
    /// Stores a batch for a client in one transaction, and says what became of each item, in order.
    ///
    /// # Errors
    /// `NotFound` if the client has just been deleted, and those of the store; nothing is stored then.
    pub fn add_stats(&self, client: &Client, batch: &[NewStat<'_>]) -> Result<Vec<ItemOutcome>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.write(|tx| {
            // As it is now: a command may have changed or deleted it since its token was looked at.
            let client = &clients::by_id(tx, client)?;
            let mut objects = std::mem::take(&mut *self.lock_objects());
            objects.refresh(tx)?;
            let mut writer = StatWriter::new(tx, client, now(), objects);
            writer.limit = self.max_objects();
            let outcomes = writer.all(batch)?;
            writer.flush()?;
            tx.prepare_cached("UPDATE client SET last_stat_at = ?2 WHERE id = ?1")
                .and_then(|mut statement| statement.execute([client.id, writer.now]))?;
            touch(tx)?;
            Ok((outcomes, writer.objects))
        });
        // After a failure they stay forgotten: some of them may just have been taken back.
        stored.map(|(outcomes, objects)| {
            *self.lock_objects() = objects;
            outcomes
        })
    }

    /// Bounds the distinct objects of a client, instead of [`MAX_OBJECTS`] of them.
    pub fn limit_objects(&self, number: usize) {
        self.max_objects.store(number, Ordering::Relaxed);
    }

    /// How many distinct objects a client may have.
    pub(super) fn max_objects(&self) -> usize {
        self.max_objects.load(Ordering::Relaxed)
    }

    /// Whether the store has the content of each of these stats, so that it need not be checked again.
    pub fn has_payloads<'a, 'b: 'a>(&self, batch: impl Iterator<Item = &'a NewStat<'b>>) -> Result<Vec<bool>> {
        self.read(|tx| batch.map(|stat| payloads::exists(tx, stat.kind, &stat.hash)).collect())
    }

    /// Whether a stat has this UUID, whoever's it is.
    pub fn has_stat(&self, uuid: Uuid) -> Result<bool> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT 1 FROM stat WHERE uuid = ?1")?;
            Ok(statement.exists([uuid.into_bytes()])?)
        })
    }
}

/// Distinct objects that a client may have unless the operator says otherwise.
pub const MAX_OBJECTS: usize = 20_000;

/// The item of a batch that has each place so far.
type Places = HashMap<(Uuid, StatType, Date), usize>;

/// The place of one stat: the key of its analysis, its type and date.
type Place = (i64, StatType, i64);

/// The work of storing stats in one transaction.
pub(super) struct StatWriter<'a> {
    tx: &'a Transaction<'a>,
    /// Key of the client whose stats come next, and whether it is local.
    pub(super) client: (i64, bool),
    /// When they arrived, in seconds since 1970.
    pub(super) now: i64,
    objects: Objects,
    pub(super) packer: Packer,
    changes: Changes,
    analyses: HashMap<(i64, Uuid), i64>,
    /// How many distinct objects a client may have.
    pub(super) limit: usize,
    /// As how many each client's count, as far as it was looked for.
    owned: HashMap<i64, i64>,
    /// The newest stats that were looked for: such a look may pass many others, and would do so for each item of a batch.
    newest: HashMap<(Owner, StatType), Option<Newest>>,
}

/// A stat's payload and what it adds to the averages.
struct Content {
    id: i64,
    /// Its base, or itself.
    base: i64,
    labels: i64,
    entries: Vec<(i64, Entry)>,
}

impl<'a> StatWriter<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, client: &Client, now: i64, objects: Objects) -> Self {
        let client = (client.id, client.is_local);
        let (packer, changes, analyses) = (Packer::default(), Changes::default(), HashMap::new());
        let (limit, owned, newest) = (MAX_OBJECTS, HashMap::new(), HashMap::new());
        Self { tx, client, now, objects, packer, changes, analyses, limit, owned, newest }
    }

    /// Writes what was collected for the rollups; to be called at the end, and in between if there is much.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.analyses.clear();
        self.newest.clear();
        std::mem::take(&mut self.changes).write(self.tx)
    }

    fn all(&mut self, batch: &[NewStat<'_>]) -> Result<Vec<ItemOutcome>> {
        let mut outcomes: Vec<ItemOutcome> = Vec::with_capacity(batch.len());
        let mut places = Places::new();
        for index in 0..batch.len() {
            let outcome = self.item(batch, index, &mut places, &mut outcomes)?;
            outcomes.push(outcome);
        }
        self.retry(batch, &mut places, &mut outcomes)?;
        Ok(outcomes)
    }

    /// Stores an item, unless its identity is taken or the client has too many objects.
    fn item(
        &mut self,
        batch: &[NewStat<'_>],
        index: usize,
        places: &mut Places,
        outcomes: &mut [ItemOutcome],
    ) -> Result<ItemOutcome> {
        let item = &batch[index];
        // In order of time, so that they do not scatter over the index.
        let uuid = item.uuid.unwrap_or_else(Uuid::now_v7);
        if item.uuid.is_some() && self.exists(uuid)? {
            return Ok(ItemOutcome::Duplicate(uuid));
        }
        if !self.add(uuid, item)? {
            return Ok(ItemOutcome::TooMany(self.limit));
        }
        if let Some(earlier) = places.insert((item.anr, item.kind, item.date), index) {
            outcomes[earlier] = ItemOutcome::Superseded;
        }
        if self.changes.are_many() {
            self.flush()?;
        }
        Ok(ItemOutcome::Stored(uuid))
    }

    /// Looks again at items whose identity was taken by a stat that the same batch replaced afterwards: they are no
    /// duplicates of anything then.
    fn retry(&mut self, batch: &[NewStat<'_>], places: &mut Places, outcomes: &mut [ItemOutcome]) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut is_settled = true;
            for (index, item) in batch.iter().enumerate() {
                let ItemOutcome::Duplicate(uuid) = outcomes[index] else { continue };
                if self.exists(uuid)? {
                    continue;
                }
                is_settled = false;
                let later = places.get(&(item.anr, item.kind, item.date)).is_some_and(|&other| other > index);
                outcomes[index] = match later {
                    true => ItemOutcome::Superseded,
                    false => self.item(batch, index, places, outcomes)?,
                };
            }
            if is_settled {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn exists(&self, uuid: Uuid) -> Result<bool> {
        let mut statement = self.tx.prepare_cached("SELECT 1 FROM stat WHERE uuid = ?1")?;
        Ok(statement.exists([uuid.into_bytes()])?)
    }

    /// Stores a stat, in the place of the one that is there. Returns false, and stores nothing, if the client would have
    /// too many objects.
    pub(super) fn add(&mut self, uuid: Uuid, item: &NewStat<'_>) -> Result<bool> {
        let analysis = self.analysis(item.anr)?;
        let day = date::to_number(item.date);
        let Some(content) = self.content(item, analysis, day)? else { return Ok(false) };
        let place = (analysis, item.kind, day);
        let earlier = match self.insert(uuid, place, content.id)? {
            true => None,
            false => {
                let earlier = self.remove_earlier(place)?;
                self.insert(uuid, place, content.id)?;
                Some(earlier)
            }
        };
        self.note_newest(item.kind, analysis, Newest { day, base: content.base, labels: content.labels });
        self.changes.add(item.kind, self.client.1, day, &content.entries, 1);
        // Not before: the new stat may well have the same payload.
        earlier.map_or(Ok(()), |payload| payloads::remove_unused(self.tx, payload))?;
        Ok(true)
    }

    /// Inserts a stat, unless its place is taken.
    fn insert(&self, uuid: Uuid, (analysis, kind, day): Place, payload: i64) -> Result<bool> {
        let inserted = self
            .tx
            .prepare_cached(
                "INSERT INTO stat (uuid, client, analysis, type, date, payload, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (analysis, type, date) DO NOTHING",
            )
            .and_then(|mut statement| {
                let id = uuid.into_bytes();
                statement.execute(params![id, self.client.0, analysis, kind.number(), day, payload, self.now])
            })?;
        Ok(inserted > 0)
    }

    pub(super) fn analysis(&mut self, anr: Uuid) -> Result<i64> {
        if let Some(&id) = self.analyses.get(&(self.client.0, anr)) {
            return Ok(id);
        }
        let values = params![self.client.0, anr.into_bytes()];
        let known = self
            .tx
            .prepare_cached("SELECT id FROM analysis WHERE client = ?1 AND uuid = ?2")
            .and_then(|mut statement| statement.query_row(values, |row| row.get(0)).optional())?;
        let id = match known {
            Some(id) => id,
            None => self
                .tx
                .prepare_cached("INSERT INTO analysis (client, uuid) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.insert(values))?,
        };
        self.analyses.insert((self.client.0, anr), id);
        Ok(id)
    }

    /// The newest stat of a type that an analysis or the client has.
    fn newest(&mut self, kind: StatType, owner: Owner) -> Result<Option<Newest>> {
        if let Some(known) = self.newest.get(&(owner, kind)) {
            return Ok(*known);
        }
        let found = payloads::newest(self.tx, kind, owner)?;
        self.newest.insert((owner, kind), found);
        Ok(found)
    }

    /// Remembers a stat that was stored, where it is the newest one.
    fn note_newest(&mut self, kind: StatType, analysis: i64, stat: Newest) {
        for owner in [Owner::Analysis(analysis), Owner::Client(self.client.0)] {
            if let Some(known) = self.newest.get_mut(&(owner, kind))
                && known.is_none_or(|known| known.day <= stat.day)
            {
                *known = Some(stat);
            }
        }
    }

    /// The payload of an item, new or known, after the client's labels were brought up to date; none if there are too many.
    fn content(&mut self, item: &NewStat<'_>, analysis: i64, day: i64) -> Result<Option<Content>> {
        let earlier = self.newest(item.kind, Owner::Analysis(analysis))?;
        if let Some(payloads::Known { id, base, labels, entries }) = payloads::find(self.tx, item.kind, &item.hash)? {
            let has_room =
                self.has_labels(item.kind, earlier, labels)? || self.label(item, &item.contributions()?, day)?;
            return Ok(has_room.then_some(Content { id, base, labels, entries }));
        }
        let parts = item.contributions()?;
        let labels = labels::fingerprint(item.kind, &parts);
        if !self.has_labels(item.kind, earlier, labels)? && !self.label(item, &parts, day)? {
            return Ok(None);
        }
        let entries = intern(self.tx, &mut self.objects, item.kind, &parts)?;
        let new = NewPayload { kind: item.kind, hash: &item.hash, text: item.data, labels, entries: &entries };
        let (id, base) = payloads::insert(self.tx, &mut self.packer, &new, earlier)?;
        Ok(Some(Content { id, base, labels, entries: entries.into_iter().collect() }))
    }

    /// Whether the client has these labels already: its analysis had them the last time, or its newest stat of all has them,
    /// as where a new analysis begins from the same catalogue.
    fn has_labels(&mut self, kind: StatType, earlier: Option<Newest>, labels: i64) -> Result<bool> {
        let is_same = |newest: Option<Newest>| newest.is_some_and(|newest| newest.labels == labels);
        Ok(!labels::are_kept(kind) || is_same(earlier) || is_same(self.newest(kind, Owner::Client(self.client.0))?))
    }

    /// Takes over what a stat calls its objects. Returns false if the client would have too many of them.
    fn label(&mut self, item: &NewStat<'_>, parts: &[Contribution], day: i64) -> Result<bool> {
        let client = self.client.0;
        let known = match self.owned.get(&client) {
            Some(&known) => known,
            None => labels::count(self.tx, client)?,
        };
        let owned = known + labels::growth(self.tx, client, item.kind, parts)?;
        if owned > known && owned > i64::try_from(self.limit).unwrap_or(i64::MAX) {
            return Ok(false);
        }
        let newest = self.newest(item.kind, Owner::Client(client))?;
        let is_newest = newest.is_none_or(|newest| newest.day <= day);
        let (tx, objects) = (self.tx, &mut self.objects);
        // In the order in which the sender has them: averages show categories in that order.
        for part in parts {
            objects.id(tx, item.kind, &part.key)?;
        }
        labels::take(tx, client, (item.kind, is_newest), parts, |key| objects.id(tx, item.kind, key))?;
        self.owned.insert(client, owned);
        Ok(true)
    }

    /// Deletes the stat that has this place until now; gives its payload.
    fn remove_earlier(&mut self, (analysis, kind, day): Place) -> Result<i64> {
        let (seq, payload) = self
            .tx
            .prepare_cached("SELECT seq, payload FROM stat WHERE analysis = ?1 AND type = ?2 AND date = ?3")
            .and_then(|mut statement| {
                statement.query_row(params![analysis, kind.number(), day], |row| Ok((row.get(0)?, row.get(1)?)))
            })?;
        let entries = payloads::entries(self.tx, payload)?;
        self.changes.add(kind, self.client.1, day, &entries, -1);
        deletion::remove(self.tx, seq)?;
        Ok(payload)
    }
}
