//! Whether something moved: tests over the differences of matched units, each an analysis or a contributor.
//!
//! Levels hardly change from week to week, so that tests over time find trends where nothing happens; who joins or
//! leaves moves a mean. So only units that are present at both ends count, each with its one difference.

/// Matched units below which nothing is claimed.
pub const MIN_UNITS: usize = 10;
/// Part of wrong claims among all claims that is borne.
const LEVEL: f64 = 0.05;
/// Differences other than 0 up to which the distribution is counted out; beyond, it is near enough to a normal one.
const MAX_EXACT: usize = 50;

/// The probability, two-sided, that differences without a direction lie as far to one side as these (Wilcoxon's signed
/// ranks). Differences of 0 say nothing and are left out, equal ones share their ranks. Up to 50 others the distribution
/// is exact, given these ranks; beyond it is the normal approximation with its corrections for ties and continuity.
pub fn signed_rank(differences: &[f64]) -> f64 {
    let mut sizes: Vec<(f64, bool)> =
        differences.iter().filter(|one| **one != 0.0).map(|one| (one.abs(), *one > 0.0)).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    if sizes.is_empty() {
        return 1.0;
    }
    let ranks = doubled_ranks(&sizes);
    let positive: usize = ranks.iter().zip(&sizes).filter(|(_, (_, rose))| *rose).map(|(rank, _)| rank).sum();
    let lower = positive.min(ranks.iter().sum::<usize>() - positive);
    if ranks.len() <= MAX_EXACT { exact(&ranks, lower) } else { approximate(&ranks, lower) }
}

/// Twice the rank of each, so that shared ranks are whole. Differences that rounding alone tells apart are equal.
fn doubled_ranks(sizes: &[(f64, bool)]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(sizes.len());
    while let Some((first, _)) = sizes.get(ranks.len()) {
        let start = ranks.len();
        let equal = sizes[start..].iter().take_while(|(size, _)| size - first <= 1e-9 * first.max(1.0)).count();
        ranks.extend(std::iter::repeat_n(2 * start + equal + 1, equal));
    }
    ranks
}

/// The part of all choices of signs whose sum is at most `lower`, on both sides.
fn exact(ranks: &[usize], lower: usize) -> f64 {
    let mut ways = vec![0.0; lower + 1];
    ways[0] = 1.0;
    for rank in ranks {
        for sum in (*rank..=lower).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let all = 2_f64.powi(i32::try_from(ranks.len()).unwrap_or(i32::MAX));
    (2.0 * ways.iter().sum::<f64>() / all).min(1.0)
}

fn approximate(ranks: &[usize], lower: usize) -> f64 {
    let (mean, variance) = ranks.iter().fold((0.0, 0.0), |(mean, variance), rank| {
        let rank = *rank as f64 / 2.0;
        (mean + rank / 2.0, variance + rank * rank / 4.0)
    });
    let distance = (mean - lower as f64 / 2.0 - 0.5).max(0.0);
    (2.0 * above(distance / variance.sqrt())).min(1.0)
}

/// The part of a normal distribution above `z` standard deviations, to seven decimals (Abramowitz and Stegun, 26.2.17).
fn above(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    density * t * series.iter().fold(0.0, |sum, factor| sum * t + factor)
}

/// Which of these probabilities count, so that of all claims at most one in twenty is wrong (Benjamini and Hochberg).
pub fn discoveries(probabilities: &[f64]) -> Vec<bool> {
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(f64::total_cmp);
    let number = sorted.len() as f64;
    let bound =
        (1_u32..).zip(&sorted).filter(|(rank, p)| **p <= LEVEL * f64::from(*rank) / number).map(|(_, p)| *p).last();
    probabilities.iter().map(|p| bound.is_some_and(|bound| *p <= bound)).collect()
}

/// The median of the slopes between all pairs of points (Theil and Sen): a size that one odd week does not move. None of
/// fewer than two points.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let pairs = points.iter().enumerate().flat_map(|(index, a)| points[index + 1..].iter().map(move |b| (a, b)));
    let slopes = pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    quantile(slopes, 0.5)
}

/// The value below which this part of the values lies, between two of them in proportion; none of no values.
pub fn quantile(mut values: Vec<f64>, part: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    // Positions are counted up to, not computed, so that no number is cast.
    let position = last as f64 * part;
    let below = (0..last).take_while(|index| (*index + 1) as f64 <= position).count();
    let low = values.get(below).copied()?;
    let high = values.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * (position - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
    }

    #[test]
    fn signed_ranks_are_those_of_the_book() {
        // All of five rise: one of 32 choices of signs on each side.
        near(signed_rank(&[1.0, 2.0, 3.0, 4.0, 5.0]), 2.0 / 32.0);
        // Sum of the negative ranks 1: {} and {1}, on both sides.
        near(signed_rank(&[-1.0, 2.0, 3.0, 4.0, 5.0]), 4.0 / 32.0);
        // Zeros say nothing.
        near(signed_rank(&[0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 5.0]), 2.0 / 32.0);
        // Four equal ones share the rank 2.5; one falls: sums 0 and 2.5 (four ways), both sides.
        near(signed_rank(&[1.0, 1.0, 1.0, -1.0]), 10.0 / 16.0);
        near(signed_rank(&[]), 1.0);
        near(signed_rank(&[1.0, -1.0]), 1.0);
    }

    #[test]
    fn many_differences_are_nearly_as_if_counted_out() {
        let differences: Vec<f64> =
            (1..=60).map(|index| f64::from(index) * if index % 3 == 0 { -1.0 } else { 1.0 }).collect();
        let ranks: Vec<usize> = (1..=60).map(|rank| 2 * rank).collect();
        let lower = (1..=20).map(|index| 6 * index).sum();
        let (found, counted) = (signed_rank(&differences), exact(&ranks, lower));
        assert!((found - counted).abs() < 0.002 && counted < 0.05, "{found} {counted}");
    }

    #[test]
    fn discoveries_are_those_of_the_book() {
        // The example of 1995: 15 probabilities, the first four are below their lines.
        let book = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let found = discoveries(&book);
        assert_eq!(found.iter().filter(|one| **one).count(), 4);
        assert!(found[..4].iter().all(|one| *one));
        assert!(discoveries(&[]).is_empty());
    }

    #[test]
    fn one_odd_point_does_not_move_the_slope() {
        let points: Vec<(f64, f64)> =
            [1.0, 2.0, 3.0, 40.0, 5.0, 6.0, 7.0].into_iter().enumerate().map(|(x, y)| (x as f64, y)).collect();
        near(slope(&points).unwrap(), 1.0);
        assert_eq!(slope(&points[..1]), None);
    }

    #[test]
    fn quantiles_lie_between_values() {
        let values = vec![4.0, 1.0, 3.0, 2.0];
        near(quantile(values.clone(), 0.5).unwrap(), 2.5);
        near(quantile(values.clone(), 0.25).unwrap(), 1.75);
        near(quantile(values, 1.0).unwrap(), 4.0);
        assert_eq!(quantile(vec![], 0.5), None);
    }
}
