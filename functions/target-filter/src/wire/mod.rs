//! The JSON forms of expressions and exclusion sets, and the way between them and the domain.
//!
//! A form that the domain refuses is answered with every mistake at once, each with a JSON pointer and a text in both languages.

pub mod exclusions;
pub mod expression;
pub mod faults;
