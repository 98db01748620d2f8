//! Numbers that may be published: on a grid that is coarse where few contribute, and never quite at an end.

use crate::model::Decimal;
use serde::{Deserialize, Serialize};

/// Units of the finest grid on every scale: a five-hundredth of its range, 0.01 of a scale up to 5.
pub const UNITS: i32 = 500;
/// The steps of grids, in those units.
const STEPS: [i32; 8] = [1, 2, 5, 10, 20, 50, 100, 200];
/// Risks of an analysis beyond which more do not count, so that nobody's number is the mean of all.
const MAX_TOTAL: f64 = 10_000.0;

/// A number of contributors as it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Band {
    /// 3 or 4.
    #[serde(rename = "3-4")]
    From3,
    /// 5 to 9.
    #[serde(rename = "5-9")]
    From5,
    /// 10 to 19.
    #[serde(rename = "10-19")]
    From10,
    /// 20 to 49.
    #[serde(rename = "20-49")]
    From20,
    /// 50 to 99.
    #[serde(rename = "50-99")]
    From50,
    /// 100 to 199.
    #[serde(rename = "100-199")]
    From100,
    /// 200 to 499.
    #[serde(rename = "200-499")]
    From200,
    /// 500 and more.
    #[serde(rename = "500+")]
    From500,
}

impl Band {
    const ALL: [Self; 8] = [
        Self::From3,
        Self::From5,
        Self::From10,
        Self::From20,
        Self::From50,
        Self::From100,
        Self::From200,
        Self::From500,
    ];

    /// The band of a number; none below 3.
    pub fn of(number: usize) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|band| number >= band.lowest())
    }

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::From3 => "3-4",
            Self::From5 => "5-9",
            Self::From10 => "10-19",
            Self::From20 => "20-49",
            Self::From50 => "50-99",
            Self::From100 => "100-199",
            Self::From200 => "200-499",
            Self::From500 => "500+",
        }
    }

    /// The fewest contributors of it.
    pub fn lowest(self) -> usize {
        match self {
            Self::From3 => 3,
            Self::From5 => 5,
            Self::From10 => 10,
            Self::From20 => 20,
            Self::From50 => 50,
            Self::From100 => 100,
            Self::From200 => 200,
            Self::From500 => 500,
        }
    }

    /// The smallest step that is at least half of what one contributor can move the mean of the fewest of the band.
    pub fn step(self) -> i32 {
        let fits = |step: &i32| f64::from(*step) * 2.0 * self.lowest() as f64 >= f64::from(UNITS);
        STEPS.into_iter().find(fits).unwrap_or(STEPS[7])
    }
}

/// A mean on its scale, as a number of units on the grid of this step: at least one step away from both ends.
pub fn on_grid(part: f64, step: i32) -> i32 {
    nearest(part, step).clamp(step, UNITS - step)
}

/// A change on its scale, likewise; there may be none.
pub fn change_on_grid(part: f64, step: i32) -> i32 {
    nearest(part, step).clamp(step - UNITS, UNITS - step)
}

/// The nearest multiple of a step to a part of a scale from -1 to 1.
#[expect(clippy::cast_possible_truncation, reason = "at most the units of a scale")]
pub fn nearest(part: f64, step: i32) -> i32 {
    (part.clamp(-1.0, 1.0) * f64::from(UNITS) / f64::from(step)).round() as i32 * step
}

/// A mean number of risks, to one significant digit.
#[expect(clippy::cast_possible_truncation, reason = "at most 10,000 in thousand-millionths")]
pub fn one_digit(number: f64) -> Decimal {
    let number = number.min(MAX_TOTAL);
    if number < 1e-3 {
        return Decimal::default();
    }
    let magnitude = 10_f64.powf(number.log10().floor());
    Decimal(((number / magnitude).round() * magnitude * 1e9).round() as i128)
}

/// This number of units of a scale that ends at `range`, as an exact number.
pub fn amount(units: i64, range: i128) -> Decimal {
    Decimal(Decimal::whole(1).0 * range * i128::from(units) / i128::from(UNITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_at_least_half_of_what_one_can_move() {
        // Of a scale up to 5: 1, 0.5, 0.5, 0.2, 0.05, 0.05, 0.02, 0.01.
        let steps = Band::ALL.map(Band::step);
        assert_eq!(steps, [100, 50, 50, 20, 5, 5, 2, 1]);
        assert_eq!(
            [2, 3, 4, 5, 19, 20, 499, 9999].map(|n| Band::of(n).map(Band::lowest)),
            [None, Some(3), Some(3), Some(5), Some(10), Some(20), Some(200), Some(500)]
        );
    }

    #[test]
    fn nothing_is_published_at_an_end() {
        assert_eq!([0.0, 0.09, 0.31, 0.97, 1.0, 7.0].map(|part| on_grid(part, 100)), [100, 100, 200, 400, 400, 400]);
        assert_eq!([-1.0, -0.11, 0.0, 0.5, 1.0].map(|part| change_on_grid(part, 100)), [-400, -100, 0, 300, 400]);
    }

    #[test]
    fn numbers_of_risks_have_one_digit() {
        let found = [0.0, 0.37, 4.4, 9.6, 137.0, 1e12].map(|number| one_digit(number).to_f64());
        assert_eq!(found, [0.0, 0.4, 4.0, 10.0, 100.0, 10_000.0]);
        assert_eq!(amount(333, 5).to_f64(), 3.33);
        assert_eq!(amount(333, 100).to_f64(), 66.6);
    }
}
