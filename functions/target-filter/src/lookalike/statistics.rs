//! The few formulas that a run needs.

use super::limits::INTERVAL_Z;

/// A count as a floating-point number; exact below 2^53, which no count here reaches.
pub fn real(count: u64) -> f64 {
    count as f64
}

/// Natural logarithm; the same bits on every host.
pub fn ln(value: f64) -> f64 {
    libm::log(value)
}

/// The share that belongs to log odds.
pub fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// Probability that a chi-square of `degrees` of freedom is at least `value`, by the cube root of Wilson and Hilferty (1931): good to
/// about 10^-3 in the middle and to the order of magnitude in the tail, which is what a threshold needs.
pub fn chi_square_tail(value: f64, degrees: u64) -> f64 {
    if degrees == 0 || value <= 0.0 {
        return 1.0;
    }
    let spread = 2.0 / (9.0 * real(degrees));
    let z = (libm::cbrt(value / real(degrees)) - (1.0 - spread)) / libm::sqrt(spread);
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// The interval of Wilson (1927) for a share of `hits` in `trials`, 95 %.
pub fn wilson(hits: f64, trials: f64) -> (f64, f64) {
    if trials <= 0.0 {
        return (0.0, 1.0);
    }
    let (share, square) = (hits / trials, INTERVAL_Z * INTERVAL_Z);
    let middle = share + square / (2.0 * trials);
    let half =
        INTERVAL_Z * libm::sqrt(share * (1.0 - share) / trials + square / (4.0 * trials * trials));
    let whole = 1.0 + square / trials;
    ((middle - half) / whole, (middle + half) / whole)
}

/// The interval of a ratio of two independent shares, on the logarithm (Katz 1978), 95 %. `hits` and `trials` of each.
pub fn ratio_interval(one: (u64, u64), other: (u64, u64)) -> (f64, f64) {
    let add_half = |(hits, trials): (u64, u64)| (real(hits) + 0.5, real(trials) + 0.5);
    let ((one_hits, one_trials), (other_hits, other_trials)) = (add_half(one), add_half(other));
    let ratio = ln(one_hits / one_trials) - ln(other_hits / other_trials);
    let variance = 1.0 / one_hits - 1.0 / one_trials + 1.0 / other_hits - 1.0 / other_trials;
    let half = INTERVAL_Z * libm::sqrt(variance.max(0.0));
    (libm::exp(ratio - half), libm::exp(ratio + half))
}

/// Area under the curve of hits against false hits, with the standard error of Hanley and McNeil (1982). `scores` of users and of
/// others, each ascending.
pub fn area_under_curve(users: &[i64], others: &[i64]) -> (f64, f64) {
    let (n_users, n_others) = (real(users.len() as u64), real(others.len() as u64));
    if users.is_empty() || others.is_empty() {
        return (0.5, 0.5);
    }
    // Twice the number of pairs in which the user has more points, ties counting once: whole numbers, so nothing is lost.
    let mut twice = 0_u128;
    for score in users {
        let below = others.partition_point(|other| other < score);
        let not_above = others.partition_point(|other| other <= score);
        twice += (below + not_above) as u128;
    }
    let area = twice as f64 / (2.0 * n_users * n_others);
    let (q1, q2) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
    let squares = area * area;
    let variance =
        area * (1.0 - area) + (n_users - 1.0) * (q1 - squares) + (n_others - 1.0) * (q2 - squares);
    (area, libm::sqrt((variance / (n_users * n_others)).max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64, tolerance: f64) {
        assert!(
            (one - other).abs() <= tolerance,
            "{one} is not near {other}"
        );
    }

    /// Goal: agree with tables (chi-square upper tail) to what a threshold needs.
    #[test]
    fn chi_square_agrees_with_tables() {
        for (value, degrees, tail) in [
            (3.841, 1, 0.05),
            (6.635, 1, 0.01),
            (16.919, 9, 0.05),
            (27.877, 9, 0.001),
            (31.41, 20, 0.05),
        ] {
            near(chi_square_tail(value, degrees) / tail, 1.0, 0.12);
        }
        near(chi_square_tail(0.0, 5), 1.0, 0.0);
        assert!(chi_square_tail(1e6, 3) < 1e-100);
    }

    #[test]
    fn intervals_agree_with_published_examples() {
        // Newcombe (1998), table I: 81 of 263 and 15 of 148 with the method of Wilson.
        let (low, high) = wilson(81.0, 263.0);
        near(low, 0.2553, 5e-5);
        near(high, 0.3662, 5e-5);
        let (low, high) = wilson(15.0, 148.0);
        near(low, 0.0624, 5e-5);
        near(high, 0.1605, 5e-5);
        let (low, high) = ratio_interval((50, 100), (50, 100));
        assert!(low < 1.0 && 1.0 < high && low > 0.7);
    }

    #[test]
    fn the_area_counts_pairs() {
        near(area_under_curve(&[3, 4], &[1, 2]).0, 1.0, 0.0);
        near(area_under_curve(&[1, 2], &[3, 4]).0, 0.0, 0.0);
        near(area_under_curve(&[1, 1], &[1, 1]).0, 0.5, 0.0);
        near(area_under_curve(&[1, 3], &[2]).0, 0.5, 0.0);
        // Two pairs are won and one is tied, of four.
        near(area_under_curve(&[2, 3], &[1, 3]).0, 0.625, 0.0);
    }
}
