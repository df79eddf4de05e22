//! Rows of text with a delimiter, by RFC 4180 as files really have it: any delimiter, any line end, quoted cells with line breaks.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::{CoderResult, Decoder, GB18030};

use super::{Encoding, Records, RowSource, SourceError, Survey};
use crate::limits::{BLOCK_BYTES, BLOCK_ROWS_MAX, FILE_COLUMNS_MAX, RECORD_BYTES_MAX};

/// Bytes of the file's beginning that are looked at to find the delimiter.
pub(super) const SNIFF_BYTES: usize = 64 * 1024;

/// Records of the beginning that are compared.
const SNIFF_RECORDS: usize = 50;

/// Delimiters that are tried, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How a delimited file parts its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The delimiter; an ASCII character.
    pub delimiter: u8,
    /// Whether quotation marks mean quoting. They do not in tab-separated extracts of databases that have stray ones.
    pub quoted: bool,
}

impl Dialect {
    /// Finds the dialect of a file that begins with `head`. A stated delimiter counts when it is ASCII.
    pub(super) fn of(head: &[u8], stated: Option<char>) -> Self {
        let stated = stated
            .and_then(|delimiter| u8::try_from(delimiter).ok())
            .filter(u8::is_ascii);
        let delimiter = stated.unwrap_or_else(|| {
            // A delimiter is good when the first records have equally many cells, and many of them.
            let score = |delimiter: u8| {
                let counts = cell_counts(head, delimiter);
                let first = counts.first().copied().unwrap_or(1);
                let alike = counts.iter().filter(|count| **count == first).count();
                if first < 2 {
                    0
                } else {
                    alike * 1_000 / counts.len().max(1) * 1_000 + first.min(999)
                }
            };
            DELIMITERS
                .into_iter()
                .rev()
                .max_by_key(|delimiter| score(*delimiter))
                .filter(|best| score(*best) > 0)
                .unwrap_or(b',')
        });
        // A mark that opens a cell somewhere at the beginning says that marks are quoting; so does the absence of any.
        let opens = head
            .windows(2)
            .any(|pair| matches!(pair, [before, b'"'] if *before == delimiter || *before == b'\n'))
            || head.first() == Some(&b'"');
        Self {
            delimiter,
            quoted: opens || !head.contains(&b'"'),
        }
    }
}

/// Numbers of cells of the first records; an incomplete last one does not count.
fn cell_counts(head: &[u8], delimiter: u8) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut cells, mut quoted, mut bytes) = (1, false, 0);
    for byte in head {
        bytes += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                if bytes > 2 {
                    counts.push(cells);
                }
                (cells, bytes) = (1, 0);
                if counts.len() == SNIFF_RECORDS {
                    return counts;
                }
            }
            byte if *byte == delimiter && !quoted => cells += 1,
            _ => {}
        }
    }
    if counts.is_empty() {
        counts.push(cells);
    }
    counts
}

/// Bytes of a file as UTF-8.
enum Decoding {
    Utf8,
    Gb18030 { decoder: Box<Decoder>, raw: Vec<u8> },
}

/// Rows of a delimited file.
pub(super) struct DelimitedRows {
    file: File,
    decoding: Decoding,
    dialect: Dialect,
    headings: Vec<String>,
    /// Text that is not yet cut: what follows the last whole record.
    rest: Vec<u8>,
    at_end: bool,
    /// Line of the first byte of `rest`.
    line: u64,
}

impl DelimitedRows {
    pub(super) fn open(path: &Path, survey: &Survey) -> Result<Self, SourceError> {
        let mut file = File::open(path)?;
        if survey.byte_order_mark {
            file.read_exact(&mut [0; 3])?;
        }
        let decoding = match survey.encoding {
            Encoding::Utf8 => Decoding::Utf8,
            Encoding::Gb18030 => Decoding::Gb18030 {
                decoder: Box::new(GB18030.new_decoder_without_bom_handling()),
                raw: vec![0; BLOCK_BYTES],
            },
        };
        let mut rows = Self {
            file,
            decoding,
            dialect: survey.dialect,
            headings: Vec::new(),
            rest: Vec::new(),
            at_end: false,
            line: 1,
        };
        let mut records = Records::default();
        if !rows.cut_block(&mut records, 1)? {
            return Err(SourceError::NoHeading);
        }
        rows.headings = records
            .cells(0)
            .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
            .collect();
        if rows.headings.len() > FILE_COLUMNS_MAX {
            return Err(SourceError::TooManyColumns {
                max: FILE_COLUMNS_MAX,
                delimiter: char::from(survey.dialect.delimiter),
            });
        }
        Ok(rows)
    }

    /// Cuts at most `rows_max` records. `false` at the end.
    fn cut_block(&mut self, records: &mut Records, rows_max: usize) -> Result<bool, SourceError> {
        loop {
            if !self.at_end && self.rest.len() < BLOCK_BYTES / 2 {
                self.fill()?;
            }
            records.clear();
            std::mem::swap(&mut records.bytes, &mut self.rest);
            let mut cutter = Cutter {
                dialect: self.dialect,
                line: self.line,
                rows_max,
            };
            let consumed = cutter.cut(records, self.at_end)?;
            self.line = cutter.line;
            self.rest.clear();
            self.rest
                .extend_from_slice(records.bytes.get(consumed..).unwrap_or_default());
            if !records.is_empty() {
                return Ok(true);
            }
            if self.at_end {
                return Ok(false);
            }
            // No record is whole yet, however much text there is.
            self.fill()?;
        }
    }

    /// Reads the next bytes behind `rest`.
    fn fill(&mut self) -> Result<(), SourceError> {
        let before = self.rest.len();
        match &mut self.decoding {
            Decoding::Utf8 => {
                self.rest.resize(before + BLOCK_BYTES, 0);
                let mut end = before;
                while end < self.rest.len() {
                    let read = self
                        .file
                        .read(self.rest.get_mut(end..).unwrap_or_default())?;
                    end += read;
                    if read == 0 {
                        self.at_end = true;
                        break;
                    }
                }
                self.rest.truncate(end);
            }
            Decoding::Gb18030 { decoder, raw } => {
                let read = self.file.read(raw)?;
                self.at_end = read == 0;
                let chunk = raw.get(..read).unwrap_or_default();
                let room = decoder
                    .max_utf8_buffer_length(read)
                    .unwrap_or(3 * BLOCK_BYTES);
                self.rest.resize(before + room, 0);
                // The survey has decoded the same bytes strictly, so nothing is replaced here; a file that changes is found at the end.
                let target = self.rest.get_mut(before..).unwrap_or_default();
                let (outcome, _, written, _) = decoder.decode_to_utf8(chunk, target, self.at_end);
                debug_assert!(matches!(outcome, CoderResult::InputEmpty));
                self.rest.truncate(before + written);
            }
        }
        Ok(())
    }
}

impl RowSource for DelimitedRows {
    fn headings(&self) -> &[String] {
        &self.headings
    }

    fn read(&mut self, records: &mut Records) -> Result<bool, SourceError> {
        self.cut_block(records, BLOCK_ROWS_MAX)
    }
}

/// Cuts text into cells. Escaped quotation marks are undone in place: the text only ever shrinks.
struct Cutter {
    dialect: Dialect,
    line: u64,
    rows_max: usize,
}

impl Cutter {
    /// Cuts the whole records of `records.bytes`, and gives the number of bytes that were cut.
    fn cut(&mut self, records: &mut Records, at_end: bool) -> Result<usize, SourceError> {
        let Records { bytes, cells, rows } = records;
        let mut escaped: Vec<(usize, Escaped)> = Vec::new();
        let mut place = 0;
        while rows.len() < self.rows_max && place < bytes.len() {
            let (begin, cells_before) = (place, cells.len());
            escaped.clear();
            let whole = self.record(bytes, cells, &mut escaped, &mut place, at_end);
            if place - begin > RECORD_BYTES_MAX
                || whole.is_none() && bytes.len() - begin > RECORD_BYTES_MAX
            {
                return Err(SourceError::RecordTooLong {
                    line: self.line,
                    max: RECORD_BYTES_MAX,
                });
            }
            let Some(lines) = whole else {
                cells.truncate(cells_before);
                if at_end {
                    return Err(SourceError::QuoteOpen { line: self.line });
                }
                return Ok(begin);
            };
            for (index, cell) in escaped.drain(..) {
                let end = cell.undo(bytes);
                if let Some((_, cell_end)) = cells.get_mut(index) {
                    *cell_end = end as u32;
                }
            }
            // An empty line is no record.
            if matches!(cells.get(cells_before..), Some([(begin, end)]) if begin == end) {
                cells.truncate(cells_before);
            } else {
                rows.push((cells.len() as u32, self.line));
            }
            self.line += lines;
        }
        Ok(place)
    }

    /// Cuts one record that begins at `place`, and moves `place` behind it. Gives its lines, or nothing when the text ends first.
    fn record(
        &self,
        bytes: &[u8],
        cells: &mut Vec<(u32, u32)>,
        escaped: &mut Vec<(usize, Escaped)>,
        place: &mut usize,
        at_end: bool,
    ) -> Option<u64> {
        let delimiter = self.dialect.delimiter;
        let mut lines = 0;
        loop {
            let text = bytes.get(*place..).unwrap_or_default();
            if self.dialect.quoted && text.first() == Some(&b'"') {
                let cell = quoted_cell(bytes, *place, delimiter, &mut lines)?;
                cells.push((cell.begin as u32, cell.close as u32));
                if cell.escapes || cell.behind > cell.close + 1 {
                    escaped.push((cells.len() - 1, cell));
                }
                *place = cell.behind;
            } else {
                let length = text
                    .iter()
                    .position(|byte| *byte == delimiter || *byte == b'\n');
                let length = length.or_else(|| at_end.then_some(text.len()))?;
                let end = *place + length;
                // The carriage return of a Windows line end belongs to no cell.
                let is_return = bytes.get(end) != Some(&delimiter)
                    && length > 0
                    && bytes.get(end - 1) == Some(&b'\r');
                cells.push((*place as u32, (end - usize::from(is_return)) as u32));
                *place = end;
            }
            match bytes.get(*place) {
                Some(byte) if *byte == delimiter => *place += 1,
                Some(_) => {
                    *place += 1;
                    return Some(lines + 1);
                }
                None => return at_end.then_some(lines + 1),
            }
        }
    }
}

/// A quoted cell that is more than the text between its marks.
#[derive(Clone, Copy)]
struct Escaped {
    /// Behind the opening mark.
    begin: usize,
    /// The closing mark.
    close: usize,
    /// The delimiter or line end after the cell.
    behind: usize,
    /// Whether marks are doubled in it.
    escapes: bool,
}

impl Escaped {
    /// Undoes the doubling of marks in place, and keeps what stands behind the closing mark, as spreadsheets do. Gives the cell's end.
    fn undo(self, bytes: &mut [u8]) -> usize {
        let mut end = self.close;
        if self.escapes {
            end = self.begin;
            let mut read = self.begin;
            while read < self.close {
                let byte = bytes.get(read).copied().unwrap_or_default();
                if let Some(target) = bytes.get_mut(end) {
                    *target = byte;
                }
                end += 1;
                read += if byte == b'"' { 2 } else { 1 };
            }
        }
        let behind = bytes.get(self.close + 1..self.behind).unwrap_or_default();
        let kept = behind.strip_suffix(b"\r").unwrap_or(behind).len();
        bytes.copy_within(self.close + 1..self.close + 1 + kept, end);
        end + kept
    }
}

/// The quoted cell that begins at `open`; nothing when the text ends before its closing mark.
fn quoted_cell(bytes: &[u8], open: usize, delimiter: u8, lines: &mut u64) -> Option<Escaped> {
    let begin = open + 1;
    let mut scan = begin;
    let mut escapes = false;
    let close = loop {
        let rest = bytes.get(scan..).unwrap_or_default();
        let at = memchr::memchr2(b'"', b'\n', rest)?;
        if rest.get(at) == Some(&b'\n') {
            *lines += 1;
            scan += at + 1;
        } else if rest.get(at + 1) == Some(&b'"') {
            escapes = true;
            scan += at + 2;
        } else {
            break scan + at;
        }
    };
    let rest = bytes.get(close + 1..).unwrap_or_default();
    let trailing = rest
        .iter()
        .position(|byte| *byte == delimiter || *byte == b'\n')
        .unwrap_or(rest.len());
    Some(Escaped {
        begin,
        close,
        behind: close + 1 + trailing,
        escapes,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::mapping::FileRules;
    use crate::source::survey;

    /// Headings, and each row with its line.
    type Table = (Vec<String>, Vec<(u64, Vec<String>)>);

    fn rows_of(bytes: &[u8], rules: &FileRules) -> Result<Table, SourceError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let survey = survey(file.path(), rules)?;
        let mut rows = DelimitedRows::open(file.path(), &survey)?;
        let mut records = Records::default();
        let mut all = Vec::new();
        while rows.read(&mut records)? {
            for row in 0..records.len() {
                let cells = records
                    .cells(row)
                    .map(|cell| String::from_utf8(cell.to_vec()).unwrap())
                    .collect();
                all.push((records.line(row), cells));
            }
        }
        Ok((rows.headings, all))
    }

    fn read(text: &str) -> Table {
        rows_of(text.as_bytes(), &FileRules::default()).unwrap()
    }

    fn strings(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn cells_are_cut_as_spreadsheets_write_them() {
        let (headings, rows) =
            read("号码,\"a,b\",c\r\n1,\"x\"\"y\nz\",\r\n\r\n2,,\"\"\r\n3,\"q\" ,r");
        assert_eq!(headings, strings(&["号码", "a,b", "c"]));
        assert_eq!(
            rows,
            vec![
                (2, strings(&["1", "x\"y\nz", ""])),
                (5, strings(&["2", "", ""])),
                (6, strings(&["3", "q ", "r"]))
            ]
        );
    }

    #[test]
    fn the_delimiter_is_found() {
        for (text, cells) in [
            ("a;b\n1,5;2\n3,5;4\n", 2),
            ("a\tb\tc\n1\t2\t3\n", 3),
            ("a|b\n1|2\n", 2),
            ("a\n1\n2\n", 1),
            ("\"a;b\",c\n1,2\n", 2),
        ] {
            assert_eq!(read(text).0.len(), cells, "{text}");
        }
    }

    /// Goal: a stray mark in a file that quotes nothing swallows nothing.
    #[test]
    fn marks_in_the_middle_of_cells_are_text() {
        let (_, rows) = read("a\tb\n5\" pipe\tx\n6\" pipe\ty\n");
        assert_eq!(
            rows,
            vec![
                (2, strings(&["5\" pipe", "x"])),
                (3, strings(&["6\" pipe", "y"]))
            ]
        );
    }

    #[test]
    fn damaged_files_are_refused_with_their_line() {
        let rules = FileRules::default();
        let long = format!("a,b\n1,2\n\"{}", "x".repeat(2 * RECORD_BYTES_MAX));
        assert!(matches!(
            rows_of(long.as_bytes(), &rules),
            Err(SourceError::RecordTooLong { line: 3, .. })
        ));
        let huge_cell = format!("a,b\n1,{}\n", "9".repeat(10 * 1024 * 1024));
        assert!(matches!(
            rows_of(huge_cell.as_bytes(), &rules),
            Err(SourceError::RecordTooLong { line: 2, .. })
        ));
        assert!(matches!(
            rows_of(b"a,b\n1,\"2\n3,4\n", &rules),
            Err(SourceError::QuoteOpen { line: 2 })
        ));
        assert!(matches!(
            rows_of(b"a,b\n1,\x00\n", &rules),
            Err(SourceError::Binary { byte: 6 })
        ));
        assert!(matches!(rows_of(b"", &rules), Err(SourceError::Empty)));
        assert!(matches!(
            rows_of(b"\n\n", &rules),
            Err(SourceError::NoHeading)
        ));
        let wide = ",".repeat(FILE_COLUMNS_MAX + 1) + "\n";
        assert!(matches!(
            rows_of(wide.as_bytes(), &rules),
            Err(SourceError::TooManyColumns { .. })
        ));
    }

    #[test]
    fn encodings_are_found_or_held_against_what_is_stated() {
        let text = "号码,品牌\n1,动感地带\n2,𠮷\n";
        let (gb18030, _, _) = GB18030.encode(text);
        let stated = |encoding| FileRules {
            encoding: Some(encoding),
            ..FileRules::default()
        };
        let expected = read(text);
        assert_eq!(rows_of(&gb18030, &FileRules::default()).unwrap(), expected);
        assert_eq!(
            rows_of(&gb18030, &stated(Encoding::Gb18030)).unwrap(),
            expected
        );
        assert_eq!(
            rows_of(format!("\u{feff}{text}").as_bytes(), &FileRules::default()).unwrap(),
            expected
        );
        let refused = |bytes: &[u8], rules: FileRules| match rows_of(bytes, &rules) {
            Err(SourceError::Encoding {
                line,
                encoding,
                detected,
            }) => (line, encoding, detected),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(&gb18030, stated(Encoding::Utf8)),
            (1, Encoding::Utf8, Some(Encoding::Gb18030))
        );
        assert_eq!(
            refused(text.as_bytes(), stated(Encoding::Gb18030)),
            (1, Encoding::Gb18030, Some(Encoding::Utf8))
        );
        assert_eq!(
            refused(b"a,b\n1,2\n3,\xFF\xFF\n", FileRules::default()).0,
            3
        );
        assert!(matches!(
            rows_of(&[0xFF, 0xFE, 0x31, 0x00], &FileRules::default()),
            Err(SourceError::Utf16)
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Goal: what a writer of CSV quotes comes back, cell by cell, in either encoding and however the reads fall.
        #[test]
        fn what_is_written_is_read(cells in proptest::collection::vec(proptest::collection::vec("[a-c,;\"\n\r 号码]{0,8}", 3), 1..30)) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            writer.write_record(["x", "y", "z"]).unwrap();
            for row in &cells {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let (gb18030, _, _) = GB18030.encode(std::str::from_utf8(&bytes).unwrap());
            for bytes in [&bytes[..], &gb18030] {
                let rules = FileRules { delimiter: Some(','), ..FileRules::default() };
                let (_, rows) = rows_of(bytes, &rules).unwrap();
                let read: Vec<Vec<String>> = rows.into_iter().map(|(_, cells)| cells).collect();
                prop_assert_eq!(&read, &cells);
            }
        }

        /// Goal: no bytes make the reader panic or loop.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300)) {
            let _ = rows_of(&bytes, &FileRules::default());
        }
    }
}
