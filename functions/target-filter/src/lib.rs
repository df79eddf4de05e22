//! Target filter (TF): conditions, counts, exclusions, frozen lists.
