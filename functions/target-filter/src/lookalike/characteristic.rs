//! Characteristics: how differently users and others are spread over the classes of a column.

use super::bins::Bins;
use super::limits::{FALSE_SUPPORT_MAX, SMOOTHING};
use super::statistics::{chi_square_tail, ln, real};
use super::{Counts, Sample};

/// One class of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Class {
    /// Customers learned from.
    pub learned: Counts,
    /// Customers held out.
    pub held_out: Counts,
    /// Weight of evidence: logarithm of the share of users over the share of others, smoothed; positive speaks for a user.
    pub weight: f64,
}

/// How a column tells users from others, on the customers learned from unless it says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Characteristic {
    /// Name of the column.
    pub column: String,
    /// Its classes' limits.
    pub bins: Bins,
    /// Its classes.
    pub classes: Vec<Class>,
    /// Information value: sum over the classes of difference of shares times weight. Under 0.02 it says next to nothing, over 0.3 much.
    pub information_value: f64,
    /// The same on the held-out customers with the weights learned: falls to nothing, or below, where the difference was chance.
    pub information_value_held_out: f64,
    /// Largest difference of the two cumulative distributions (Kolmogorov–Smirnov), for columns with an order.
    pub kolmogorov_smirnov: Option<f64>,
    /// Cramér's V, 0 to 1, for every column.
    pub cramers_v: f64,
    /// Correlation of rank and use, −1 to 1, for columns with an order; customers without a value are left aside.
    pub rank_correlation: Option<f64>,
    /// Probability of a chi-square at least this large by chance alone, for this column by itself.
    pub chance: f64,
    /// Whether the difference is more than chance, given how many columns were looked at, and is there again in the held-out customers.
    pub is_supported: bool,
}

/// A characteristic with the class of every customer of the sample.
#[derive(Clone, Debug)]
pub struct Learned {
    /// What was found.
    pub characteristic: Characteristic,
    /// The class of each customer.
    pub codes: Vec<u8>,
}

impl Learned {
    /// Learns from the class of every customer of the sample.
    pub fn new(column: String, bins: Bins, codes: Vec<u8>, sample: &Sample) -> Self {
        let mut classes = vec![Class::default(); bins.count()];
        for ((code, is_user), is_held_out) in
            codes.iter().zip(&sample.is_user).zip(&sample.is_held_out)
        {
            if let Some(class) = classes.get_mut(usize::from(*code)) {
                let counts = if *is_held_out {
                    &mut class.held_out
                } else {
                    &mut class.learned
                };
                counts.add(*is_user);
            }
        }
        let total = sample.counts(false);
        for class in &mut classes {
            class.weight = weight(class.learned, total, bins.count());
        }
        let information_value = separation(&classes, total, |class| class.learned);
        let information_value_held_out =
            separation(&classes, sample.counts(true), |class| class.held_out);
        let (square, degrees) = chi_square(&classes);
        let ordered = bins.is_ordered();
        let characteristic = Characteristic {
            column,
            information_value,
            information_value_held_out,
            kolmogorov_smirnov: ordered.then(|| kolmogorov_smirnov(&classes)),
            // With two groups the smaller side of the table has one degree of freedom.
            cramers_v: libm::sqrt(square / real(total.all()).max(1.0)).min(1.0),
            rank_correlation: ordered.then(|| rank_correlation(&classes)),
            chance: chi_square_tail(square, degrees),
            is_supported: false,
            bins,
            classes,
        };
        Self {
            characteristic,
            codes,
        }
    }
}

/// Says of each characteristic whether it is more than chance. It depends on how many there are.
pub fn mark_supported(learned: &mut [Learned]) {
    let looked_at = real(learned.len() as u64);
    for Learned { characteristic, .. } in learned {
        let is_no_chance = characteristic.chance * looked_at < FALSE_SUPPORT_MAX;
        characteristic.is_supported =
            is_no_chance && characteristic.information_value_held_out > 0.0;
    }
}

fn weight(class: Counts, total: Counts, classes: usize) -> f64 {
    let all = SMOOTHING * real(classes as u64);
    let share = |count, of| (real(count) + SMOOTHING) / (real(of) + all);
    ln(share(class.users, total.users) / share(class.others, total.others))
}

/// Sum over the classes of the difference of shares times the weight.
fn separation(classes: &[Class], total: Counts, counts_of: impl Fn(&Class) -> Counts) -> f64 {
    let share = |count, of| real(count) / real(of).max(1.0);
    classes
        .iter()
        .map(|class| {
            let counts = counts_of(class);
            (share(counts.users, total.users) - share(counts.others, total.others)) * class.weight
        })
        .sum()
}

/// Chi-square of the table of classes by use, and its degrees of freedom. Empty classes do not count.
fn chi_square(classes: &[Class]) -> (f64, u64) {
    let present: Vec<Counts> = classes
        .iter()
        .map(|class| class.learned)
        .filter(|counts| counts.all() > 0)
        .collect();
    let users: u64 = present.iter().map(|counts| counts.users).sum();
    let all: u64 = present.iter().map(|counts| counts.all()).sum();
    if users == 0 || users == all {
        return (0.0, 0);
    }
    let share = real(users) / real(all);
    let square = present
        .iter()
        .map(|counts| {
            let (trials, expected) = (real(counts.all()), real(counts.all()) * share);
            let difference = real(counts.users) - expected;
            difference * difference / expected + difference * difference / (trials - expected)
        })
        .sum();
    (square, (present.len() as u64).saturating_sub(1))
}

fn kolmogorov_smirnov(classes: &[Class]) -> f64 {
    let valued = classes.split_last().map_or(classes, |(_, valued)| valued);
    let users: u64 = valued.iter().map(|class| class.learned.users).sum();
    let others: u64 = valued.iter().map(|class| class.learned.others).sum();
    let (mut below, mut largest) = (Counts::default(), 0.0_f64);
    for class in valued {
        below.users += class.learned.users;
        below.others += class.learned.others;
        let difference =
            real(below.users) / real(users).max(1.0) - real(below.others) / real(others).max(1.0);
        largest = largest.max(difference.abs());
    }
    largest
}

/// Pearson's correlation of the middle rank of the class and use.
fn rank_correlation(classes: &[Class]) -> f64 {
    let valued = classes.split_last().map_or(classes, |(_, valued)| valued);
    let all: u64 = valued.iter().map(|class| class.learned.all()).sum();
    let users: u64 = valued.iter().map(|class| class.learned.users).sum();
    if users == 0 || users == all {
        return 0.0;
    }
    let mean = real(all) / 2.0;
    let (mut below, mut with_use, mut spread) = (0.0, 0.0, 0.0);
    for class in valued {
        let count = real(class.learned.all());
        let deviation = below + count / 2.0 - mean;
        with_use += deviation * real(class.learned.users);
        spread += deviation * deviation * count;
        below += count;
    }
    let share = real(users) / real(all);
    let spread_of_use = share * (1.0 - share) * real(all);
    if spread <= 0.0 {
        0.0
    } else {
        with_use / libm::sqrt(spread * spread_of_use)
    }
}
