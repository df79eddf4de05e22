//! Tariff simulation: what a customer's real usage would have cost under every plan (TS-1 … TS-8).

pub mod wire;
