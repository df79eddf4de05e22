//! Which of the two languages the reader wants.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use chudian_vocabulary::Language;
use http::request::Parts;
use http::{HeaderMap, header};

/// Language ranges that are looked at; a header with more is not a reader's.
const RANGES_MAX: usize = 16;

/// Weight of a range without `q`, in thousandths (RFC 9110, 12.4.2).
const FULL_WEIGHT_PERMILLE: u16 = 1000;

/// The reader's language: Chinese where `Accept-Language` prefers it to English, English otherwise, so that programs that send no
/// header get texts that match the field names.
pub fn of_headers(headers: &HeaderMap) -> Language {
    let Some(text) = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
    else {
        return Language::English;
    };
    let weight_of = |language: &str| {
        let ranges = text
            .split(',')
            .take(RANGES_MAX)
            .filter_map(range_and_weight);
        ranges
            .filter(|(range, _)| range.eq_ignore_ascii_case(language))
            .map(|(_, weight)| weight)
            .max()
            .unwrap_or(0)
    };
    if weight_of("zh") > weight_of("en") {
        Language::Chinese
    } else {
        Language::English
    }
}

/// The tag's first part and its weight in thousandths, of one member such as `zh-CN;q=0.8`.
fn range_and_weight(member: &str) -> Option<(&str, u16)> {
    let (tag, parameters) = member.split_once(';').unwrap_or((member, ""));
    let language = tag.trim().split('-').next()?;
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => permille(weight.trim())?,
        None => FULL_WEIGHT_PERMILLE,
    };
    Some((language, weight))
}

/// Reads `0`, `1`, `0.25` with at most three decimals.
fn permille(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(FULL_WEIGHT_PERMILLE),
        _ => None,
    }
}

/// The word for `Content-Language`.
pub const fn tag(language: Language) -> &'static str {
    match language {
        Language::Chinese => "zh",
        Language::English => "en",
    }
}

/// Extractor of the reader's language.
#[derive(Clone, Copy, Debug)]
pub struct ReaderLanguage(pub Language);

impl<S: Sync> FromRequestParts<S> for ReaderLanguage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(of_headers(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_preferred_of_two_languages_is_chosen() {
        let table = [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh;q=0.8", Language::English),
            ("zh", Language::Chinese),
            ("ZH-Hant", Language::Chinese),
            ("en;q=0.5, zh;q=0.6", Language::Chinese),
            ("zh;q=0", Language::English),
            ("zh;q=1.5", Language::English),
            ("zh;q=0.5,en;q=0.5", Language::English),
            ("fr", Language::English),
            ("", Language::English),
            (";;;,,q=", Language::English),
        ];
        for (header_text, language) in table {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::ACCEPT_LANGUAGE,
                HeaderValue::from_static(header_text),
            );
            assert_eq!(of_headers(&headers), language, "{header_text}");
        }
        assert_eq!(of_headers(&HeaderMap::new()), Language::English);
    }
}
