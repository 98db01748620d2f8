//! What clients call things: of each client and object its newest texts, and of each object the public ones.
//!
//! Written only when they change: a stat whose payload has the same labels as the one before it of its analysis costs
//! nothing. Deleted stats leave the client's name in the table `relabel` (a trigger does), and housekeeping then looks
//! through what is left of its stats (`relabel`).

use super::Store;
use crate::error::Result;
use crate::model::StatType;
use crate::model::shapes::{Contribution, EVERY_STAT, Texts};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The types whose objects clients name.
const NAMED: [StatType; 3] = [StatType::Threat, StatType::Vulnerability, StatType::Compliance];

/// The texts of a row: keys of wordings, 0 for an empty one, none for null.
pub(super) type Wordings = [Option<i64>; 4];

/// Whether stats of this type name objects.
pub(super) fn are_kept(kind: StatType) -> bool {
    NAMED.contains(&kind)
}

/// What is kept of each object of a client, also of those without labels: they count.
pub(super) fn is_kept(kind: StatType, part: &Contribution) -> bool {
    are_kept(kind) && part.key != EVERY_STAT
}

/// A number that tells one set of objects and labels from another; 0 of types without labels.
pub(super) fn fingerprint(kind: StatType, parts: &[Contribution]) -> i64 {
    if !are_kept(kind) {
        return 0;
    }
    let mut hash = Sha256::new();
    let mut text = |text: Option<&str>| {
        hash.update(text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or_default()).to_le_bytes());
        hash.update(text.unwrap_or_default());
    };
    for part in parts.iter().filter(|part| is_kept(kind, part)) {
        text(Some(&part.key));
        part.labels.iter().flatten().for_each(|label| text(label.as_deref()));
    }
    let hash = hash.finalize();
    // Six bytes are enough to tell the sets of one analysis from each other, and one less of each payload to keep.
    hash.first_chunk::<6>().map_or(0, |[a, b, c, d, e, f]| i64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]) >> 1)
}

/// The labels in a stat by the object's key: of an object that occurs several times the last text that is not empty.
pub(super) fn labels_of<'a>(kind: StatType, parts: &'a [Contribution]) -> BTreeMap<&'a str, Texts> {
    let mut labels: BTreeMap<&'a str, Texts> = BTreeMap::new();
    for part in parts.iter().filter(|part| is_kept(kind, part)) {
        let given = part.labels.clone().unwrap_or([const { Some(String::new()) }; 4]);
        match labels.get_mut(part.key.as_str()) {
            Some(known) => known.iter_mut().zip(given).for_each(|(known, text)| overlay(known, text)),
            None => drop(labels.insert(&part.key, given)),
        }
    }
    labels
}

/// Puts a newer text over an older one, unless it is empty and that is not.
fn overlay(older: &mut Option<String>, newer: Option<String>) {
    if has_text(&newer) || !has_text(older) {
        *older = newer;
    }
}

/// Whether it is a text, and not an empty one.
pub fn has_text(text: &Option<String>) -> bool {
    text.as_ref().is_some_and(|text| !text.is_empty())
}

/// Clients' objects with their names.
const NAMES: &str = "FROM label JOIN object ON object.id = label.object
     LEFT JOIN wording AS a ON a.id = label.label1 LEFT JOIN wording AS b ON b.id = label.label2
     LEFT JOIN wording AS c ON c.id = label.label3 LEFT JOIN wording AS d ON d.id = label.label4";

/// Bytes of names from which on an object counts as one more: who has few objects with long names burdens readers as much as
/// who has many.
const NAME: i64 = 1024;

/// As how many the objects of a client count.
pub(super) fn count(tx: &Transaction<'_>, client: i64) -> Result<i64> {
    let lengths =
        ["object.key", "a.text", "b.text", "c.text", "d.text"].map(|text| format!("ifnull(octet_length({text}), 0)"));
    let text = format!("SELECT ifnull(sum(1 + ({}) / {NAME}), 0) {NAMES} WHERE label.client = ?1", lengths.join(" + "));
    Ok(tx.prepare_cached(&text)?.query_row([client], |row| row.get(0))?)
}

/// As how many more they count, at most, with those of a stat.
pub(super) fn growth(tx: &Transaction<'_>, client: i64, kind: StatType, parts: &[Contribution]) -> Result<i64> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT octet_length(a.text), octet_length(b.text), octet_length(c.text), octet_length(d.text) {NAMES}
         WHERE label.client = ?1 AND object.type = ?2 AND object.key = ?3"
    ))?;
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let mut grown = 0;
    for (key, texts) in labels_of(kind, parts) {
        let counts = |lengths: [Option<i64>; 4]| 1 + (length(key) + lengths.into_iter().flatten().sum::<i64>()) / NAME;
        let sent = texts.map(|text| text.map(|text| length(&text)));
        let known = statement.query_row(params![client, kind.number(), key], |row| four(row, 0)).optional()?;
        // Texts of either may stay.
        grown += known.map_or(counts(sent), |known| {
            counts(std::array::from_fn(|slot| known[slot].max(sent[slot]))) - counts(known)
        });
    }
    Ok(grown)
}

/// Of each object what all objects of that client cost, of those who have it, whose cost the least.
pub(super) fn ranks(tx: &Transaction<'_>, cost: impl Fn(i64) -> usize) -> Result<HashMap<i64, usize>> {
    let mut statement = tx.prepare_cached("SELECT client, object FROM label")?;
    let mut look = |each: &mut dyn FnMut(i64, i64)| -> Result<()> {
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get(0)?, row.get(1)?);
        }
        Ok(())
    };
    let (mut costs, mut ranks) = (HashMap::<i64, usize>::new(), HashMap::new());
    look(&mut |client, object| *costs.entry(client).or_default() += cost(object))?;
    look(&mut |client, object| {
        let all = costs.get(&client).copied().unwrap_or_default();
        let least = ranks.entry(object).or_insert(all);
        *least = all.min(*least);
    })?;
    Ok(ranks)
}

/// Takes the labels of a stat, the client's newest of its type or an older one, whose objects are all known to the store.
pub(super) fn take(
    tx: &Transaction<'_>,
    client: i64,
    (kind, is_newest): (StatType, bool),
    parts: &[Contribution],
    mut id: impl FnMut(&str) -> Result<i64>,
) -> Result<()> {
    let mut is_settled = true;
    for (key, texts) in labels_of(kind, parts) {
        let object = id(key)?;
        let old = row(tx, client, object)?;
        let sent = wordings(tx, object, &texts)?;
        let merged = std::array::from_fn(|slot| {
            let text = |wording: Option<i64>| wording.filter(|id| *id > 0);
            let (known, new) = (text(old.and_then(|old| old[slot])), text(sent[slot]));
            // The texts of newer stats stay, and those that the newest one leaves empty.
            let stays = known.is_some() && (new.is_none() || !is_newest);
            is_settled &= !stays || new.is_none() || new == known;
            if stays { known } else { sent[slot] }
        });
        put(tx, client, object, old, merged)?;
        if old != Some(merged) || sent != merged {
            forget_unused(tx, object)?;
        }
    }
    if !is_settled {
        queue(tx, client, kind)?;
    }
    Ok(())
}

/// Leaves a client's labels of a type to be looked through by housekeeping.
fn queue(tx: &Transaction<'_>, client: i64, kind: StatType) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO relabel (client, type, number) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET number = number + 1",
    )?
    .execute(params![client, kind.number()])?;
    Ok(())
}

/// Leaves all labels to be looked through.
pub(super) fn queue_all(tx: &Transaction<'_>) -> Result<()> {
    tx.execute_batch(
        "INSERT INTO relabel (client, type, number)
             SELECT DISTINCT client, type, 1 FROM stat WHERE type IN (2, 3, 5)
             UNION SELECT DISTINCT label.client, object.type, 1 FROM label JOIN object ON object.id = label.object
         ON CONFLICT DO UPDATE SET number = number + 1",
    )?;
    Ok(())
}

/// The query for a client's row of an object.
pub(super) const OWN_LABELS: &str =
    "SELECT label1, label2, label3, label4 FROM label WHERE client = ?1 AND object = ?2";

/// A client's row of an object.
fn row(tx: &Transaction<'_>, client: i64, object: i64) -> Result<Option<Wordings>> {
    Ok(tx.prepare_cached(OWN_LABELS)?.query_row([client, object], |row| four(row, 0)).optional()?)
}

pub(super) fn four(row: &Row<'_>, first: usize) -> rusqlite::Result<Wordings> {
    Ok([row.get(first)?, row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?])
}

/// The wordings of texts, made where they are new.
pub(super) fn wordings(tx: &Transaction<'_>, object: i64, texts: &Texts) -> Result<Wordings> {
    let mut found: Wordings = [Some(0); 4];
    for ((slot, text), place) in (1_i64..).zip(texts).zip(&mut found) {
        *place = match text.as_deref() {
            None => None,
            Some("") => Some(0),
            Some(text) => Some(wording(tx, object, slot, text)?),
        };
    }
    Ok(found)
}

fn wording(tx: &Transaction<'_>, object: i64, slot: i64, text: &str) -> Result<i64> {
    let known = tx
        .prepare_cached("SELECT id FROM wording WHERE object = ?1 AND slot = ?2 AND text = ?3")?
        .query_row(params![object, slot, text], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(tx
            .prepare_cached("INSERT INTO wording (object, slot, clients, text) VALUES (?1, ?2, 0, ?3)")?
            .insert(params![object, slot, text])?),
    }
}

/// Writes a client's row of an object if it changes, counts who gives which text, and chooses the public ones.
pub(super) fn put(tx: &Transaction<'_>, client: i64, object: i64, old: Option<Wordings>, new: Wordings) -> Result<()> {
    if old == Some(new) {
        return Ok(());
    }
    let [a, b, c, d] = new;
    tx.prepare_cached(
        "INSERT INTO label (client, object, label1, label2, label3, label4) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET label1 = ?3, label2 = ?4, label3 = ?5, label4 = ?6",
    )?
    .execute(params![client, object, a, b, c, d])?;
    change(tx, object, old.unwrap_or([Some(0); 4]), new)
}

/// Deletes a client's row of an object.
pub(super) fn remove(tx: &Transaction<'_>, client: i64, object: i64, old: Wordings) -> Result<()> {
    tx.prepare_cached("DELETE FROM label WHERE client = ?1 AND object = ?2")?.execute([client, object])?;
    // Null stays null until somebody sends another text.
    change(tx, object, old, old.map(|wording| wording.map(|_| 0)))?;
    forget_unused(tx, object)
}

/// Counts that one client gives other texts of an object than before.
fn change(tx: &Transaction<'_>, object: i64, old: Wordings, new: Wordings) -> Result<()> {
    for ((slot, old), new) in (1..).zip(old).zip(new).filter(|((_, old), new)| old != new) {
        let mut statement = tx.prepare_cached("UPDATE wording SET clients = clients + ?2 WHERE id = ?1")?;
        for (wording, difference) in [(old, -1), (new, 1)] {
            if let Some(id) = wording.filter(|id| *id > 0) {
                statement.execute([id, difference])?;
            }
        }
        publish(tx, object, slot, new)?;
    }
    Ok(())
}

/// Chooses the public text of a slot: the one that most clients give, of equals the one that was public before. If nobody
/// gives one, it is null or empty as it was last sent.
fn publish(tx: &Transaction<'_>, object: i64, slot: i64, last: Option<i64>) -> Result<()> {
    let text =
        format!("SELECT label{slot}, (SELECT clients FROM wording WHERE id = label{slot}) FROM object WHERE id = ?1");
    let (public, given): (Option<i64>, Option<i64>) =
        tx.prepare_cached(&text)?.query_row([object], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = tx.prepare_cached(
        "SELECT id, clients FROM wording WHERE object = ?1 AND slot = ?2 AND clients > 0 ORDER BY clients DESC LIMIT 1",
    )?;
    let top: Option<(i64, i64)> =
        statement.query_row([object, slot], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let chosen = match top {
        Some((_, clients)) if given == Some(clients) => public,
        Some((id, _)) => Some(id),
        None => last.filter(|id| *id == 0),
    };
    if chosen != public {
        tx.prepare_cached(&format!("UPDATE object SET label{slot} = ?2 WHERE id = ?1"))?
            .execute(params![object, chosen])?;
    }
    Ok(())
}

/// Deletes the texts of an object that nobody gives any more.
pub(super) fn forget_unused(tx: &Transaction<'_>, object: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM wording WHERE object = ?1 AND clients = 0 AND slot BETWEEN 1 AND 4")?
        .execute([object])?;
    Ok(())
}

/// Whose texts are shown of objects: the caller's own first; then, where everything is live, those that most clients give.
/// Where it is not, those are nobody's business but the rules' of releases.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    /// Whose own they are.
    pub caller: Option<i64>,
    /// Whether everything is live.
    pub is_live: bool,
}

/// The key of an object and the texts that are shown of it; empty where there is none to show.
pub(super) fn shown(tx: &Transaction<'_>, object: i64, naming: Naming) -> Result<(String, Texts)> {
    let mut statement = tx.prepare_cached(
        "SELECT key, object.label1, object.label2, object.label3, object.label4,
             label.label1, label.label2, label.label3, label.label4, label.client IS NOT NULL
         FROM object LEFT JOIN label ON label.object = object.id AND label.client = ?2
         WHERE object.id = ?1",
    )?;
    let (key, public, own, is_own) = statement.query_row(params![object, naming.caller], |row| {
        Ok((row.get(0)?, four(row, 1)?, four(row, 5)?, row.get::<_, bool>(9)?))
    })?;
    let public = if naming.is_live { public } else { [Some(0); 4] };
    let mut texts: Texts = Default::default();
    for ((public, own), text) in public.into_iter().zip(own).zip(&mut texts) {
        let given = [own, public].into_iter().flatten().find(|id| *id > 0);
        *text = match (given, if is_own { own } else { public }) {
            (Some(id), _) => {
                Some(tx.prepare_cached("SELECT text FROM wording WHERE id = ?1")?.query_row([id], |row| row.get(0))?)
            }
            (None, sent) => sent.map(|_| String::new()),
        };
    }
    Ok((key, texts))
}

impl Store {
    /// So many objects of a type, or of those that one client has: those of the clients that have fewest. None if there are
    /// no more than that.
    pub fn foremost_objects(&self, kind: StatType, owner: Option<i64>, most: usize) -> Result<Option<HashSet<i64>>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(match owner {
                Some(_) => {
                    "SELECT id FROM label JOIN object ON object.id = label.object
                     WHERE type = ?1 AND key <> ?2 AND label.client = ?3"
                }
                None => "SELECT id FROM object WHERE type = ?1 AND key <> ?2 AND ?3 IS NULL",
            })?;
            let rows = statement.query_map(params![kind.number(), EVERY_STAT, owner], |row| row.get(0))?;
            let mut objects: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
            if objects.len() <= most {
                return Ok(None);
            }
            let ranks = ranks(tx, |_| 1)?;
            objects.sort_by_key(|object| (ranks.get(object).copied().unwrap_or(usize::MAX), *object));
            Ok(Some(objects.into_iter().take(most).collect()))
        })
    }

    /// What some clients call their objects of a type now, by the object's key; empty where a client gives no text.
    pub fn texts_of(&self, clients: &[i64], kind: StatType) -> Result<Vec<(String, [String; 4])>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT object.key, ifnull(a.text, ''), ifnull(b.text, ''), ifnull(c.text, ''), ifnull(d.text, '') {NAMES}
                 WHERE label.client = ?1 AND object.type = ?2",
            ))?;
            let mut texts = Vec::new();
            for client in clients {
                let rows = statement.query_map([*client, kind.number()], |row| {
                    Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
                })?;
                for row in rows {
                    texts.push(row?);
                }
            }
            Ok(texts)
        })
    }
}
