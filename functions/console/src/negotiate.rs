//! Which form of a file a client takes: RFC 9110, sections 12.5.3 (encodings) and 13.1.2 (`if-none-match`).

use crate::files::File;

/// A form in which a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    /// Value of `content-encoding`; `None` for the bytes as they are.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }

    /// The strong entity tag of this form of the file: forms differ in their bytes, so their tags differ.
    pub(crate) fn entity_tag(self, file: &File) -> String {
        match self.name() {
            Some(name) => format!("\"{}-{name}\"", file.tag),
            None => format!("\"{}\"", file.tag),
        }
    }
}

/// The smallest form that the file has and the client accepts, and its bytes.
pub(crate) fn choose(
    file: &'static File,
    accept_encoding: Option<&str>,
) -> (Encoding, &'static [u8]) {
    let accepted = |name| accept_encoding.is_some_and(|header| accepts(header, name));
    if let Some(bytes) = file.brotli.filter(|_| accepted("br")) {
        return (Encoding::Brotli, bytes);
    }
    if let Some(bytes) = file.gzip.filter(|_| accepted("gzip")) {
        return (Encoding::Gzip, bytes);
    }
    (Encoding::Plain, file.plain)
}

/// Whether the header gives this encoding a weight above zero, by its name or else by `*`.
fn accepts(header: &str, encoding: &str) -> bool {
    let mut by_star = false;
    for entry in header.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts.any(is_zero_weight);
        if name.eq_ignore_ascii_case(encoding) {
            return !refused;
        }
        by_star |= name == "*" && !refused;
    }
    by_star
}

/// `q=0`, `q=0.0` … `q=0.000`: "not acceptable".
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    name.trim().eq_ignore_ascii_case("q")
        && value.trim().starts_with('0')
        && value.bytes().all(|byte| matches!(byte, b'0' | b'.' | b' '))
}

/// Whether the client already has the form with this tag. The comparison is weak, as the RFC asks: caches in between may
/// have marked our tag with `W/`.
pub(crate) fn has_already(if_none_match: &str, entity_tag: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == entity_tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: File = File {
        path: "x.js",
        content_type: "text/javascript",
        tag: "t",
        hashed_name: false,
        plain: b"plain",
        gzip: Some(b"gzip"),
        brotli: Some(b"br"),
    };

    #[test]
    fn the_smallest_accepted_form_is_chosen() {
        for (header, form) in [
            (None, Encoding::Plain),
            (Some(""), Encoding::Plain),
            (Some("gzip, deflate, br, zstd"), Encoding::Brotli),
            (Some("gzip, deflate"), Encoding::Gzip),
            (Some("GZIP;q=0.5"), Encoding::Gzip),
            (Some("br;q=0, gzip"), Encoding::Gzip),
            (Some("br; q=0.000 , gzip;q=0"), Encoding::Plain),
            (Some("br;q=0.001"), Encoding::Brotli),
            (Some("*"), Encoding::Brotli),
            (Some("*, br;q=0"), Encoding::Gzip),
            (Some("*;q=0"), Encoding::Plain),
            (Some("identity"), Encoding::Plain),
            (Some("brotli, xgzip"), Encoding::Plain),
        ] {
            assert_eq!(choose(&FILE, header).0, form, "{header:?}");
        }
    }

    #[test]
    fn each_form_has_its_own_strong_tag() {
        assert_eq!(
            [Encoding::Plain, Encoding::Gzip, Encoding::Brotli].map(|form| form.entity_tag(&FILE)),
            ["\"t\"", "\"t-gzip\"", "\"t-br\""]
        );
    }

    #[test]
    fn known_tags_are_recognised() {
        for (header, known) in [
            ("\"t-br\"", true),
            ("W/\"t-br\"", true),
            ("\"a\", \"t-br\"", true),
            ("*", true),
            ("\"t\"", false),
            ("t-br", false),
            ("", false),
        ] {
            assert_eq!(has_already(header, "\"t-br\""), known, "{header}");
        }
    }
}
