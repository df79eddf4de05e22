//! The table that an export holds: CSV for a spreadsheet or an outbound system.
//!
//! Two encodings: UTF-8 with a byte order mark, which every spreadsheet reads, and GB18030, which older Chinese systems expect. A
//! cell that a spreadsheet would take for a formula is neutralised: an apostrophe before it, unless it is a plain number.

/// Encoding of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableEncoding {
    /// UTF-8, with a byte order mark at the beginning.
    Utf8WithMark,
    /// GB18030-2022 as the WHATWG encodes it.
    Gb18030,
}

/// The UTF-8 byte order mark.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

impl TableEncoding {
    /// The word in JSON and SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8WithMark => "csv-utf8",
            Self::Gb18030 => "csv-gb18030",
        }
    }

    /// The encoding of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Utf8WithMark, Self::Gb18030]
            .into_iter()
            .find(|encoding| encoding.as_str() == word)
    }

    /// What a file of this encoding begins with.
    pub const fn begin(self) -> &'static [u8] {
        match self {
            Self::Utf8WithMark => UTF8_MARK,
            Self::Gb18030 => &[],
        }
    }

    /// Appends `text`. GB18030 covers all of Unicode, so nothing is lost in either encoding.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Utf8WithMark => out.extend_from_slice(text.as_bytes()),
            Self::Gb18030 => out.extend_from_slice(&encoding_rs::GB18030.encode(text).0),
        }
    }
}

/// Appends one line of CSV (RFC 4180, lines end with CR LF).
pub fn push_line<'a>(line: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            line.push(',');
        }
        push_cell(line, cell);
    }
    line.push_str("\r\n");
}

fn push_cell(line: &mut String, cell: &str) {
    let guard = if is_formula(cell) { "'" } else { "" };
    if cell.contains(['"', ',', '\r', '\n']) {
        line.push('"');
        line.push_str(guard);
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(guard);
        line.push_str(cell);
    }
}

/// Whether a spreadsheet may take the cell for a formula; full-width signs count, some read them alike.
fn is_formula(cell: &str) -> bool {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    begins && !is_plain_number(cell)
}

fn is_plain_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_neutralised() {
        let table = [
            ("动感地带", "动感地带"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("＝1", "'＝1"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            ("=a,b", "\"'=a,b\""),
            ("\r=a", "\"'\r=a\""),
            ("-12.50", "-12.50"),
            ("+86", "+86"),
            ("-1+2", "'-1+2"),
            ("-", "'-"),
            ("-.5", "'-.5"),
            ("", ""),
        ];
        for (cell, written) in table {
            let mut line = String::new();
            push_line(&mut line, [cell].into_iter());
            assert_eq!(line, format!("{written}\r\n"), "{cell:?}");
        }
    }

    /// Goal: GB18030 reads back to the same text, also beyond the characters of GBK.
    #[test]
    fn both_encodings_keep_every_character() {
        let text = "套餐€𠮷😀 ascii";
        let mut bytes = Vec::new();
        TableEncoding::Gb18030.encode(text, &mut bytes);
        assert_eq!(
            encoding_rs::GB18030.decode_without_bom_handling(&bytes),
            (text.into(), false)
        );
        assert_eq!(
            bytes.get(..4),
            Some(&[0xcc, 0xd7, 0xb2, 0xcd][..]),
            "套餐 in GB2312"
        );
        assert_eq!(TableEncoding::Utf8WithMark.begin(), [0xef, 0xbb, 0xbf]);
    }
}
