//! Target filter (TF): conditions on customers, immediate counts with a waterfall of exclusions, and frozen lists.
//!
//! ```text
//! text ─ text ─┐
//!              ├─▶ Expression ─ bind ─▶ Plan ─┐
//! JSON ─ wire ─┘      ▲                       ├─ service ─▶ counts, breakdowns, previews, reasons
//!          saved groups (store)   exclusions ─┘                 └─▶ lists
//! ```
//!
//! Invariant: the same selection on the same dataset version and day gives the same customers. What an expression means is decided in
//! `chudian_dataset::expression`; here it is read, printed, combined with [`exclusions`] and answered. A key of one region never sees, nor
//! counts, a customer of another.

pub mod exclusions;
pub mod fresh;
pub mod http;
pub mod lists;
pub mod lookalike;
pub mod service;
pub mod store;
pub mod text;
pub mod wire;

#[cfg(target_family = "wasm")]
mod component;
