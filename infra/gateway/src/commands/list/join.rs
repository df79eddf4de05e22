//! `chudian list join`: puts the telephone numbers back into an opened list.
//!
//! The custodian's own file of numbers is read once; each number becomes its pseudonym under the installation's key, and where the list has
//! that pseudonym, the number goes into a new first column. All of it happens on this machine.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};
use clap::Args;
use encoding_rs::{Encoding, GB18030, UTF_8};
use serde_json::json;

use super::{PrivateFile, decrypt};
use crate::commands::{print_json, pseudonym};
use crate::language::Language;

/// Largest list that is opened whole: two million lines of some hundred bytes, with room.
const LIST_BYTES_MAX: u64 = 2 << 30;

/// The list's column with the pseudonym.
const CUSTOMER_COLUMN: &str = "customer_id";

/// The column that is added.
const NUMBER_COLUMN: &str = "msisdn";

/// The UTF-8 byte order mark.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes from which the encoding of a file of numbers is told.
const PROBE_BYTES: usize = 64 * 1024;

/// Put the telephone numbers back into a list, on this machine only / 在本机将号码还原到名单中
#[derive(Debug, Args)]
pub(super) struct Join {
    /// The opened list (CSV), or the encrypted one with --identity / 已解密的名单，或配合 --identity 使用加密名单
    list: PathBuf,
    /// The private key, when the list is still encrypted / 私钥文件（名单未解密时）
    #[arg(long)]
    identity: Option<PathBuf>,
    /// The custodian's own file of numbers: CSV with a head, in UTF-8 or GB18030 / 保管员的号码文件（CSV）
    #[arg(long)]
    numbers: PathBuf,
    /// Its column with the numbers / 号码所在列
    #[arg(long)]
    column: String,
    /// Folder of the installation's state, with the key of pseudonyms / 状态目录（含假名密钥）
    #[arg(long, env = "CHUDIAN_STATE_DIR", default_value = ".chudian")]
    state_dir: PathBuf,
    /// File for the completed list / 输出文件
    #[arg(long)]
    out: PathBuf,
    /// Say what was done as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    json: bool,
}

/// What a file of numbers gave.
#[derive(Default)]
struct Matches {
    numbers: HashMap<CustomerPseudonym, String>,
    rows_without_number: u64,
}

impl Join {
    pub(super) fn run(self, language: Language) -> anyhow::Result<()> {
        let key = pseudonym::existing_key(&self.state_dir, language)?;
        let (text, encoding) = self.read_list(language)?;
        let mut list = csv::ReaderBuilder::new()
            .flexible(false)
            .from_reader(text.as_bytes());
        let head = list.headers().context("CSV")?.clone();
        let Some(place) = head.iter().position(|name| name == CUSTOMER_COLUMN) else {
            bail!(language.pick(
                format!(
                    "{} has no column {CUSTOMER_COLUMN}; is it an exported list?",
                    self.list.display()
                ),
                format!(
                    "{} 没有 {CUSTOMER_COLUMN} 列，请确认是导出的名单",
                    self.list.display()
                ),
            ));
        };
        let rows: Vec<csv::StringRecord> =
            list.records().collect::<Result<_, _>>().context("CSV")?;
        let wanted: HashSet<CustomerPseudonym> = rows
            .iter()
            .filter_map(|row| row.get(place)?.parse().ok())
            .collect();
        let matches = self.match_numbers(&key, &wanted, language)?;

        let mut file = PrivateFile::create(&self.out, language)?;
        if encoding == UTF_8 {
            file.write_all(UTF8_MARK)?;
        }
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        out.write_record(std::iter::once(NUMBER_COLUMN).chain(&head))?;
        let mut unmatched = 0_u64;
        for row in &rows {
            let number = row
                .get(place)
                .and_then(|text| text.parse().ok())
                .and_then(|id: CustomerPseudonym| matches.numbers.get(&id));
            unmatched += u64::from(number.is_none());
            out.write_record(std::iter::once(number.map_or("", String::as_str)).chain(row))?;
        }
        let table = String::from_utf8(
            out.into_inner()
                .map_err(|error| anyhow::anyhow!("{error}"))?,
        )?;
        file.write_all(&encoding.encode(&table).0)?;
        file.finish()?;
        self.report(
            rows.len() as u64,
            unmatched,
            matches.rows_without_number,
            language,
        );
        Ok(())
    }

    fn report(&self, rows: u64, unmatched: u64, rows_without_number: u64, language: Language) {
        if self.json {
            print_json(
                &json!({"rows": rows, "unmatched": unmatched, "rows_without_number": rows_without_number, "file": self.out}),
            );
            return;
        }
        let matched = rows - unmatched;
        println!(
            "{}",
            language.pick(
                format!(
                    "{matched} of {rows} customers have their number: {}",
                    self.out.display()
                ),
                format!(
                    "{rows} 个客户中已还原 {matched} 个号码：{}",
                    self.out.display()
                ),
            )
        );
        if unmatched > 0 {
            eprintln!(
                "{}",
                language.pick(
                    format!("{unmatched} customers are not in the file of numbers; check that it is complete and that the key of pseudonyms is this installation's"),
                    format!("{unmatched} 个客户不在号码文件中，请检查号码文件是否完整、假名密钥是否属于本系统"),
                )
            );
        }
        if rows_without_number > 0 {
            eprintln!(
                "{}",
                language.pick(
                    format!(
                        "{rows_without_number} rows of the file of numbers hold no mobile number"
                    ),
                    format!("号码文件中有 {rows_without_number} 行不是手机号码"),
                )
            );
        }
    }

    /// The list as text, with the encoding that it had.
    fn read_list(&self, language: Language) -> anyhow::Result<(String, &'static Encoding)> {
        let mut reader: Box<dyn Read> = match &self.identity {
            Some(identity) => Box::new(decrypt::open(&self.list, identity, language)?),
            None => {
                Box::new(File::open(&self.list).with_context(|| self.list.display().to_string())?)
            }
        };
        let mut bytes = Vec::new();
        reader
            .by_ref()
            .take(LIST_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(|| self.list.display().to_string())?;
        if bytes.len() as u64 > LIST_BYTES_MAX {
            bail!("{}: > {LIST_BYTES_MAX} bytes / 字节", self.list.display());
        }
        let encoding = encoding_of(&bytes);
        let (text, damaged) = encoding.decode_with_bom_removal(&bytes);
        if damaged {
            bail!(language.pick(
                format!(
                    "{} is neither UTF-8 nor GB18030; is it still encrypted? then give --identity",
                    self.list.display()
                ),
                format!(
                    "{} 既不是 UTF-8 也不是 GB18030；如仍为加密文件请加 --identity",
                    self.list.display()
                ),
            ));
        }
        Ok((text.into_owned(), encoding))
    }

    /// Reads the file of numbers once and keeps what the list wants.
    fn match_numbers(
        &self,
        key: &PseudonymKey,
        wanted: &HashSet<CustomerPseudonym>,
        language: Language,
    ) -> anyhow::Result<Matches> {
        let path = &self.numbers;
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(decoded(path)?);
        let head = reader
            .headers()
            .with_context(|| path.display().to_string())?
            .clone();
        let Some(place) = head
            .iter()
            .position(|name| name.trim_start_matches('\u{feff}').trim() == self.column)
        else {
            let columns = head.iter().collect::<Vec<_>>().join(", ");
            bail!(language.pick(
                format!(
                    "{} has no column {}; it has: {columns}",
                    path.display(),
                    self.column
                ),
                format!(
                    "{} 没有“{}”列；现有列：{columns}",
                    path.display(),
                    self.column
                ),
            ));
        };
        let mut matches = Matches::default();
        let mut row = csv::StringRecord::new();
        while reader
            .read_record(&mut row)
            .with_context(|| path.display().to_string())?
        {
            match row
                .get(place)
                .and_then(|number| Some((key.pseudonym_of(number).ok()?, number)))
            {
                Some((id, number)) if wanted.contains(&id) => {
                    matches.numbers.insert(id, number.trim().to_owned());
                }
                Some(_) => {}
                None => matches.rows_without_number += 1,
            }
        }
        Ok(matches)
    }
}

/// UTF-8 when the bytes are that, else GB18030. A character that the end of the bytes cuts is no fault.
fn encoding_of(bytes: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(bytes) {
        Ok(_) => UTF_8,
        Err(error) if error.error_len().is_none() => UTF_8,
        Err(_) => GB18030,
    }
}

/// A file as UTF-8, whichever of the two encodings it has, piece by piece.
fn decoded(path: &Path) -> anyhow::Result<impl Read + use<>> {
    let open = || File::open(path).with_context(|| path.display().to_string());
    let mut probe = Vec::new();
    open()?
        .take(PROBE_BYTES as u64)
        .read_to_end(&mut probe)
        .with_context(|| path.display().to_string())?;
    Ok(Decoded {
        input: BufReader::new(open()?),
        decoder: encoding_of(&probe).new_decoder(),
        ready: Vec::new(),
        given: 0,
        is_over: false,
    })
}

/// A reader that decodes on the way.
struct Decoded {
    input: BufReader<File>,
    decoder: encoding_rs::Decoder,
    ready: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.is_over {
            let mut raw = [0; 8192];
            let length = self.input.read(&mut raw)?;
            self.is_over = length == 0;
            let raw = raw.get(..length).unwrap_or_default();
            let mut text = String::with_capacity(
                self.decoder
                    .max_utf8_buffer_length(length)
                    .unwrap_or(length * 3 + 16),
            );
            let _ = self.decoder.decode_to_string(raw, &mut text, self.is_over);
            (self.ready, self.given) = (text.into_bytes(), 0);
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;
    use age::x25519;

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const NUMBERS: [&str; 3] = ["16000000001", "16000000002", "16000000003"];

    fn list_of(numbers: &[&str]) -> String {
        let key = PseudonymKey::from(KEY);
        let mut text = "customer_id,batch,brand\r\n".to_owned();
        for number in numbers {
            text.push_str(&format!(
                "{},1,动感地带\r\n",
                key.pseudonym_of(number).unwrap()
            ));
        }
        text
    }

    fn join(folder: &Path, list: &str, identity: Option<&str>, numbers: &str) -> Join {
        Join {
            list: folder.join(list),
            identity: identity.map(|name| folder.join(name)),
            numbers: folder.join(numbers),
            column: "手机号".to_owned(),
            state_dir: folder.to_owned(),
            out: folder.join("out.csv"),
            json: true,
        }
    }

    /// Goal: an encrypted list in one encoding and numbers in the other come together, in the list's order and encoding, and what
    /// has no number stays with an empty cell.
    #[test]
    fn numbers_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let identity = x25519::Identity::generate();
        std::fs::write(folder.join("key"), identity.to_string().expose_secret()).unwrap();
        std::fs::write(
            folder.join("pseudonym-key"),
            PseudonymKey::from(KEY).reveal(),
        )
        .unwrap();
        let list = list_of(&[NUMBERS[1], NUMBERS[0], "16000000009"]);
        let sealed = age::encrypt(&identity.to_public(), &GB18030.encode(&list).0).unwrap();
        std::fs::write(folder.join("list.age"), sealed).unwrap();
        let table = format!(
            "姓名,手机号\n甲,+86 {}\n乙,{}\n丙,none\n丁,{}\n",
            NUMBERS[0], NUMBERS[1], NUMBERS[2]
        );
        std::fs::write(folder.join("numbers.csv"), GB18030.encode(&table).0).unwrap();

        join(folder, "list.age", Some("key"), "numbers.csv")
            .run(Language::English)
            .unwrap();
        let bytes = std::fs::read(folder.join("out.csv")).unwrap();
        let (text, damaged) = GB18030.decode_without_bom_handling(&bytes);
        assert!(!damaged);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "msisdn,customer_id,batch,brand");
        assert!(
            lines[1].starts_with(NUMBERS[1])
                && lines[2].starts_with("+86 16000000001")
                && lines[3].starts_with(','),
            "{lines:?}"
        );
        let again = join(folder, "list.age", Some("key"), "numbers.csv").run(Language::English);
        assert!(again.is_err(), "nothing is written over");
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("list.csv"), list_of(&NUMBERS)).unwrap();
        std::fs::write(folder.join("numbers.csv"), "号码\n1\n").unwrap();
        let no_key = join(folder, "list.csv", None, "numbers.csv")
            .run(Language::English)
            .unwrap_err();
        assert!(no_key.to_string().contains("--state-dir"), "{no_key}");
        std::fs::write(
            folder.join("pseudonym-key"),
            PseudonymKey::from(KEY).reveal(),
        )
        .unwrap();
        let no_column = join(folder, "list.csv", None, "numbers.csv")
            .run(Language::Chinese)
            .unwrap_err();
        assert!(no_column.to_string().contains("号码"), "{no_column}");
        assert!(!folder.join("out.csv").exists());
        assert!(
            std::fs::read_dir(folder).unwrap().all(|entry| !entry
                .unwrap()
                .path()
                .to_string_lossy()
                .ends_with(".part"))
        );
    }
}
