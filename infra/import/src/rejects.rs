//! The file of rejected rows, and how many are too many.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chudian_vocabulary::Language;

use crate::limits::REJECTS_KEPT_MAX;
use crate::rows::Reject;
use crate::state::with_suffix;

/// How many rows may be rejected before nothing is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectLimit {
    /// So many rows.
    Rows(u64),
    /// So many of a million rows.
    Share {
        /// Parts of a million.
        ppm: u64,
    },
}

impl Default for RejectLimit {
    /// One in a hundred: more says that the mapping is wrong, or the file.
    fn default() -> Self {
        Self::Share { ppm: 10_000 }
    }
}

/// Not a limit of rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a number of rows such as 500, or a share such as 1% or 0.05% / 请写行数（如 500）或占比（如 1%、0.05%）"
)]
pub struct NoRejectLimit;

impl FromStr for RejectLimit {
    type Err = NoRejectLimit;

    fn from_str(text: &str) -> Result<Self, NoRejectLimit> {
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().map(Self::Rows).map_err(|_| NoRejectLimit);
        };
        let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.is_empty() || part.len() > 4 {
            return Err(NoRejectLimit);
        }
        let whole: u64 = whole.parse().map_err(|_| NoRejectLimit)?;
        let part: u64 = format!("{part:0<4}").parse().map_err(|_| NoRejectLimit)?;
        if whole > 100 {
            Err(NoRejectLimit)
        } else {
            Ok(Self::Share {
                ppm: whole * 10_000 + part,
            })
        }
    }
}

impl RejectLimit {
    /// Whether `rejected` of `rows` are too many.
    #[must_use]
    pub fn is_passed(self, rejected: u64, rows: u64) -> bool {
        match self {
            Self::Rows(limit) => rejected > limit,
            Self::Share { ppm } => {
                u128::from(rejected) * 1_000_000 > u128::from(rows) * u128::from(ppm)
            }
        }
    }
}

impl std::fmt::Display for RejectLimit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(rows) => write!(formatter, "{rows}"),
            Self::Share { ppm } => {
                let (whole, part) = (ppm / 10_000, ppm % 10_000);
                let part = format!("{part:04}");
                let part = part.trim_end_matches('0');
                if part.is_empty() {
                    write!(formatter, "{whole}%")
                } else {
                    write!(formatter, "{whole}.{part}%")
                }
            }
        }
    }
}

/// Writes rejected rows; the file appears with the first of them.
pub struct RejectFile {
    place: PathBuf,
    language: Language,
    writer: Option<csv::Writer<File>>,
    count: u64,
}

impl RejectFile {
    /// Rejects go to `place`; what an earlier run left there goes away.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(place: &Path, language: Language) -> io::Result<Self> {
        for stale in [place.to_owned(), with_suffix(place, ".part")] {
            match std::fs::remove_file(stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(Self {
            place: place.to_owned(),
            language,
            writer: None,
            count: 0,
        })
    }

    /// Rows so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Keeps a rejected row.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn keep(&mut self, reject: &Reject) -> io::Result<()> {
        self.count += 1;
        if self.count > REJECTS_KEPT_MAX {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                // Masked cells of a customer table are still that: nobody else's to read.
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(with_suffix(&self.place, ".part"))?;
                // Chinese spreadsheets take UTF-8 without a mark for GBK.
                file.write_all("\u{feff}".as_bytes())?;
                let writer = none.insert(csv::Writer::from_writer(file));
                writer.write_record(match self.language {
                    Language::Chinese => ["行", "列", "代码", "原因", "单元格"],
                    Language::English => ["line", "column", "code", "reason", "cell"],
                })?;
                writer
            }
        };
        let reason = reject.reason.text(self.language);
        writer.write_record([
            &reject.line.to_string(),
            &reject.heading,
            reject.reason.code(),
            &reason,
            &reject.shown,
        ])?;
        Ok(())
    }

    /// Puts the file in its place. Gives the place when there was anything to keep.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(self) -> io::Result<Option<PathBuf>> {
        let Some(mut writer) = self.writer else {
            return Ok(None);
        };
        writer.flush()?;
        std::fs::rename(with_suffix(&self.place, ".part"), &self.place)?;
        Ok(Some(self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_kept() {
        for (text, limit) in [
            ("0", RejectLimit::Rows(0)),
            ("500", RejectLimit::Rows(500)),
            ("1%", RejectLimit::Share { ppm: 10_000 }),
            ("0.05%", RejectLimit::Share { ppm: 500 }),
            ("100%", RejectLimit::Share { ppm: 1_000_000 }),
        ] {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!(limit.to_string(), text);
        }
        for text in ["", "%", "-1", "1.5", "101%", "0.00001%", "1.%", "x%", "1e3"] {
            assert_eq!(text.parse::<RejectLimit>(), Err(NoRejectLimit), "{text}");
        }
        assert!(!RejectLimit::Share { ppm: 10_000 }.is_passed(1, 100));
        assert!(RejectLimit::Share { ppm: 10_000 }.is_passed(2, 199));
        assert!(!RejectLimit::Rows(0).is_passed(0, 0));
        assert!(RejectLimit::Rows(0).is_passed(1, 100));
    }
}
