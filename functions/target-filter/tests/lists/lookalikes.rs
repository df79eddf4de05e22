//! Lookalikes: a planted difference is found, noise is not, and known data gives known results.

use chudian_dataset::value::Value;
use chudian_target_filter::lists::keyed::{Purpose, Share};
use chudian_target_filter::lookalike::bins::{Bins, bins_of_numbers, bins_of_words};
use chudian_target_filter::lookalike::characteristic::Learned;
use chudian_target_filter::lookalike::limits::HELD_OUT_PERMILLE;
use chudian_target_filter::lookalike::rule::{Condition, Demand};
use chudian_target_filter::lookalike::{Findings, LookalikeError, Sample, find};

use crate::support::id_of;

/// The extract that lies beside; its README tells where it is from.
const COIL: &str = include_str!("data/coil2000.csv");

/// Random numbers that are the same everywhere (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn sample_of(is_user: Vec<bool>, seed: u64) -> Sample {
    let held_out = Share::new(Purpose::HeldOut, &seed.to_be_bytes(), HELD_OUT_PERMILLE);
    let mut sample = Sample {
        is_held_out: (0..is_user.len() as u64)
            .map(|row| held_out.contains(&id_of(row)))
            .collect(),
        ..Sample::default()
    };
    is_user
        .iter()
        .for_each(|is_user| sample.population.add(*is_user));
    sample.is_user = is_user;
    sample
}

fn learned(name: &str, bins: Bins, values: &[Value], sample: &Sample) -> Learned {
    let codes = values
        .iter()
        .map(|value| u8::try_from(bins.of(Some(value))).unwrap())
        .collect();
    Learned::new(name.to_owned(), bins, codes, sample)
}

fn numbers(name: &str, values: &[i64], sample: &Sample) -> Learned {
    let bins = bins_of_numbers(&mut values.to_vec());
    let values: Vec<_> = values.iter().map(|value| Value::Integer(*value)).collect();
    learned(name, bins, &values, sample)
}

fn coil(seed: u64) -> Findings {
    let mut lines = COIL.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<Vec<i64>> = lines
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let (target, columns) = names.split_last().unwrap();
    assert_eq!((*target, rows.len()), ("caravan", 5_822));
    let sample = sample_of(
        rows.iter().map(|row| row[columns.len()] == 1).collect(),
        seed,
    );
    assert_eq!(sample.population.users, 348);
    let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<_>>();
    let learned = columns
        .iter()
        .enumerate()
        .map(|(place, name)| numbers(name, &column(place), &sample))
        .collect();
    find(&sample, learned).unwrap()
}

/// Goal: the results that the challenge's participants published are found: the car policy's contribution and purchasing power lead, a
/// score that ranks well, and a rule of several times the base rate, measured on customers held out.
#[test]
fn the_caravan_owners_of_coil_are_found() {
    let findings = coil(1);
    let names: Vec<&str> = findings
        .characteristics
        .iter()
        .map(|characteristic| characteristic.column.as_str())
        .collect();
    assert!(names[..2].contains(&"ppersaut"), "{names:?}");
    let supported = |name: &str| {
        findings
            .characteristics
            .iter()
            .find(|found| found.column == name)
            .unwrap()
            .is_supported
    };
    for name in [
        "ppersaut", "apersaut", "mkoopkla", "minkgem", "pbrand", "moshoofd",
    ] {
        assert!(supported(name), "{name}");
    }
    assert!(!supported("pleven"));
    let score = findings.score.as_ref().unwrap();
    // Published submissions reach 0.70 to 0.75 on the challenge's own test set with all 85 columns.
    let (low, high) = score.quality.area_interval;
    assert!(
        score.quality.area_under_curve > 0.66 && low > 0.6 && high < 0.85,
        "{:?}",
        score.quality
    );
    assert!(score.quality.lift_of_top_tenth > 1.8, "{:?}", score.quality);
    assert!(
        score
            .quality
            .bands
            .is_sorted_by(|one, other| one.expected_share < other.expected_share)
    );
    let rule = findings.rule.as_ref().unwrap();
    assert!(
        rule.conditions.contains(&Condition {
            column: "ppersaut".to_owned(),
            demand: Demand::AtLeast(6)
        }),
        "{rule:?}"
    );
    assert!(
        rule.lift > 1.5 && rule.coverage > 0.4 && rule.odds_interval.0 > 1.2,
        "{rule:?}"
    );
}

#[test]
fn a_run_repeats_itself() {
    let (first, second) = (coil(3), coil(3));
    assert_eq!(first.characteristics, second.characteristics);
    assert_eq!(first.rule, second.rule);
    assert_eq!(first.score.unwrap().card, second.score.unwrap().card);
}

fn flags(values: impl Iterator<Item = bool>) -> Vec<Value> {
    values.map(Value::Flag).collect()
}

/// Goal: a difference that was put there is found by every part, and nothing else is.
#[test]
fn a_planted_difference_is_found() {
    let mut random = Numbers(11);
    let count = 20_000;
    let age: Vec<i64> = (0..count).map(|_| 18 + random.below(60) as i64).collect();
    let brands = ["全球通", "动感地带", "神州行"];
    let brand: Vec<usize> = (0..count).map(|_| random.below(3) as usize).collect();
    let noise: Vec<i64> = (0..count).map(|_| random.below(1_000) as i64).collect();
    // Five in a thousand of all, and fifteen in a hundred of the young ones of one brand.
    let is_user: Vec<bool> = (0..count)
        .map(|row| {
            let planted = age[row] < 30 && brand[row] == 1;
            random.below(1_000) < if planted { 150 } else { 5 }
        })
        .collect();
    let sample = sample_of(is_user, 7);
    let words: Vec<Value> = brand
        .iter()
        .map(|brand| Value::Word(brands[*brand].to_owned()))
        .collect();
    let coin = flags((0..count).map(|_| random.below(2) == 0));
    let found = find(
        &sample,
        vec![
            numbers("noise", &noise, &sample),
            learned("coin", Bins::Flags, &coin, &sample),
            learned(
                "brand",
                bins_of_words(brands.iter().map(|brand| (*brand, 1))),
                &words,
                &sample,
            ),
            numbers("age", &age, &sample),
        ],
    )
    .unwrap();
    let supported: Vec<&str> = found
        .characteristics
        .iter()
        .filter(|found| found.is_supported)
        .map(|found| found.column.as_str())
        .collect();
    assert_eq!(supported.len(), 2, "{supported:?}");
    assert!(supported.contains(&"age") && supported.contains(&"brand"));
    let rule = found.rule.unwrap();
    let demand = |column: &str| {
        rule.conditions
            .iter()
            .find(|condition| condition.column == column)
            .map(|condition| condition.demand.clone())
    };
    assert_eq!(
        demand("brand"),
        Some(Demand::AnyOf(vec!["动感地带".to_owned()])),
        "{rule:?}"
    );
    assert!(
        matches!(demand("age"), Some(Demand::Below(edge)) if (29..=36).contains(&edge)),
        "{rule:?}"
    );
    assert!(rule.lift > 5.0, "{rule:?}");
    let score = found.score.unwrap();
    // The held-out tenth has about a hundred users, so the area is known to about 0.05.
    assert!(score.quality.area_under_curve > 0.75, "{:?}", score.quality);
    let points = |age: i64, brand: &str| {
        let values = [Value::Integer(age), Value::Word(brand.to_owned())];
        let by_name = |name: &str| {
            if name == "age" {
                &values[0]
            } else {
                &values[1]
            }
        };
        let names: Vec<&str> = score.card.columns().collect();
        score
            .card
            .points(names.into_iter().map(|name| Some(by_name(name))))
    };
    assert!(
        points(20, "动感地带") > points(60, "动感地带")
            && points(20, "动感地带") > points(20, "全球通") + 100
    );
}

/// Goal: a strong claim on noise is a bug. In a hundred runs of twenty columns of noise, a false support is allowed in one of a hundred
/// runs; four would be seen in less than two of a hundred such tests.
#[test]
fn noise_is_called_noise() {
    let (mut claims, mut rules) = (0, 0);
    for seed in 0..100 {
        let mut random = Numbers(1_000 + seed);
        let count = 3_000;
        let sample = sample_of((0..count).map(|_| random.below(10) == 0).collect(), seed);
        let columns = (0..20).map(|place| {
            let values: Vec<i64> = (0..count)
                .map(|_| random.below(if place % 2 == 0 { 4 } else { 10_000 }) as i64)
                .collect();
            numbers(&format!("noise_{place:02}"), &values, &sample)
        });
        let found = find(&sample, columns.collect()).unwrap();
        claims += usize::from(found.characteristics.iter().any(|found| found.is_supported));
        rules += usize::from(found.rule.is_some());
        assert!(found.score.is_none() || found.characteristics[0].is_supported);
    }
    assert!(
        claims <= 3 && rules <= 2,
        "{claims} claims, {rules} rules of a hundred runs of noise"
    );
}

#[test]
fn too_few_is_said() {
    let sample = sample_of((0..1_000).map(|row| row < 20).collect(), 1);
    assert!(matches!(
        find(&sample, Vec::new()),
        Err(LookalikeError::TooFew { .. })
    ));
}
