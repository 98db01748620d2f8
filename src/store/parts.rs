//! Work in parts: whatever is larger than a few megabytes is written in several transactions, so that nobody waits long
//! for the writer. Each stat is stored whole or not at all, and repeating what was broken off finishes it.

use super::{Store, deletion, touch};
use crate::error::Result;
use rusqlite::{OptionalExtension, Transaction};
use std::sync::atomic::Ordering;

/// Stats that are written, or deleted, in one transaction.
pub const ROWS: usize = 500;
/// Bytes of text after which a part of what is written ends; a batch below that is never divided.
pub const BYTES: usize = 1 << 20;

/// Divides items into parts. A part ends when it has [`BYTES`], or [`ROWS`] items if all together have more bytes than
/// that; one item may be larger.
pub fn parts<T>(items: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let is_small = items.iter().map(&size).sum::<usize>() < BYTES;
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, item) in items.iter().enumerate() {
        bytes += size(item);
        let is_full = !is_small && (bytes >= BYTES || index + 1 - start >= ROWS);
        if is_full || index + 1 == items.len() {
            parts.push(&items[start..=index]);
            (start, bytes) = (index + 1, 0);
        }
    }
    parts
}

/// A stat that is to be deleted, as long as another is there.
pub(super) struct Doomed {
    pub seq: i64,
    pub because_of: Option<i64>,
}

impl Store {
    /// Deletes stats part by part; gives their number. What was deleted meanwhile does not count, what came since stays.
    pub(super) fn delete_in_parts(&self, doomed: &[Doomed]) -> Result<usize> {
        let mut gone = 0;
        for part in doomed.chunks(ROWS) {
            // Before: a service that is killed looks after its next start.
            self.deleted.store(true, Ordering::Relaxed);
            gone += self.write(|tx| {
                let still = part.iter().filter_map(|one| still(tx, one).transpose()).collect::<Result<Vec<i64>>>()?;
                let gone = deletion::delete(tx, &still)?;
                if gone > 0 {
                    touch(tx)?;
                }
                Ok(gone)
            })?;
        }
        Ok(gone)
    }
}

/// The stat, if there is still a reason to delete it.
fn still(tx: &Transaction<'_>, doomed: &Doomed) -> Result<Option<i64>> {
    let Some(reason) = doomed.because_of else { return Ok(Some(doomed.seq)) };
    let mut statement = tx.prepare_cached("SELECT 1 FROM stat WHERE seq = ?1")?;
    let is_there = statement.query_row([reason], |_| Ok(())).optional()?.is_some();
    Ok(is_there.then_some(doomed.seq))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_all_of_it_and_none_is_too_large(sizes in proptest::collection::vec(0_usize..300_000, 0..40)) {
            let parts = parts(&sizes, |size| *size);
            prop_assert_eq!(parts.concat(), sizes.clone());
            for part in &parts {
                prop_assert!(part[..part.len() - 1].iter().sum::<usize>() < BYTES);
            }
            if sizes.iter().sum::<usize>() < BYTES {
                prop_assert!(parts.len() <= 1);
            }
        }
    }

    #[test]
    fn many_small_ones_are_divided_only_beside_large_ones() {
        let small = vec![10; 3 * ROWS];
        assert_eq!(parts(&small, |size| *size).len(), 1);
        let beside = [small, vec![BYTES]].concat();
        assert_eq!(
            parts(&beside, |size| *size).iter().map(|part| part.len()).collect::<Vec<_>>(),
            [ROWS, ROWS, ROWS, 1]
        );
    }
}
