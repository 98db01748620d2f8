//! The compact form of what stats add to the averages: for each object the numbers of stats and occurrences and exact sums.
//!
//! A payload keeps the entries of its content, a rollup those of a day; the same bytes serve both. An unchanged
//! analysis then costs no parsing: its entries are added to the new day's as they are.
//!
//! Format, per entry in order of object: the distance to the previous object; the stats and, in the lowest three bits, how
//! many sums follow (those left out are 0) and whether the occurrences differ from the stats; if so, the occurrences; the
//! sums, each in the largest unit in which it is whole, with the unit in its lowest two bits. All are LEB128 numbers.

use crate::model::Decimal;
use crate::model::shapes::{Contribution, VALUES};
use std::collections::BTreeMap;

/// The units of sums in those of [`Decimal`]: wholes, hundredths, millionths, thousand-millionths.
const UNITS: [i128; 4] = [1_000_000_000, 10_000_000, 1_000, 1];

/// What is known of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Stats that it occurs in; negative only in a difference that is still to be applied, like all others here.
    pub stats: i64,
    /// Occurrences, which are more than the stats where one has it twice.
    pub number: i64,
    /// Sums of the contributions' values.
    pub sums: [Decimal; VALUES],
}

impl Entry {
    /// What one part of a stat adds.
    pub fn of(part: &Contribution) -> Self {
        Self { stats: 1, number: part.occurrences, sums: part.values }
    }

    /// Adds what another part of the same stat adds.
    pub fn join(&mut self, part: &Contribution) {
        self.add(&Self { stats: 0, ..Self::of(part) }, 1);
    }

    /// Adds the stats, occurrences and sums of another, `times` over (-1 takes them away).
    pub fn add(&mut self, other: &Self, times: i64) {
        self.stats += other.stats * times;
        self.number += other.number * times;
        for (sum, value) in self.sums.iter_mut().zip(other.sums) {
            *sum += Decimal(value.0 * i128::from(times));
        }
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether some stats can add up to it.
    pub fn is_possible(&self) -> bool {
        self.stats > 0 && self.number >= 0 && self.sums.iter().all(|sum| sum.0 >= 0)
    }
}

/// Entries by the object's key in the store.
pub type Entries = BTreeMap<i64, Entry>;

/// The compact form of entries that are all possible.
pub fn encode(entries: &Entries) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 10);
    let mut previous = 0;
    for (&object, entry) in entries {
        let used = entry.sums.iter().rposition(|sum| *sum != Decimal::default()).map_or(0, |last| last + 1);
        let differs = entry.number != entry.stats;
        put(&mut bytes, object.abs_diff(previous).into());
        put(&mut bytes, u128::from(entry.stats.unsigned_abs()) << 3 | u128::from(differs) << 2 | bits(used));
        if differs {
            put(&mut bytes, entry.number.unsigned_abs().into());
        }
        for sum in &entry.sums[..used] {
            let unit = UNITS.iter().position(|unit| sum.0 % unit == 0).unwrap_or_default();
            put(&mut bytes, (sum.0 / UNITS[unit]).unsigned_abs() << 2 | bits(unit));
        }
        previous = object;
    }
    bytes
}

/// Reads the compact form; `None` if the bytes are no such form.
pub fn decode(mut bytes: &[u8]) -> Option<Vec<(i64, Entry)>> {
    let mut entries = Vec::with_capacity(bytes.len() / 6);
    let mut object = 0_i64;
    while !bytes.is_empty() {
        object = object.checked_add(i64::try_from(take(&mut bytes)?).ok()?)?;
        let (coded, used) = split(take(&mut bytes)?);
        let stats = i64::try_from(coded >> 1).ok()?;
        let number = if coded & 1 == 0 { stats } else { i64::try_from(take(&mut bytes)?).ok()? };
        let mut sums = [Decimal::default(); VALUES];
        for sum in sums.get_mut(..used)? {
            let (coded, unit) = split(take(&mut bytes)?);
            *sum = Decimal(i128::try_from(coded).ok()?.checked_mul(UNITS[unit])?);
        }
        entries.push((object, Entry { stats, number, sums }));
    }
    Some(entries)
}

/// A number below 4 as the lowest two bits of a coded one.
fn bits(number: usize) -> u128 {
    number as u128 & 3
}

/// A coded number without its lowest two bits, and these.
fn split(coded: u128) -> (u128, usize) {
    (coded >> 2, [0, 1, 2, 3].into_iter().find(|low| bits(*low) == coded & 3).unwrap_or_default())
}

fn put(bytes: &mut Vec<u8>, mut value: u128) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}

fn take(bytes: &mut &[u8]) -> Option<u128> {
    // Nearly all are small, and small ones are quicker in a word of the machine.
    let mut low = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        low |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(low.into());
        }
    }
    let mut value = u128::from(low);
    for shift in (63..128).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u128::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_entry() -> impl Strategy<Value = Entry> {
        let sum = prop_oneof![
            (0_i128..1_000_000, 0_usize..4).prop_map(|(number, unit)| number * UNITS[unit]),
            0_i128..(1_i128 << 120),
        ];
        let number = prop_oneof![0_i64..4, 0_i64..1 << 40];
        (number.clone(), number, proptest::array::uniform3(sum)).prop_map(|(stats, number, sums)| Entry {
            stats,
            number,
            sums: sums.map(Decimal),
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(entries in proptest::collection::btree_map(0_i64..1_000_000, any_entry(), 0..40)) {
            let read = decode(&encode(&entries)).unwrap();
            prop_assert_eq!(read, entries.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn other_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn what_is_taken_away_leaves_nothing(entries in proptest::collection::vec(any_entry(), 1..20)) {
            let mut sum = Entry::default();
            for entry in &entries { sum.add(entry, 1); }
            for entry in entries.iter().rev() { sum.add(entry, -1); }
            prop_assert!(sum.is_empty());
        }
    }

    #[test]
    fn an_ordinary_entry_is_small() {
        let sums = [Decimal::whole(13), Decimal::whole(36), Decimal(2_830_000_000)];
        let entries = (0..32).map(|object| (object, Entry { stats: 1, number: 1, sums })).collect();
        assert!(encode(&entries).len() <= 32 * 8, "{}", encode(&entries).len());
    }
}
