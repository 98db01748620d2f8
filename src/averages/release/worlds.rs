//! Invented worlds of contributors, the same for the same seed, and an attacker that reads what is published of them.

use super::cells::{Texts, Values};
use super::rounding::{Band, UNITS};
use super::{Rules, Votes};
use crate::model::StatType;
use std::rc::Rc;

/// Numbers as if by chance (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 up to 1.
    pub fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn happens(&mut self, part: f64) -> bool {
        self.part() < part
    }
}

/// Contributors with their rates of threats, as parts of the scale; most have most threats.
pub struct World {
    pub chance: Chance,
    pub contributors: Vec<Vec<Option<f64>>>,
    levels: Vec<f64>,
    names: Vec<Rc<str>>,
}

impl World {
    pub fn new(seed: u64, contributors: usize, threats: usize) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1));
        let levels = (0..threats).map(|_| 0.2 + 0.6 * chance.part()).collect();
        let names = (0..threats).map(|number| Rc::from(format!("{number:02}"))).collect();
        let mut world = Self { chance, contributors: Vec::new(), levels, names };
        (0..contributors).for_each(|_| world.join());
        world
    }

    /// A rate on the levels of a threat: hundredths of 5, spread by a sum of three chances.
    fn rate(&mut self, threat: usize) -> f64 {
        let spread = (0..3).map(|_| self.chance.part() - 0.5).sum::<f64>() * 0.4;
        ((self.levels[threat] + spread).clamp(0.0, 1.0) * 500.0).round() / 500.0
    }

    pub fn join(&mut self) {
        let rates = (0..self.levels.len()).map(|threat| self.chance.happens(0.7).then(|| self.rate(threat))).collect();
        self.contributors.push(rates);
    }

    /// A week passes: 3 % of the values are others.
    pub fn week(&mut self) {
        for contributor in 0..self.contributors.len() {
            for threat in 0..self.levels.len() {
                if self.contributors[contributor][threat].is_some() && self.chance.happens(0.03) {
                    self.contributors[contributor][threat] = Some(self.rate(threat));
                }
            }
        }
    }

    pub fn values(&self, contributor: usize) -> Values {
        let rates = self.contributors[contributor].iter().zip(&self.names);
        rates.filter_map(|(rate, name)| Some(((Rc::clone(name), 2), (*rate)?))).collect()
    }

    /// The published value of each threat.
    pub fn published(&self, rules: &Rules) -> Vec<Option<f64>> {
        let mut votes = Votes::default();
        let none = [Values::new(), Values::new(), Values::new()];
        (0..self.contributors.len()).for_each(|one| votes.add(self.values(one), &none, &Texts::new()));
        let objects = votes.publish(StatType::Threat, rules).0.map(|shown| shown.objects).unwrap_or_default();
        let value = |name: &Rc<str>| {
            let object = objects.iter().find(|object| *object.key == **name)?;
            Some(f64::from(object.figures[2].as_ref()?.value) / f64::from(UNITS))
        };
        self.names.iter().map(value).collect()
    }

    /// How many have a threat.
    pub fn number(&self, threat: usize) -> usize {
        self.contributors.iter().filter(|rates| rates[threat].is_some()).count()
    }
}

/// Hits within a twentieth of the scale: of the attacker, and of whoever guesses the published mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hits {
    pub tries: f64,
    pub attack: f64,
    pub guess: f64,
}

impl Hits {
    pub fn count(&mut self, secret: f64, attack: f64, guess: f64) {
        let hit = |found: f64| if (found - secret).abs() <= 0.05 { 1.0 } else { 0.0 };
        self.tries += 1.0;
        self.attack += hit(attack);
        self.guess += hit(guess);
    }

    /// Percentage points by which the attack hits oftener.
    pub fn gain(&self) -> f64 {
        100.0 * (self.attack - self.guess) / self.tries
    }
}

/// What an attacker who knows the numbers and the grids finds of the one that joined: the middle of what is possible.
pub fn difference(before: f64, without: usize, after: f64, rules: &Rules) -> f64 {
    let range = |value: f64, number: usize| {
        let step = if rules.rounds { Band::of(number).map_or(1, Band::step) } else { 1 };
        let half = f64::from(step) / f64::from(UNITS) / 2.0;
        let low = if rules.clamps && value <= 3.0 * half { 0.0 } else { value - half };
        let high = if rules.clamps && value >= 1.0 - 3.0 * half { 1.0 } else { value + half };
        (low * number as f64, high * number as f64)
    };
    let ((low, high), (lower, higher)) = (range(before, without), range(after, without + 1));
    let (low, high) = ((lower - high).clamp(0.0, 1.0), (higher - low).clamp(0.0, 1.0));
    (low + high) / 2.0
}
