//! Exact decimal numbers, so that sums can be added to and taken from for years without drift.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::ops::AddAssign;

/// Units of one whole: nine decimals are kept, what lies beyond is rounded half away from zero.
const UNITS: i128 = 1_000_000_000;
/// Decimals kept.
const PLACES: i64 = 9;
/// Hundredths in units: MONARC sends two decimals, and means of hundredths round correctly.
const HUNDREDTH: i128 = UNITS / 100;
/// The largest number that an analysis can have: what is larger would be borne by everybody's mean.
const MAX: i128 = 1_000_000_000_000 * UNITS;
/// Digits before the point of that number.
const WHOLE_DIGITS: i64 = 13;

/// A sum of decimal numbers, held exactly: each is from 0 to 10^12, with up to 9 digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

impl Decimal {
    /// A whole number.
    pub fn whole(value: i64) -> Self {
        Self(i128::from(value) * UNITS)
    }

    /// Reads `2.83`, `1e3`, from 0 to 10^12, with spaces around it. The error is a reason for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = || format!("{:?} is not a number", excerpt(text));
        let trimmed = text.trim();
        let (negative, rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or_else(shown)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
            return Err(shown());
        }
        let places = exponent.saturating_sub(length(fraction));
        let magnitude = scale(digits(), places).filter(|magnitude| *magnitude <= MAX);
        match magnitude.ok_or_else(|| format!("{:?} is more than 10^12", excerpt(text)))? {
            1.. if negative => Err(format!("{:?} is less than 0", excerpt(text))),
            magnitude => Ok(Self(magnitude)),
        }
    }

    /// This sum divided by a number of things; 0 of nothing.
    pub fn mean(self, number: i128) -> Mean {
        Mean(self.divided(number))
    }

    fn divided(self, number: i128) -> f64 {
        if number == 0 {
            return 0.0;
        }
        // Hundredths first: both operands are then small enough to be exact as floats, so the quotient is the
        // float nearest to the true mean.
        if self.0 % HUNDREDTH == 0 {
            (self.0 / HUNDREDTH) as f64 / (number * 100) as f64
        } else {
            self.0 as f64 / (number as f64 * UNITS as f64)
        }
    }

    /// This number as a share of `total`, rounded to millionths; 0 if there is no total.
    pub fn share_of(self, total: Self) -> Self {
        const MILLIONTH: i128 = UNITS / 1_000_000;
        if total.0 == 0 { Self(0) } else { Self((2 * self.0 * 1_000_000 + total.0) / (2 * total.0) * MILLIONTH) }
    }

    /// The wholes in a sum of ones.
    pub fn wholes(self) -> i128 {
        self.0 / UNITS
    }

    /// The number as the nearest float.
    pub fn to_f64(self) -> f64 {
        self.divided(1)
    }
}

/// A mean, written in JSON as an integer where it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Mean(pub f64);

impl Serialize for Mean {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers far inside an i64 are cast")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = *self;
        match value.fract() == 0.0 && value.abs() < 1e15 {
            true => serializer.serialize_i64(value as i64),
            false => serializer.serialize_f64(value),
        }
    }
}

impl AddAssign for Decimal {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// A sign and digits; an exponent too long to mean anything saturates.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX / 4);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `digits` times ten to the power of `places`, in units; `None` if it has more than [`WHOLE_DIGITS`].
fn scale(digits: impl Iterator<Item = u8>, places: i64) -> Option<i128> {
    let significant: Vec<u8> = digits.map(|digit| digit - b'0').skip_while(|digit| *digit == 0).collect();
    let number = i64::try_from(significant.len()).ok()?;
    if number == 0 {
        return Some(0);
    }
    if number.saturating_add(places) > WHOLE_DIGITS {
        return None;
    }
    let shift = places.saturating_add(PLACES);
    let kept = usize::try_from(number.saturating_add(shift.min(0)).max(-1)).ok();
    let Some(kept) = kept else { return Some(0) };
    let value = significant.iter().take(kept).fold(0_i128, |sum, digit| sum * 10 + i128::from(*digit));
    let rounded = value + i128::from(significant.get(kept).is_some_and(|next| *next >= 5));
    Some(rounded * 10_i128.pow(u32::try_from(shift.max(0)).ok()?))
}

/// The beginning of a text from outside, short enough for an error message.
pub fn excerpt(text: &str) -> String {
    excerpt_of(text, 40)
}

/// The first `length` characters of a text, and a sign if there is more.
pub fn excerpt_of(text: &str, length: usize) -> String {
    let mut shown: String = text.chars().take(length).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        let value = i128::from(value) * UNITS;
        if value <= MAX { Ok(Decimal(value)) } else { Err(E::custom("it is more than 10^12")) }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        Decimal::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
        if !value.is_finite() {
            return Err(E::custom(format!("{value} is not a finite number")));
        }
        Decimal::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Decimal, E> {
        Decimal::parse(value).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_monarc_sends() {
        for (text, units) in [
            ("2", 2_000_000_000),
            ("2.83", 2_830_000_000),
            (" 0.5 ", 500_000_000),
            ("1e12", 1_000_000_000_000_000_000_000),
            ("+1e3", 1_000_000_000_000),
            (".5", 500_000_000),
            ("5.", 5_000_000_000),
            ("-0", 0),
            ("0.0000000004", 0),
            ("0.0000000005", 1),
            ("1e-400", 0),
            ("0e999999999999999999999", 0),
        ] {
            assert_eq!(Decimal::parse(text), Ok(Decimal(units)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_finite_number() {
        for text in ["", " ", "n/a", "NaN", "inf", "-", ".", "1e", "1,5", "0x10", "1e400", "1e13", "٣", "1 2", "--1"] {
            assert!(Decimal::parse(text).is_err(), "{text}");
        }
        assert!(Decimal::parse("999999999999.999999999").is_ok());
    }

    /// Bug: counters of 9e17 made shares of -0.95, and negative ones shares of a hundred million.
    #[test]
    fn refuses_what_no_analysis_can_have() {
        for text in ["1000000000000.1", "1000000000001", "9e17", "999999999999999999"] {
            assert!(Decimal::parse(text).unwrap_err().ends_with("is more than 10^12"), "{text}");
        }
        for text in ["-1", "-0.000000001", "-1e12"] {
            assert!(Decimal::parse(text).unwrap_err().ends_with("is less than 0"), "{text}");
        }
        for text in ["-1", "1000000000001", "9e17", "1e999", "-0.1"] {
            assert!(serde_json::from_str::<Decimal>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Decimal>("1000000000000").unwrap(), Decimal(MAX));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}|[-+0-9.eE ]{0,30}") {
            let _ = Decimal::parse(&text);
        }

        #[test]
        fn one_value_is_its_own_mean(hundredths in 0_i64..1_000_000_000, times in 1_i128..100_000) {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let sum = Decimal(Decimal::parse(&text).unwrap().0 * times);
            prop_assert_eq!(sum.divided(times), text.parse::<f64>().unwrap());
        }
    }
}
