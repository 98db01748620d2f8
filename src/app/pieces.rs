//! What is computed once for thousands of questions, each of which needs a piece of it, or looks at all others one by one: the
//! pieces one after the other, then what they have in common and where each of them stands. It waits on the disk, and nobody
//! holds more than a piece.

use super::computed::unwritten;
use crate::error::Result;
use crate::server::spool::Spool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;

/// Bytes that say where the last piece ends.
const END: u64 = 8;

/// A key, and where its piece begins and ends.
type Place<K> = (K, u64, u64);

/// Writes pieces.
pub struct Pieces<'a, K> {
    out: &'a mut dyn Write,
    places: Vec<Place<K>>,
    end: u64,
}

impl<'a, K: Serialize> Pieces<'a, K> {
    /// Without a piece.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, places: Vec::new(), end: 0 }
    }

    /// Writes the piece of these keys.
    pub fn push(&mut self, keys: impl IntoIterator<Item = K>, piece: &[u8]) -> Result<()> {
        self.out.write_all(piece).map_err(unwritten)?;
        let start = self.end;
        self.end += u64::try_from(piece.len()).map_err(unwritten)?;
        self.places.extend(keys.into_iter().map(|key| (key, start, self.end)));
        Ok(())
    }

    /// Writes what they have in common, and their places.
    pub fn finish(self, common: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut *self.out, &(common, self.places)).map_err(unwritten)?;
        self.out.write_all(&self.end.to_le_bytes()).map_err(unwritten)
    }
}

/// What the pieces have in common, and the piece of a key if there is one.
pub fn read<C: DeserializeOwned, K: DeserializeOwned + PartialEq>(
    part: &Spool,
    key: &K,
) -> Result<(C, Option<Vec<u8>>)> {
    let (common, places) = places::<C, K>(part)?;
    let place = places.iter().find(|(of, ..)| of == key);
    Ok((common, place.map(|(_, from, to)| bytes(part, *from, *to)).transpose()?))
}

/// Gives all pieces but that of a key to `work`, one after the other.
pub fn others<K: DeserializeOwned + PartialEq>(
    part: &Spool,
    key: &K,
    work: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let ((), mut places) = places::<(), K>(part)?;
    let own = places.iter().find(|(of, ..)| of == key).map(|(_, from, _)| *from);
    // A piece may have several keys.
    places.dedup_by_key(|(_, from, _)| *from);
    let mut others = places.iter().filter(|(_, from, _)| Some(*from) != own);
    others.try_for_each(|(_, from, to)| work(&bytes(part, *from, *to)?))
}

fn places<C: DeserializeOwned, K: DeserializeOwned>(part: &Spool) -> Result<(C, Vec<Place<K>>)> {
    let end = part.len().saturating_sub(END);
    let start = bytes(part, end, part.len())?.iter().rev().fold(0, |start, byte| start << 8 | u64::from(*byte));
    serde_json::from_slice(&bytes(part, start, end)?).map_err(unwritten)
}

fn bytes(part: &Spool, from: u64, to: u64) -> Result<Vec<u8>> {
    part.read_range(from..to).map_err(unwritten)
}
