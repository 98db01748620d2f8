//! The compact form of what stats add to the averages: for each object a number of occurrences and exact sums.
//!
//! A payload keeps the entries of its content, a rollup those of a day; the same bytes serve both. An unchanged
//! analysis then costs no parsing: its entries are added to the new day's as they are.
//!
//! Format, per entry in order of object: the distance to the previous object, the occurrences, then each sum. All are
//! LEB128 numbers, signed ones zigzagged. A sum that is whole in hundredths, as nearly all are, is written in
//! hundredths with its lowest bit 0, any other in full with its lowest bit 1.

use crate::model::Decimal;
use crate::model::shapes::VALUES;
use std::collections::BTreeMap;

/// Units of [`Decimal`] in a hundredth.
const HUNDREDTH: i128 = 10_000_000;

/// What is known of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Occurrences; negative only in a difference that is still to be applied.
    pub number: i64,
    /// Sums of the contributions' values.
    pub sums: [Decimal; VALUES],
}

impl Entry {
    /// Adds the occurrences and sums of another, `times` over (-1 takes them away).
    pub fn add(&mut self, other: &Self, times: i64) {
        self.number += other.number * times;
        for (sum, value) in self.sums.iter_mut().zip(other.sums) {
            *sum += Decimal(value.0 * i128::from(times));
        }
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Entries by the object's key in the store.
pub type Entries = BTreeMap<i64, Entry>;

/// The compact form.
pub fn encode(entries: &Entries) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 12);
    let mut previous = 0;
    for (&object, entry) in entries {
        put(&mut bytes, zigzag(i128::from(object - previous)));
        put(&mut bytes, zigzag(i128::from(entry.number)));
        for sum in entry.sums {
            put(
                &mut bytes,
                match sum.0 % HUNDREDTH {
                    0 => zigzag(sum.0 / HUNDREDTH) << 1,
                    _ => zigzag(sum.0) << 1 | 1,
                },
            );
        }
        previous = object;
    }
    bytes
}

/// Reads the compact form; `None` if the bytes are no such form.
pub fn decode(mut bytes: &[u8]) -> Option<Vec<(i64, Entry)>> {
    let mut entries = Vec::with_capacity(bytes.len() / 8);
    let mut object = 0_i64;
    while !bytes.is_empty() {
        object = object.checked_add(i64::try_from(unzigzag(take(&mut bytes)?)).ok()?)?;
        let number = i64::try_from(unzigzag(take(&mut bytes)?)).ok()?;
        let mut sums = [Decimal::default(); VALUES];
        for sum in &mut sums {
            let coded = take(&mut bytes)?;
            let unit = if coded & 1 == 0 { HUNDREDTH } else { 1 };
            *sum = Decimal(unzigzag(coded >> 1).checked_mul(unit)?);
        }
        entries.push((object, Entry { number, sums }));
    }
    Some(entries)
}

/// Small negative numbers become small positive ones: 0, -1, 1, -2 … are 0, 1, 2, 3 …
fn zigzag(value: i128) -> u128 {
    let magnitude = value.unsigned_abs() << 1;
    if value < 0 { magnitude - 1 } else { magnitude }
}

fn unzigzag(coded: u128) -> i128 {
    // Sums stay far below 2^126, so half of a coded number always fits.
    let half = i128::try_from(coded >> 1).unwrap_or(i128::MAX);
    if coded & 1 == 0 { half } else { -half - 1 }
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
    let mut value = 0_u128;
    for shift in (0..128).step_by(7) {
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
            (-1_000_000_i128..1_000_000).prop_map(|hundredths| hundredths * HUNDREDTH),
            -(1_i128 << 120)..(1_i128 << 120),
        ];
        (any::<i32>(), proptest::array::uniform3(sum))
            .prop_map(|(number, sums)| Entry { number: number.into(), sums: sums.map(Decimal) })
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
        let entries = (0..32).map(|object| (object, Entry { number: 1, sums })).collect();
        assert!(encode(&entries).len() <= 32 * 10, "{}", encode(&entries).len());
    }
}
