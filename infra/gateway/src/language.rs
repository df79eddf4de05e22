//! Which of the two languages a person reads.

use std::ffi::OsStr;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// 中文.
    Chinese,
    /// English; also for those who ask for neither.
    #[default]
    English,
}

impl Language {
    /// What a client asks for. The first of the two that it names counts: browsers list the preferred one first.
    pub fn of_client(headers: &HeaderMap) -> Self {
        let Some(value) = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
        else {
            return Self::default();
        };
        value
            .split(',')
            .find_map(|entry| Self::of_tag(entry.trim()))
            .unwrap_or_default()
    }

    /// What the terminal asks for, by `LC_ALL`, `LC_MESSAGES` and `LANG`, in the order that the system gives them.
    pub fn of_terminal() -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|value| !value.is_empty())
            .and_then(|value| Self::of_tag(OsStr::to_str(&value).unwrap_or_default()))
            .unwrap_or_default()
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', ';']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// One of two texts.
    pub fn pick<Text>(self, english: Text, chinese: Text) -> Text {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

/// What a command says when it fails: English, then Chinese, with the same arguments; formatted in the terminal's language.
macro_rules! told {
    ($english:literal, $chinese:literal $(, $argument:expr)* $(,)?) => {
        match $crate::language::Language::of_terminal() {
            $crate::language::Language::English => format!($english $(, $argument)*),
            $crate::language::Language::Chinese => format!($chinese $(, $argument)*),
        }
    };
}

pub(crate) use told;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Goal: the first known language counts, unknown ones are passed over.
    #[test]
    fn first_known_language_counts() {
        let table = [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,en;q=0.9,zh;q=0.8", Language::English),
            ("fr, zh", Language::Chinese),
            ("fr", Language::English),
            ("", Language::English),
        ];
        for (header, language) in table {
            let headers =
                HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(header))]);
            assert_eq!(Language::of_client(&headers), language, "{header}");
        }
    }
}
