//! Bytes of a table to text: which encoding they are in, found out rather than asked.
//!
//! A byte-order mark decides; without one, bytes that are UTF-8 throughout are UTF-8 (GB18030 text of more than a few
//! characters practically never is), anything else must be GB18030 throughout, which Chinese spreadsheets write.

use std::fmt;

use encoding_rs::GB18030;

use super::fault::Fault;

/// An encoding that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 that says so with a byte-order mark.
    Utf8WithMark,
    /// UTF-8.
    Utf8,
    /// GB18030, which contains GBK and GB2312.
    Gb18030,
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utf8WithMark => "UTF-8 (BOM)",
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB18030",
        })
    }
}

/// Decodes a table.
///
/// # Errors
/// When the bytes are in neither encoding; the fault names the line.
pub(crate) fn decode(bytes: &[u8]) -> Result<(String, Encoding), Fault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Fault::of_file(
            "this is UTF-16 (`Unicode text`); save the table as `CSV UTF-8` and try again",
            "这是 UTF-16（“Unicode 文本”）文件；请在表格软件中另存为“CSV UTF-8”后重试",
        ));
    }
    if let Some(marked) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        return match std::str::from_utf8(marked) {
            Ok(text) => Ok((text.to_owned(), Encoding::Utf8WithMark)),
            Err(error) => Err(undecodable(marked, error.valid_up_to())),
        };
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok((text.to_owned(), Encoding::Utf8)),
        Err(error) => error,
    };
    match GB18030.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((text.into_owned(), Encoding::Gb18030)),
        None => Err(undecodable(bytes, error.valid_up_to())),
    }
}

fn undecodable(bytes: &[u8], valid_up_to: usize) -> Fault {
    let line = bytes
        .iter()
        .take(valid_up_to)
        .filter(|byte| **byte == b'\n')
        .count() as u64
        + 1;
    Fault::of_line(
        line,
        None,
        "a byte here is neither UTF-8 nor GB18030; save the table as `CSV UTF-8` and try again",
        "此处有字节既不是 UTF-8 也不是 GB18030；请在表格软件中另存为“CSV UTF-8”后重试",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_found_and_give_the_same_text() {
        let text = "月份,类型\n2026-05,语音\n";
        let marked = ["\u{feff}".as_bytes(), text.as_bytes()].concat();
        let (gb18030, _, _) = GB18030.encode(text);
        for (bytes, encoding) in [
            (text.as_bytes(), Encoding::Utf8),
            (marked.as_slice(), Encoding::Utf8WithMark),
            (gb18030.as_ref(), Encoding::Gb18030),
        ] {
            assert_eq!(decode(bytes).unwrap(), (text.to_owned(), encoding));
        }
        assert_eq!(decode(b"month,kind").unwrap().1, Encoding::Utf8);
    }

    /// Goal: a four-byte character, which GBK alone does not have, survives.
    #[test]
    fn characters_beyond_gbk_are_read() {
        let text = "地区,𠮷\n";
        let (bytes, _, unmappable) = GB18030.encode(text);
        assert!(!unmappable);
        assert_eq!(
            decode(&bytes).unwrap(),
            (text.to_owned(), Encoding::Gb18030)
        );
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        assert_eq!(decode(b"month\nab\xFF\xFF\n").unwrap_err().line, Some(2));
        assert_eq!(
            decode(&[&[0xEF, 0xBB, 0xBF][..], b"a\nb\nc\xFF"].concat())
                .unwrap_err()
                .line,
            Some(3)
        );
        assert_eq!(decode(&[0xFF, 0xFE, 0x31, 0x00]).unwrap_err().line, None);
    }
}
