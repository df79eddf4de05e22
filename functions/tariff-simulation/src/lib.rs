//! Tariff simulation: what a customer's real usage would have cost under every plan (TS-1 … TS-8).
//!
//! ```text
//! catalogue (JSON) ─ wire ─▶ plan model ─ compile ─▶ flat tables ─┐
//! usage (JSON) ───── wire ─▶ usage ────── metering ─▶ meters ─────┴─ engine ─▶ totals ─ comparison ─▶ ranking
//!                                                                         └─▶ bill, line by line
//! ```
//!
//! Invariant: every result is a pure function of catalogue, usage and request. No clock, no randomness, no floating-point number
//! between input and output. Domain modules know no JSON; [`wire`] knows no prices.

pub mod add_ons;
pub mod batch;
pub mod bill;
pub mod cells;
pub mod comparison;
pub mod compile;
pub mod eligibility;
pub mod engine;
pub mod http;
pub mod limits;
pub mod metering;
pub mod number;
pub mod plan;
pub mod ranking;
pub mod service;
pub mod store;
pub mod switching;
pub mod usage;
pub mod wire;

#[cfg(target_family = "wasm")]
mod component;
