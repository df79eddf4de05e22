//! Target filter (TF): conditions, counts, exclusions, frozen lists.

pub mod lists;
