//! Lookalike (TF-6): what sets the present users of a business apart, and who among the others is like them.
//!
//! ```text
//! columns ─ bins ─▶ counts of users and others ─▶ ranked characteristics ─┬─▶ rule (few readable conditions)
//!                                                                         └─▶ score (points by bin) ─▶ calibration
//! ```
//!
//! Customers are drawn by keyed hash of the id and the seed, users and others apart, and cut into a part to learn from and a part held out.
//! Everything is found on the first and every claim is made from the second; a characteristic that could be chance, given how many were
//! looked at, is not used, and a rule whose lift may be 1 is not proposed.
//!
//! Invariant: the result is a pure function of the sample, whose order is that of the dataset. Counts are exact; weights, points and
//! probabilities are in floating point, with logarithms from one library on every host, and sums in one order, so a component and a
//! native program agree to the last bit. Points are whole numbers from then on. No money or quantity is computed here.

pub mod bins;
pub mod calibration;
pub mod characteristic;
pub mod limits;
pub mod rule;
pub mod score;
pub mod statistics;

use self::characteristic::{Characteristic, Learned};

/// Which customers a run looks at: one entry for each, in the dataset's order.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Whether the customer uses the business.
    pub is_user: Vec<bool>,
    /// Whether the customer is held out.
    pub is_held_out: Vec<bool>,
    /// Users and others of the whole dataset, from which the sample was drawn.
    pub population: Counts,
}

/// Users and others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Who uses the business.
    pub users: u64,
    /// Who does not.
    pub others: u64,
}

impl Counts {
    /// Adds a customer.
    pub fn add(&mut self, is_user: bool) {
        if is_user {
            self.users += 1;
        } else {
            self.others += 1;
        }
    }

    /// Both together.
    pub const fn all(self) -> u64 {
        self.users + self.others
    }
}

/// Why nothing can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookalikeError {
    /// Too few users or others in one of the parts to tell anything.
    #[error("{users} users and {others} others are too few")]
    TooFew {
        /// Users in the smaller part.
        users: u64,
        /// Others in the smaller part.
        others: u64,
    },
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Characteristics, the most telling first.
    pub characteristics: Vec<Characteristic>,
    /// The rule, when one holds on the held-out customers.
    pub rule: Option<rule::ProposedRule>,
    /// The score, when at least one characteristic is supported.
    pub score: Option<ScoreFindings>,
    /// Customers learned from.
    pub learned_from: Counts,
    /// Customers held out.
    pub held_out: Counts,
}

/// The score with how well it does.
#[derive(Clone, Debug)]
pub struct ScoreFindings {
    /// Points by bin.
    pub card: score::Scorecard,
    /// How well it tells users from others among the held-out customers.
    pub quality: calibration::Quality,
}

impl Sample {
    /// Users and others of one part.
    pub fn counts(&self, held_out: bool) -> Counts {
        let mut counts = Counts::default();
        for (is_user, _) in self
            .is_user
            .iter()
            .zip(&self.is_held_out)
            .filter(|(_, part)| **part == held_out)
        {
            counts.add(*is_user);
        }
        counts
    }

    /// Whether there are enough of each in each part.
    ///
    /// # Errors
    /// [`LookalikeError::TooFew`].
    pub fn check(&self) -> Result<(), LookalikeError> {
        let (learned, held_out) = (self.counts(false), self.counts(true));
        let users = learned.users.min(held_out.users);
        let others = learned.others.min(held_out.others);
        if users < limits::USERS_MIN || others < limits::OTHERS_MIN {
            return Err(LookalikeError::TooFew { users, others });
        }
        Ok(())
    }
}

/// Ranks what was learned of each column, and finds rule and score.
///
/// # Errors
/// [`LookalikeError::TooFew`].
pub fn find(sample: &Sample, mut learned: Vec<Learned>) -> Result<Findings, LookalikeError> {
    sample.check()?;
    characteristic::mark_supported(&mut learned);
    // Names break ties, so that the ranking never hangs on the order of the columns.
    learned.sort_by(|one, other| {
        let by_value = other
            .characteristic
            .information_value
            .total_cmp(&one.characteristic.information_value);
        let by_support = other
            .characteristic
            .is_supported
            .cmp(&one.characteristic.is_supported);
        by_support
            .then(by_value)
            .then_with(|| one.characteristic.column.cmp(&other.characteristic.column))
    });
    let score = score::fit(sample, &learned).map(|card| {
        let quality = calibration::measure(sample, &learned, &card);
        ScoreFindings { card, quality }
    });
    let rule = rule::propose(sample, &learned);
    Ok(Findings {
        characteristics: learned
            .into_iter()
            .map(|learned| learned.characteristic)
            .collect(),
        rule,
        score,
        learned_from: sample.counts(false),
        held_out: sample.counts(true),
    })
}
