//! Tests of the plan model: published examples, every feature, laws, and a slow oracle written another way.

mod cases;
mod comparing;
mod documents;
mod laws;
mod oracle;
mod refusals;
mod support;
