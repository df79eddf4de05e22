//! How well a score does on customers that it never saw, and what share of users to expect at each number of points.

use super::characteristic::Learned;
use super::limits::{BANDS, INTERVAL_Z};
use super::score::Scorecard;
use super::statistics::{area_under_curve, real};
use super::{Counts, Sample};

/// One band of points, on the held-out customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Fewest points.
    pub points_min: i64,
    /// Most points.
    pub points_max: i64,
    /// Held-out customers in the band.
    pub held_out: Counts,
    /// Share of users that the whole dataset has in this band: never falls as points rise.
    pub expected_share: f64,
}

/// How well a score tells users from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Chance that a user has more points than another customer; a half says nothing.
    pub area_under_curve: f64,
    /// Its 95 % interval.
    pub area_interval: (f64, f64),
    /// Of the users, the share among the tenth of the customers with most points, divided by a tenth.
    pub lift_of_top_tenth: f64,
    /// Bands, fewest points first.
    pub bands: Vec<Band>,
}

/// Measures a score on the held-out customers.
pub fn measure(sample: &Sample, learned: &[Learned], card: &Scorecard) -> Quality {
    let mut scored = held_out_points(sample, learned, card);
    scored.sort_unstable();
    let of = |wanted: bool| {
        scored
            .iter()
            .filter(|(_, is_user)| *is_user == wanted)
            .map(|(points, _)| *points)
            .collect::<Vec<_>>()
    };
    let (area, error) = area_under_curve(&of(true), &of(false));
    let weights = Weights::new(sample);
    Quality {
        area_under_curve: area,
        area_interval: (
            (area - INTERVAL_Z * error).max(0.0),
            (area + INTERVAL_Z * error).min(1.0),
        ),
        lift_of_top_tenth: lift_of_top_tenth(&scored, weights),
        bands: bands(&scored, weights),
    }
}

/// How many customers of the dataset one of the held-out ones stands for, by use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    user: f64,
    other: f64,
}

impl Weights {
    pub(super) fn new(sample: &Sample) -> Self {
        let held_out = sample.counts(true);
        let per = |all: u64, drawn: u64| real(all) / real(drawn).max(1.0);
        Self {
            user: per(sample.population.users, held_out.users),
            other: per(sample.population.others, held_out.others),
        }
    }

    /// Users and all customers for whom these stand.
    pub(super) fn expand(self, counts: Counts) -> (f64, f64) {
        let users = real(counts.users) * self.user;
        (users, users + real(counts.others) * self.other)
    }
}

fn held_out_points(sample: &Sample, learned: &[Learned], card: &Scorecard) -> Vec<(i64, bool)> {
    let find = |name: &str| {
        learned
            .iter()
            .find(|learned| learned.characteristic.column == name)
    };
    let columns: Vec<_> = card
        .columns
        .iter()
        .filter_map(|column| find(&column.column).map(|learned| (column, learned)))
        .collect();
    let rows = sample.is_user.iter().zip(&sample.is_held_out).enumerate();
    rows.filter(|(_, (_, held_out))| **held_out)
        .map(|(row, (is_user, _))| {
            let points = columns.iter().map(|(column, learned)| {
                let code = learned.codes.get(row).copied().map_or(0, usize::from);
                column.points.get(code).copied().map_or(0, i64::from)
            });
            (points.sum(), *is_user)
        })
        .collect()
}

/// Customers with equal points are taken as one: a share of them counts when the tenth ends among them.
fn lift_of_top_tenth(ascending: &[(i64, bool)], weights: Weights) -> f64 {
    let mut all = Counts::default();
    ascending.iter().for_each(|(_, is_user)| all.add(*is_user));
    let (all_users, all_customers) = weights.expand(all);
    let wanted = all_customers / 10.0;
    let (mut customers, mut users) = (0.0, 0.0);
    for tie in ascending.rchunk_by_points() {
        let (tie_users, tie_customers) = weights.expand(tie);
        let part = ((wanted - customers) / tie_customers.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        users += part * tie_users;
        customers += part * tie_customers;
        if customers >= wanted {
            break;
        }
    }
    if all_users > 0.0 {
        users / all_users * 10.0
    } else {
        0.0
    }
}

/// Runs of equal points, from the most points down.
trait ByPoints {
    fn rchunk_by_points(&self) -> impl Iterator<Item = Counts>;
}

impl ByPoints for [(i64, bool)] {
    fn rchunk_by_points(&self) -> impl Iterator<Item = Counts> {
        self.chunk_by(|one, other| one.0 == other.0)
            .rev()
            .map(|tie| {
                let mut counts = Counts::default();
                tie.iter().for_each(|(_, is_user)| counts.add(*is_user));
                counts
            })
    }
}

/// About equal bands whose shares never fall (pool adjacent violators).
fn bands(ascending: &[(i64, bool)], weights: Weights) -> Vec<Band> {
    let size = ascending.len().div_ceil(BANDS).max(1);
    let mut bands: Vec<Band> = Vec::with_capacity(BANDS);
    for tie in ascending.chunk_by(|one, other| one.0 == other.0) {
        let Some((points, _)) = tie.first().copied() else {
            continue;
        };
        let mut counts = Counts::default();
        tie.iter().for_each(|(_, is_user)| counts.add(*is_user));
        match bands.last_mut() {
            Some(band) if (band.held_out.all() as usize) < size => {
                band.points_max = points;
                band.held_out.users += counts.users;
                band.held_out.others += counts.others;
            }
            _ => bands.push(Band {
                points_min: points,
                points_max: points,
                held_out: counts,
                expected_share: 0.0,
            }),
        }
    }
    let share = |counts: Counts| {
        let (users, customers) = weights.expand(counts);
        if customers > 0.0 {
            users / customers
        } else {
            0.0
        }
    };
    let mut pooled: Vec<Band> = Vec::with_capacity(bands.len());
    for mut band in bands {
        band.expected_share = share(band.held_out);
        while let Some(before) =
            pooled.pop_if(|before| before.expected_share >= band.expected_share)
        {
            band.points_min = before.points_min;
            band.held_out.users += before.held_out.users;
            band.held_out.others += before.held_out.others;
            band.expected_share = share(band.held_out);
        }
        pooled.push(band);
    }
    pooled
}
