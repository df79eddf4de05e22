//! The words that all functions share.
//!
//! A word lives here when two functions would otherwise each define it, and only then. Every type has one
//! constructor that checks it, so a value that exists is a value that is right. Nothing here knows HTTP, SQL or any
//! function's own business.

pub mod access;
mod calendar;
pub mod channel;
pub mod contact;
mod identity;
pub mod masking;
mod money;
mod name;
pub mod pseudonym;
mod words;

pub use calendar::{CHINA_OFFSET_S, CalendarError, Date, Month, Weekday};
pub use identity::{CustomerId, IDENTIFIER_LENGTH_MAX, IdentifierError, Region, check_identifier};
pub use money::{Money, MoneyError};
pub use name::{Language, NAME_LENGTH_MAX, Name};
pub use words::UnknownWord;
