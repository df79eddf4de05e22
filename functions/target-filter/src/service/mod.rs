//! From what a request asks to whom it means: reading forms, fetching groups and exclusion sets, evaluating segment by segment, and the
//! answers. It knows the store and the dataset, but neither routes nor headers.

pub mod breakdown;
pub mod explain;
pub mod forms;
pub mod fresh;
pub mod lists;
pub mod lookalike;
pub mod prepare;
pub mod reach;
pub mod selector;
pub mod tally;
