//! The answers of the tariff simulation, as far as the terminal shows them; `docs/reference/tariff-api.md` defines them.

use serde::Deserialize;

/// Answer of `simulate`.
#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    pub(super) months: Vec<String>,
    #[serde(default)]
    pub(super) estimated: bool,
    pub(super) present: Option<Present>,
    pub(super) ranking: Vec<Ranked>,
    #[serde(default)]
    pub(super) left_out: Vec<LeftOut>,
}

/// The plan that the customer has.
#[derive(Debug, Deserialize)]
pub(super) struct Present {
    pub(super) plan_id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) add_ons: Vec<HeldAddOn>,
    pub(super) monthly_total_fen: Vec<i64>,
    pub(super) total_fen: i64,
}

/// A plan that could be had.
#[derive(Debug, Deserialize)]
pub(super) struct Ranked {
    pub(super) rank: u32,
    pub(super) plan_id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) add_ons: Vec<HeldAddOn>,
    pub(super) monthly_total_fen: Vec<i64>,
    pub(super) total_fen: i64,
    pub(super) saving: Option<Saving>,
    pub(super) switching: Switching,
    #[serde(default)]
    pub(super) reasons: Vec<Reason>,
}

/// What switching costs.
#[derive(Debug, Deserialize)]
pub(super) struct Switching {
    pub(super) cost_fen: i64,
}

/// An add-on of a package.
#[derive(Debug, Deserialize)]
pub(super) struct HeldAddOn {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) quantity: u32,
}

/// What is saved against the present plan.
#[derive(Debug, Deserialize)]
pub(super) struct Saving {
    pub(super) mean_fen: i64,
    pub(super) worst_month_fen: i64,
    pub(super) months_won: u32,
}

/// A reason: a code, and the component's words for it in the language that it was asked in.
#[derive(Debug, Deserialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) text: String,
}

/// A plan that cannot be had.
#[derive(Debug, Deserialize)]
pub(super) struct LeftOut {
    pub(super) reasons: Vec<Reason>,
}

/// Answer of `explain`.
#[derive(Debug, Deserialize)]
pub(super) struct Bill {
    pub(super) month: String,
    pub(super) lines: Vec<BillLine>,
    pub(super) total_fen: i64,
    pub(super) proof: Option<String>,
}

/// A line of a bill.
#[derive(Debug, Deserialize)]
pub(super) struct BillLine {
    pub(super) description: String,
    pub(super) quantity: Option<i64>,
    pub(super) unit: Option<String>,
    pub(super) allowance: Option<i64>,
    pub(super) price: Option<String>,
    pub(super) amount_fen: i64,
}
