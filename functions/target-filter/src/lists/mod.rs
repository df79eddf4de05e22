//! Frozen lists (TF-4, TF-5): from the customers that a rule selects to a list that can be made again byte by byte.
//!
//! ```text
//! candidates ─ order ─▶ caps ─▶ control group ─▶ batches ─▶ canonical bytes ─▶ SHA-256
//!                                                   └──▶ member pages and id index, under immutable keys
//! ```
//!
//! Invariants: a list is a pure function of its [`Recipe`] and the candidates as a set; the order in which they arrive changes
//! nothing. A customer's group hangs on the salt and the customer alone, so it is the same in every campaign that uses the salt.
//! What is encoded here is never changed, only added to under a new version byte.
//!
//! Not here: who is selected (expressions and exclusions), who may do what (the HTTP face), where bytes lie (the store).

pub mod batches;
pub mod caps;
pub mod freeze;
pub mod identity;
pub mod keyed;
pub mod limits;
pub mod pages;
pub mod recipe;
pub mod state;
pub mod table;
pub mod watermark;

pub use freeze::{Account, Candidate, Candidates, FreezeError, FrozenList, Group, Member};
pub use identity::{ExportId, ListId};
pub use recipe::Recipe;
