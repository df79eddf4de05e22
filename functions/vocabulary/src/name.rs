//! Names that people read, in both languages of the product.

use serde::{Deserialize, Serialize};

/// Longest name, in characters of either language: it has to fit a table cell and an SMS.
pub const NAME_LENGTH_MAX: usize = 80;

/// One of the two languages in which every text exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese, the default.
    Chinese,
    /// English.
    English,
}

/// A text that people read, in Chinese and in English.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Name {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Name {
    /// Makes a name from its two texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// The text in `language`.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}
