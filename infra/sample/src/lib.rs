//! A sample to try the system with: price lists of an invented operator, customers who do not exist, and the answers.
//!
//! Everything is made from a seed by integer arithmetic. For a share of the customers the best plan is known before
//! anything is simulated, because their usage was made for it; `planted.json` names it with a margin, so that a tariff
//! simulation can be held against answers that it did not compute itself.
//!
//! Invariant: the same [`Settings`] give the same bytes on every machine, today and in ten years. Nothing reads a clock,
//! an environment or a random device, and no order depends on a hash. Customers are made one at a time.
//!
//! What it is not: it prices nothing (the tariff simulation does), it loads nothing (`chudian sample` does), and it is no
//! statistics of any operator.
//!
//! The way through: [`Settings`] → [`Settings::customers`] and [`catalogue_json`] → [`write_files`]; the customer table is
//! [`table`].

mod archetype;
mod catalogue;
mod customer;
mod document;
mod draw;
mod files;
mod fit;
mod months;
pub mod table;
mod usage;

pub use customer::Customer;
pub use files::{Files, Progress, USAGE_EXAMPLE, write_files};
pub use fit::{Bound, Fit, fits};
pub use months::{Months, NoMonth};

/// What a sample is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many customers.
    pub customers: u64,
    /// For how many of 1,000 customers a best plan is planted.
    pub planted_permille: u32,
    /// Which months the usage covers.
    pub months: Months,
}

impl Default for Settings {
    /// A thousand customers, a fifth of them planted, May to October 2026.
    fn default() -> Self {
        Self {
            seed: 1,
            customers: 1000,
            planted_permille: 200,
            months: Months::default(),
        }
    }
}

impl Settings {
    /// The customers in the order of their numbers, each made when it is asked for.
    pub fn customers(&self) -> impl Iterator<Item = Customer> + use<> {
        let settings = *self;
        (1..=settings.customers).map(move |number| settings.customer(number))
    }

    /// Customer `number`, counted from 1.
    pub(crate) fn customer(&self, number: u64) -> Customer {
        customer::make(self.seed, self.planted_permille, self.months, number)
    }
}

impl Fit {
    /// A customer whose every quantity lies at `bound`, on the package of the fit; with it the proof of the fit is made.
    pub fn customer_at(&'static self, bound: Bound, months: Months) -> Customer {
        customer::at_bound(self, bound, months)
    }
}

/// The catalogue document, `chudian-catalogue/1`, with two blanks of indentation and a line feed at the end.
///
/// # Errors
/// Never in practice: the document consists of texts and numbers only.
pub fn catalogue_json() -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(&catalogue::catalogue())?;
    bytes.push(b'\n');
    Ok(bytes)
}
