//! Medians and ratios, and how they are printed.

/// The middle of the figures; of an even number the upper middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Pairwise ratios of two sides that ran in turn, and their median: noise that hits both sides of a round cancels.
pub(crate) fn median_ratio(side: &[f64], other: &[f64]) -> f64 {
    let ratios: Vec<f64> = side
        .iter()
        .zip(other)
        .map(|(one, other)| one / other)
        .collect();
    median(&ratios)
}

/// One line: a name, a ratio, and the bar it is held against.
pub(crate) fn ratio(name: &str, ratio: f64, bar: f64) {
    let verdict = if ratio >= bar {
        "reached"
    } else {
        "NOT reached"
    };
    println!("{name:<58} {ratio:>8.2} x   bar {bar:.2} x {verdict}");
}

/// One line: a name and a figure with its unit.
pub(crate) fn figure(name: &str, figure: f64, unit: &str) {
    println!("{name:<58} {figure:>12.1} {unit}");
}

/// One line: a name, a figure that must stay below a bar.
pub(crate) fn below(name: &str, figure: f64, bar: f64, unit: &str) {
    let verdict = if figure < bar {
        "reached"
    } else {
        "NOT reached"
    };
    println!("{name:<58} {figure:>12.1} {unit}   bar {bar} {unit} {verdict}");
}
