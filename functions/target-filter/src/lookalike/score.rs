//! The score: points by class, added up.
//!
//! The supported characteristics enter by their weights of evidence into a logistic regression, which takes away what two of them say
//! twice. A coefficient times a weight times a hundred, rounded, is the number of points of a class: whole numbers, which people can
//! add by hand. A characteristic whose coefficient comes out negative only corrected another one and is dropped.

use chudian_dataset::value::Value;
use serde::{Deserialize, Serialize};

use super::Sample;
use super::bins::Bins;
use super::characteristic::Learned;
use super::limits::{POINTS_PER_NAT, SCORE_CHARACTERISTICS_MAX, SCORE_CORRELATION_MAX};
use super::statistics::{logistic, real};

/// Rounds of Newton's method; it ends far earlier.
const ROUNDS_MAX: usize = 30;

/// Steps below this change no point any more.
const STEP_MIN: f64 = 1e-9;

/// Pull of the coefficients towards nothing (L2), in customers: keeps the solution unique.
const RIDGE: f64 = 1.0;

/// Points of one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredColumn {
    /// Name of the column.
    pub column: String,
    /// Its classes.
    pub bins: Bins,
    /// Points of each class.
    pub points: Vec<i32>,
}

/// A score: the points of a customer are the sum over the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// The columns, the most telling first.
    pub columns: Vec<ScoredColumn>,
}

impl Scorecard {
    /// Names of the columns whose values [`Scorecard::points`] takes, in that order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.column.as_str())
    }

    /// The points of a customer with these values.
    pub fn points<'a>(&self, values: impl Iterator<Item = Option<&'a Value>>) -> i64 {
        let points = self.columns.iter().zip(values).map(|(column, value)| {
            column
                .points
                .get(column.bins.of(value))
                .copied()
                .map_or(0, i64::from)
        });
        points.sum()
    }
}

/// Fits a score to the customers learned from; `None` when no characteristic is supported.
pub fn fit(sample: &Sample, learned: &[Learned]) -> Option<Scorecard> {
    let mut chosen: Vec<&Learned> = Vec::new();
    for candidate in learned
        .iter()
        .filter(|learned| learned.characteristic.is_supported)
    {
        if chosen.len() >= SCORE_CHARACTERISTICS_MAX {
            break;
        }
        if chosen
            .iter()
            .all(|other| correlation(sample, candidate, other).abs() <= SCORE_CORRELATION_MAX)
        {
            chosen.push(candidate);
        }
    }
    while !chosen.is_empty() {
        let coefficients = regress(sample, &chosen);
        let worst = coefficients
            .iter()
            .enumerate()
            .min_by(|one, other| one.1.total_cmp(other.1));
        match worst {
            Some((place, coefficient)) if *coefficient <= 0.0 => {
                chosen.remove(place);
            }
            _ => return Some(card(&chosen, &coefficients)),
        }
    }
    None
}

fn card(chosen: &[&Learned], coefficients: &[f64]) -> Scorecard {
    let columns = chosen
        .iter()
        .zip(coefficients)
        .map(|(learned, coefficient)| {
            let characteristic = &learned.characteristic;
            let points = characteristic.classes.iter().map(|class| {
                // Bounded by the logarithm of a count times a hundred: far inside the type.
                libm::round(coefficient * class.weight * POINTS_PER_NAT) as i32
            });
            ScoredColumn {
                column: characteristic.column.clone(),
                bins: characteristic.bins.clone(),
                points: points.collect(),
            }
        });
    Scorecard {
        columns: columns.collect(),
    }
}

/// The weight of each customer's class.
fn weight(learned: &Learned, row: usize) -> f64 {
    let code = learned.codes.get(row).copied().map_or(0, usize::from);
    learned
        .characteristic
        .classes
        .get(code)
        .map_or(0.0, |class| class.weight)
}

fn rows_learned(sample: &Sample) -> impl Iterator<Item = (usize, bool)> {
    let rows = sample.is_user.iter().zip(&sample.is_held_out).enumerate();
    rows.filter(|(_, (_, held_out))| !**held_out)
        .map(|(row, (is_user, _))| (row, *is_user))
}

fn correlation(sample: &Sample, one: &Learned, other: &Learned) -> f64 {
    let (mut count, mut sums, mut squares, mut product) = (0_u64, (0.0, 0.0), (0.0, 0.0), 0.0);
    for (row, _) in rows_learned(sample) {
        let (a, b) = (weight(one, row), weight(other, row));
        count += 1;
        sums = (sums.0 + a, sums.1 + b);
        squares = (squares.0 + a * a, squares.1 + b * b);
        product += a * b;
    }
    let n = real(count).max(1.0);
    let covariance = product / n - sums.0 * sums.1 / (n * n);
    let variance = |sum: f64, square: f64| square / n - sum * sum / (n * n);
    let spread = libm::sqrt((variance(sums.0, squares.0) * variance(sums.1, squares.1)).max(0.0));
    if spread > 0.0 {
        covariance / spread
    } else {
        0.0
    }
}

/// Logistic regression of use on the weights, by Newton's method; the coefficients without the intercept.
fn regress(sample: &Sample, chosen: &[&Learned]) -> Vec<f64> {
    let size = chosen.len() + 1;
    let mut coefficients = vec![0.0; size];
    let mut features = vec![1.0; size];
    for _ in 0..ROUNDS_MAX {
        let mut gradient = vec![0.0; size];
        let mut curvature = vec![vec![0.0; size]; size];
        for (row, is_user) in rows_learned(sample) {
            for (feature, learned) in features.iter_mut().skip(1).zip(chosen) {
                *feature = weight(learned, row);
            }
            let log_odds: f64 = coefficients
                .iter()
                .zip(&features)
                .map(|(one, other)| one * other)
                .sum();
            let share = logistic(log_odds);
            let (miss, spread) = (f64::from(u8::from(is_user)) - share, share * (1.0 - share));
            for (place, (slope, line)) in gradient.iter_mut().zip(&mut curvature).enumerate() {
                let feature = features.get(place).copied().unwrap_or(0.0);
                *slope += miss * feature;
                for (cell, other) in line.iter_mut().zip(&features) {
                    *cell += spread * feature * other;
                }
            }
        }
        for (place, (slope, line)) in gradient.iter_mut().zip(&mut curvature).enumerate().skip(1) {
            *slope -= RIDGE * coefficients.get(place).copied().unwrap_or(0.0);
            if let Some(cell) = line.get_mut(place) {
                *cell += RIDGE;
            }
        }
        let Some(step) = solve(curvature, gradient) else {
            break;
        };
        let mut largest = 0.0_f64;
        for (coefficient, step) in coefficients.iter_mut().zip(step) {
            *coefficient += step;
            largest = largest.max(step.abs());
        }
        if largest < STEP_MIN {
            break;
        }
    }
    coefficients.split_off(1)
}

/// Solves a symmetric positive definite system by Gauss's elimination with the largest pivot; `None` when it has no solution.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|one, other| {
            let size_of = |row: &usize| {
                matrix
                    .get(*row)
                    .and_then(|line| line.get(column))
                    .map_or(0.0, |cell| cell.abs())
            };
            size_of(one).total_cmp(&size_of(other))
        })?;
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let line = matrix.get(column)?.clone();
        let (head, value) = (*line.get(column)?, *right.get(column)?);
        if head.abs() < 1e-12 {
            return None;
        }
        for row in column + 1..size {
            let below = matrix.get_mut(row)?;
            let factor = *below.get(column)? / head;
            for (cell, above) in below.iter_mut().zip(&line) {
                *cell -= factor * above;
            }
            *right.get_mut(row)? -= factor * value;
        }
    }
    let mut solution = vec![0.0; size];
    for row in (0..size).rev() {
        let line = matrix.get(row)?;
        let known: f64 = line
            .iter()
            .zip(&solution)
            .skip(row + 1)
            .map(|(cell, value)| cell * value)
            .sum();
        *solution.get_mut(row)? = (*right.get(row)? - known) / *line.get(row)?;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let solution = solve(
            vec![
                vec![0.0, 2.0, 1.0],
                vec![2.0, 1.0, 1.0],
                vec![1.0, 0.0, 3.0],
            ],
            vec![7.0, 7.0, 10.0],
        )
        .unwrap();
        for (found, wanted) in solution.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{solution:?}");
        }
        assert_eq!(
            solve(vec![vec![1.0, 1.0], vec![1.0, 1.0]], vec![1.0, 2.0]),
            None
        );
    }
}
