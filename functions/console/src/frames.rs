//! Who may show the pages in a frame.

use std::fmt;

/// Longest list of sources in bytes: a province's halls fit many times over, and a header stays a header.
const SOURCES_BYTES_MAX: usize = 1024;

/// Sources of the directive `frame-ancestors`: `'none'`, `'self'`, or origins such as `https://hall.example`.
///
/// Its text never ends the directive and never leaves the header, whatever the variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAncestors(String);

impl FrameAncestors {
    /// Nobody. The default: a page in a foreign frame can be clicked without the customer seeing it.
    pub fn none() -> Self {
        Self("'none'".to_owned())
    }

    /// Takes a list of sources separated by spaces; what is not such a list is refused, an empty one means nobody.
    pub fn parse(sources: &str) -> Result<Self, NotSources> {
        let words: Vec<&str> = sources.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Ok(Self::none());
        }
        let alone = |word: &&str| *word != "'none'" || words.len() == 1;
        let fits = sources.len() <= SOURCES_BYTES_MAX
            && words.iter().all(|word| is_source(word))
            && words.iter().all(alone);
        if fits {
            Ok(Self(words.join(" ")))
        } else {
            Err(NotSources)
        }
    }
}

/// `'none'`, `'self'`, a scheme (`https:`) or an origin, perhaps with `*.` before its host and a port after it.
fn is_source(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-*[]".contains(&byte);
    matches!(word, "'none'" | "'self'") || word.bytes().all(allowed)
}

impl fmt::Display for FrameAncestors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The variable `console_frame_ancestors` is not a list of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSources;

impl fmt::Display for NotSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "console_frame_ancestors should be 'none', 'self' or origins separated by spaces",
        )
    }
}

impl std::error::Error for NotSources {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_sources_are_taken() {
        for (sources, taken) in [
            ("", "'none'"),
            ("  ", "'none'"),
            ("'none'", "'none'"),
            ("'self'", "'self'"),
            (
                " 'self'   https://hall.example:8443 ",
                "'self' https://hall.example:8443",
            ),
            (
                "https://*.hall.example https://[2001:db8::1]:80",
                "https://*.hall.example https://[2001:db8::1]:80",
            ),
        ] {
            assert_eq!(
                FrameAncestors::parse(sources).map(|taken| taken.to_string()),
                Ok(taken.to_owned()),
                "{sources}"
            );
        }
    }

    /// Goal: the variable can widen this one directive and nothing else.
    #[test]
    fn what_would_leave_the_directive_is_refused() {
        let long = "https://hall.example ".repeat(60);
        for wrong in [
            "'self'; script-src *",
            "https://a,https://b",
            "https://a\r\nset-cookie: x",
            "'unsafe-inline'",
            "'none' 'self'",
            "香港",
            "\"x\"",
            &long,
        ] {
            assert_eq!(FrameAncestors::parse(wrong), Err(NotSources), "{wrong}");
        }
    }
}
