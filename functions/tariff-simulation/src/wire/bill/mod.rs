//! How a line of a bill came about: in numbers, for its proof, and in words, for people.
//!
//! The numbers are what a bill's hash is made of, so that their form never changes; the words may.

mod explanation;
mod proof;

pub use explanation::explanation;
pub use proof::{InsideJson, ProofJson, SetupJson, TierUseJson, proof};

use crate::number::PRICE_DECIMALS;

/// A scaled integer as a decimal without trailing zeros.
fn decimal(value: i64, decimals: u32) -> String {
    let one = 10_i64.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = (
        value.unsigned_abs() / one.unsigned_abs(),
        value.unsigned_abs() % one.unsigned_abs(),
    );
    let width = decimals as usize;
    let fraction = format!("{fraction:0width$}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

fn price(value: i64) -> String {
    decimal(value, PRICE_DECIMALS)
}
