//! The file of rejected rows: line, what is wrong, why. No cell is repeated in it, because a cell may hold a number.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chudian_import::limits::REJECTS_KEPT_MAX;
use chudian_vocabulary::Language;

/// A row that was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RejectedRow {
    /// Line of the file.
    pub(super) line: u64,
    /// Heading of the column, or the place in the event where the function found it.
    pub(super) place: String,
    /// A word for programs.
    pub(super) code: String,
    /// What is wrong and what to do.
    pub(super) reason: String,
    /// Under which id the function keeps the event; empty for a row that was not sent.
    pub(super) kept_as: String,
}

/// The file; it appears with the first reject.
pub(super) struct Rejects {
    place: PathBuf,
    language: Language,
    file: Option<File>,
    rows: u64,
    bytes: u64,
}

impl Rejects {
    /// Goes on with the first `bytes` bytes that an earlier run left at `place`; what stands behind them, or at `place` when there are none,
    /// goes away.
    pub(super) fn open(place: &Path, bytes: u64, language: Language) -> io::Result<Self> {
        let mut rejects = Self {
            place: place.to_owned(),
            language,
            file: None,
            rows: 0,
            bytes: 0,
        };
        if bytes == 0 {
            match std::fs::remove_file(place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(rejects),
            }
        }
        let mut file = OpenOptions::new().write(true).open(place)?;
        file.set_len(bytes)?;
        file.seek(SeekFrom::End(0))?;
        rejects.file = Some(file);
        rejects.bytes = bytes;
        Ok(rejects)
    }

    /// Keeps rejected rows.
    pub(super) fn keep(&mut self, rows: &[RejectedRow]) -> io::Result<()> {
        let room = REJECTS_KEPT_MAX.saturating_sub(self.rows);
        self.rows += rows.len() as u64;
        let kept = rows
            .iter()
            .take(usize::try_from(room).unwrap_or(usize::MAX));
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in kept {
            writer.write_record([
                &row.line.to_string(),
                &row.place,
                &row.code,
                &row.reason,
                &row.kept_as,
            ])?;
        }
        let text = writer.into_inner().map_err(|error| error.into_error())?;
        if text.is_empty() {
            return Ok(());
        }
        let heading = match self.language {
            Language::Chinese => "\u{feff}行,位置,代码,原因,留存编号\n",
            Language::English => "\u{feff}line,place,code,reason,kept_as\n",
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = none.insert(File::create(&self.place)?);
                // Chinese spreadsheets take UTF-8 without a mark for GBK.
                file.write_all(heading.as_bytes())?;
                self.bytes += heading.len() as u64;
                file
            }
        };
        file.write_all(&text)?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Puts everything on the disk; the length of the file.
    pub(super) fn sync(&mut self) -> io::Result<u64> {
        if let Some(file) = &self.file {
            file.sync_data()?;
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64) -> RejectedRow {
        RejectedRow {
            line,
            place: "渠道".to_owned(),
            code: "not-a-word".to_owned(),
            reason: "none of: a, b".to_owned(),
            kept_as: String::new(),
        }
    }

    /// Goal: a run that goes on leaves the file that one run would have left.
    #[test]
    fn the_file_goes_on_behind_what_was_done() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("rejects.csv");
        let open = |bytes| Rejects::open(&place, bytes, Language::English).unwrap();
        let mut rejects = open(0);
        rejects.keep(&[]).unwrap();
        assert!(!place.exists());
        rejects.keep(&[row(2)]).unwrap();
        let done = rejects.sync().unwrap();
        rejects.keep(&[row(3)]).unwrap();
        drop(rejects);
        let mut rejects = open(done);
        rejects.keep(&[row(4)]).unwrap();
        let text = std::fs::read_to_string(&place).unwrap();
        assert_eq!(
            text,
            "\u{feff}line,place,code,reason,kept_as\n2,渠道,not-a-word,\"none of: a, b\",\n4,渠道,not-a-word,\"none of: a, b\",\n"
        );
        assert_eq!(rejects.sync().unwrap(), text.len() as u64);
        drop(open(0));
        assert!(!place.exists());
    }
}
