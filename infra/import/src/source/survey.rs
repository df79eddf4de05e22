//! The first reading of a file: digest, form, encoding, number of lines; at the speed of the disk and in constant memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use encoding_rs::{DecoderResult, GB18030};
use sha2::{Digest as _, Sha256};

use super::{Encoding, Format, SourceError, delimited};
use crate::mapping::FileRules;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What the first reading found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Form of the file.
    pub format: Format,
    /// Encoding of a delimited file: the stated one, or the one found.
    pub encoding: Encoding,
    /// Whether the encoding was found and not stated.
    pub encoding_detected: bool,
    /// Whether a byte-order mark stands at the beginning.
    pub byte_order_mark: bool,
    /// How a delimited file parts its cells.
    pub dialect: delimited::Dialect,
    /// Bytes.
    pub bytes: u64,
    /// When the file was last written, as far as its file system tells; read before its first byte.
    pub modified: Option<SystemTime>,
    /// Line feeds: no delimited file has more records, but for an unended last one.
    pub line_feeds: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// Reads `path` once; a second time only when it is text and not UTF-8. Whatever `rules` state counts; the rest is found out.
///
/// # Errors
/// When the file cannot be read, is empty, or is text in neither encoding.
pub fn survey(path: &Path, rules: &FileRules) -> Result<Survey, SourceError> {
    let modified = std::fs::metadata(path)?.modified().ok();
    let mut head = Vec::with_capacity(delimited::SNIFF_BYTES);
    File::open(path)?
        .take(delimited::SNIFF_BYTES as u64)
        .read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(SourceError::Empty);
    }
    let format = rules.kind.unwrap_or_else(|| form_of(&head));
    let text = format == Format::Csv;
    if text && (head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF])) {
        return Err(SourceError::Utf16);
    }
    let pass = pass(path, text)?;
    let returns_alone = text && pass.line_feeds == 0 && head.trim_ascii_end().contains(&b'\r');
    if returns_alone {
        return Err(SourceError::ReturnsAlone);
    }
    let byte_order_mark = text && head.starts_with(&[0xEF, 0xBB, 0xBF]);
    let encoding = if text {
        encoding(path, &pass, rules.encoding, byte_order_mark)?
    } else {
        Encoding::Utf8
    };
    Ok(Survey {
        format,
        encoding,
        encoding_detected: rules.encoding.is_none(),
        byte_order_mark,
        dialect: delimited::Dialect::of(&head, rules.delimiter),
        bytes: pass.bytes,
        modified,
        line_feeds: pass.line_feeds,
        sha256: pass.sha256,
    })
}

/// The form by the first bytes.
fn form_of(head: &[u8]) -> Format {
    if head.starts_with(b"PAR1") {
        Format::Parquet
    } else if head.starts_with(b"ARROW1") || head.starts_with(&[0xFF, 0xFF, 0xFF, 0xFF]) {
        Format::Arrow
    } else if head.starts_with(b"PK\x03\x04") {
        Format::Xlsx
    } else {
        Format::Csv
    }
}

/// What one reading of all bytes tells.
struct Pass {
    bytes: u64,
    line_feeds: u64,
    sha256: [u8; 32],
    /// Line at which the bytes cease to be UTF-8.
    not_utf8: Option<u64>,
    ascii: bool,
}

fn pass(path: &Path, text: bool) -> Result<Pass, SourceError> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut found = Pass {
        bytes: 0,
        line_feeds: 0,
        sha256: [0; 32],
        not_utf8: None,
        ascii: true,
    };
    let mut buffer = vec![0; CHUNK_BYTES];
    // Bytes of an incomplete character that the last chunk ended with; they stand at the beginning of the buffer.
    let mut carried = 0;
    loop {
        let read = file.read(buffer.get_mut(carried..).unwrap_or_default())?;
        let new = buffer.get(carried..carried + read).unwrap_or_default();
        digest.update(new);
        let lines_before = found.line_feeds;
        if text {
            if let Some(zero) = memchr::memchr(0, new) {
                return Err(SourceError::Binary {
                    byte: found.bytes + zero as u64,
                });
            }
            found.line_feeds += line_feeds(new);
            found.ascii &= new.is_ascii();
        }
        found.bytes += read as u64;
        let whole = buffer.get(..carried + read).unwrap_or_default();
        let mut incomplete = 0;
        if text
            && found.not_utf8.is_none()
            && let Err(error) = std::str::from_utf8(whole)
        {
            let valid = error.valid_up_to();
            // What is carried holds no line feed, so the lines before it are those of the chunks before.
            let line = lines_before + line_feeds(whole.get(..valid).unwrap_or_default()) + 1;
            if error.error_len().is_some() || read == 0 {
                found.not_utf8 = Some(line);
            } else {
                incomplete = whole.len() - valid;
            }
        }
        if read == 0 {
            break;
        }
        let end = carried + read;
        buffer.copy_within(end - incomplete..end, 0);
        carried = incomplete;
    }
    found.sha256 = digest.finalize().into();
    Ok(found)
}

fn line_feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The encoding that holds for all of the file.
fn encoding(
    path: &Path,
    pass: &Pass,
    stated: Option<Encoding>,
    byte_order_mark: bool,
) -> Result<Encoding, SourceError> {
    let wrong = |line, encoding, detected| {
        Err(SourceError::Encoding {
            line,
            encoding,
            detected,
        })
    };
    match (stated, pass.not_utf8) {
        (None | Some(Encoding::Utf8), None) => Ok(Encoding::Utf8),
        (Some(Encoding::Gb18030), None) if pass.ascii => Ok(Encoding::Gb18030),
        // Chinese text in GB18030 is practically never UTF-8 throughout.
        (Some(Encoding::Gb18030), None) => wrong(
            first_line_beyond_ascii(path)?,
            Encoding::Gb18030,
            Some(Encoding::Utf8),
        ),
        (None, Some(line)) if byte_order_mark => wrong(line, Encoding::Utf8, None),
        (stated, Some(line)) => match (stated, not_gb18030(path)?) {
            (Some(Encoding::Utf8), None) => wrong(line, Encoding::Utf8, Some(Encoding::Gb18030)),
            (_, None) => Ok(Encoding::Gb18030),
            (None, Some(other)) if other > line => wrong(other, Encoding::Gb18030, None),
            (Some(Encoding::Gb18030), Some(other)) => wrong(other, Encoding::Gb18030, None),
            (_, Some(_)) => wrong(line, Encoding::Utf8, None),
        },
    }
}

/// Line at which a file ceases to be GB18030.
fn not_gb18030(path: &Path) -> Result<Option<u64>, SourceError> {
    let mut file = File::open(path)?;
    let mut decoder = GB18030.new_decoder_without_bom_handling();
    let (mut buffer, mut text) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut lines = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let chunk = buffer.get(..read).unwrap_or_default();
        let mut done = 0;
        loop {
            let rest = chunk.get(done..).unwrap_or_default();
            let (outcome, taken, _) =
                decoder.decode_to_utf8_without_replacement(rest, &mut text, read == 0);
            lines += line_feeds(rest.get(..taken).unwrap_or_default());
            done += taken;
            match outcome {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(_, _) => return Ok(Some(lines + 1)),
            }
        }
        if read == 0 {
            return Ok(None);
        }
    }
}

fn first_line_beyond_ascii(path: &Path) -> Result<u64, SourceError> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut lines = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let chunk = buffer.get(..read).unwrap_or_default();
        if let Some(place) = chunk.iter().position(|byte| !byte.is_ascii()) {
            return Ok(lines + line_feeds(chunk.get(..place).unwrap_or_default()) + 1);
        }
        if read == 0 {
            return Ok(lines);
        }
        lines += line_feeds(chunk);
    }
}
