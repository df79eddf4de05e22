//! The import itself: one thread reads and types rows, one makes segments and pages of them, some send.
//!
//! ```text
//! file ─ records ─ rows ─▶ blocks ─▶ duplicates ─ segments ─ columns ─▶ parts ─▶ target
//!        (reading thread)            (this thread)     └ pages (temporary file)    (sending threads)
//! ```
//!
//! Invariant: nothing is published before every row was read and the rejects were counted; whatever goes wrong before, the snapshot in
//! force stays in force.

mod outbox;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use chudian_dataset::ROWS_MAX;
use chudian_dataset::schema::Schema;
use chudian_vocabulary::Language;
use chudian_vocabulary::pseudonym::PseudonymKey;
use sha2::{Digest as _, Sha256};

use self::outbox::{Outbox, Parts};
use crate::ImportError;
use crate::build::{Duplicates, PageSpill, SegmentBuilder};
use crate::limits::BLOCKS_WAITING;
use crate::mapping::Mapping;
use crate::rejects::{RejectFile, RejectLimit};
use crate::rows::{Block, Reject, RejectReason, RowReader};
use crate::source::{self, Records, RowSource, Survey};
use crate::state::{State, hexadecimal};
use crate::target::{Announcement, Arrived, PAGES_TOGETHER, Published, Target};

/// What is imported, and how.
pub struct Import<'a> {
    /// The file.
    pub path: &'a Path,
    /// What its first reading found.
    pub survey: &'a Survey,
    /// What its columns are.
    pub mapping: &'a Mapping,
    /// Makes pseudonyms.
    pub key: &'a PseudonymKey,
    /// How many rejects are too many.
    pub rejects_max: RejectLimit,
    /// Where rejects go.
    pub rejects_place: &'a Path,
    /// Folder for the temporary file of row pages.
    pub scratch: &'a Path,
    /// Language of the rejects' reasons.
    pub language: Language,
    /// Told of every step.
    pub progress: &'a dyn Progress,
}

/// Is told how far an import is.
pub trait Progress: Sync {
    /// So many rows were read.
    fn rows(&self, rows: u64);
    /// So many of so many row pages were sent.
    fn pages(&self, pages: u64, of: u64);
}

/// Where a snapshot goes, and what an earlier run left.
pub struct Sending<'a> {
    /// The receiving side.
    pub target: &'a dyn Target,
    /// The state to begin or go on with.
    pub state: State,
    /// Where the state is kept.
    pub state_path: &'a Path,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Rows read.
    pub rows_read: u64,
    /// Rows accepted.
    pub rows_accepted: u64,
    /// Rows rejected.
    pub rows_rejected: u64,
    /// File of the rejects, where there are any.
    pub rejects: Option<PathBuf>,
    /// Segments.
    pub segments: usize,
    /// SHA-256 over all parts in their order: equal for equal snapshots.
    pub content_sha256: String,
    /// Parts that an earlier run had sent.
    pub parts_skipped: u64,
    /// Parts sent now.
    pub parts_sent: u64,
    /// The snapshot's id and the dataset version; nothing for a trial.
    pub published: Option<(String, Published)>,
}

/// Runs an import. Without `sending` it is a trial: everything is read, checked and encoded, nothing leaves the machine.
///
/// # Errors
/// See [`ImportError`].
pub fn run(import: &Import<'_>, sending: Option<Sending<'_>>) -> Result<Outcome, ImportError> {
    let mut rejects = RejectFile::new(import.rejects_place, import.language)
        .map_err(file_error(import.rejects_place))?;
    let source = source::open(import.path, import.survey, &import.mapping.file)?;
    let reader = RowReader::new(import.mapping, source.headings(), import.key)?;
    let (mut state, arrived) = match &sending {
        Some(sending) => {
            let (state, arrived) = begin(import, sending)?;
            (Some(state), arrived)
        }
        None => (None, Arrived::default()),
    };
    let import_id = state.take().and_then(|state: State| state.import_id);
    let target = sending
        .as_ref()
        .zip(import_id.as_deref())
        .map(|(sending, id)| (sending.target, id));
    let made = thread::scope(|scope| {
        let (blocks_in, blocks) = sync_channel(BLOCKS_WAITING);
        let reading = scope.spawn(move || read(source, reader, &blocks_in));
        // A run that was killed after it had published has nothing to send.
        let outbox = target
            .filter(|_| !arrived.published)
            .map(|(target, id)| Outbox::start(scope, target, id));
        let made = make(import, &blocks, outbox.as_ref(), &arrived, &mut rejects);
        // Nobody takes blocks any more; a reader that waits with one ends.
        drop(blocks);
        let read = reading.join().map_err(|_| ImportError::Thread)?;
        let sent = outbox.map_or(Ok(()), Outbox::finish);
        // An error in the file explains more than the blocks that are missing because of it; a refusal explains why sending stopped.
        read?;
        sent?;
        made
    });
    let kept = rejects.finish().map_err(file_error(import.rejects_place))?;
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            if let (Some((target, id)), Some(sending)) = (target, &sending)
                && !matches!(
                    error,
                    ImportError::Target(_) | ImportError::File { .. } | ImportError::Pages(_)
                )
            {
                // The file itself is at fault, so a repetition will not go on with this import. If it cannot be given up either, it stays
                // unpublished until the next one sweeps it away.
                let _ = target.give_up(id);
                State::forget(sending.state_path).map_err(file_error(sending.state_path))?;
            }
            return Err(with_place(error, kept));
        }
    };
    let published = match target {
        Some((target, id)) => Some((id.to_owned(), target.publish(id)?)),
        None => None,
    };
    if let Some(sending) = &sending {
        State::forget(sending.state_path).map_err(file_error(sending.state_path))?;
    }
    Ok(Outcome {
        rejects: kept,
        published,
        ..made
    })
}

fn with_place(error: ImportError, place: Option<PathBuf>) -> ImportError {
    match error {
        ImportError::TooManyRejects {
            rejected,
            rows,
            limit,
            ..
        } => ImportError::TooManyRejects {
            rejected,
            rows,
            limit,
            kept: place,
        },
        error => error,
    }
}

fn file_error(path: &Path) -> impl Fn(std::io::Error) -> ImportError {
    let path = path.to_owned();
    move |error| ImportError::File {
        path: path.clone(),
        error,
    }
}

/// Begins the import at the target, or goes on with the one that the state names.
fn begin(import: &Import<'_>, sending: &Sending<'_>) -> Result<(State, Arrived), ImportError> {
    let keep = |state: &State| {
        state
            .write(sending.state_path)
            .map_err(file_error(sending.state_path))
    };
    let mut state = sending.state.clone();
    if let Some(id) = &state.import_id {
        match sending.target.arrived(id) {
            Ok(arrived) => return Ok((state, arrived)),
            // The import was given up or swept away; a new one begins, and the old name would only bring the old one back.
            Err(error) if error.unknown_import => {
                state.import_id = None;
                state.idempotency_key = hexadecimal(&Sha256::digest(&state.idempotency_key));
            }
            Err(error) => return Err(error.into()),
        }
    }
    keep(&state)?;
    let survey = import.survey;
    let announcement = Announcement {
        schema: import.mapping.schema.clone(),
        note: import.mapping.source.clone(),
        format: survey.format.as_str(),
        encoding: (survey.format == source::Format::Csv).then(|| survey.encoding.as_str()),
        idempotency_key: state.idempotency_key.clone(),
    };
    let id = sending.target.begin(&announcement)?;
    let arrived = sending.target.arrived(&id)?;
    state.import_id = Some(id);
    keep(&state)?;
    Ok((state, arrived))
}

/// The reading thread.
fn read(
    mut source: Box<dyn RowSource>,
    mut reader: RowReader,
    blocks: &SyncSender<Step>,
) -> Result<(), ImportError> {
    let mut records = Records::default();
    while source.read(&mut records)? {
        if blocks.send(Step::Block(reader.read(&records)?)).is_err() {
            // The other side has its own reason to stop, and tells it.
            return Ok(());
        }
    }
    // The same holds here.
    let _ = blocks.send(Step::End);
    Ok(())
}

/// What the reading thread hands over.
enum Step {
    Block(Block),
    /// The file was read to its end; without this step it was not.
    End,
}

/// Makes the parts of the snapshot.
fn make(
    import: &Import<'_>,
    steps: &Receiver<Step>,
    outbox: Option<&Outbox<'_>>,
    arrived: &Arrived,
    rejects: &mut RejectFile,
) -> Result<Outcome, ImportError> {
    let mut maker = Maker {
        import,
        schema: &import.mapping.schema,
        parts: Parts::new(outbox, arrived),
        duplicates: Duplicates::for_rows(import.survey.line_feeds + 1),
        builder: SegmentBuilder::new(&import.mapping.schema),
        spill: PageSpill::new(import.scratch).map_err(file_error(import.scratch))?,
        words: import.mapping.columns.iter().map(|_| Vec::new()).collect(),
        rows_read: 0,
        rows_accepted: 0,
        segments: 0,
    };
    loop {
        match steps.recv() {
            Ok(Step::Block(block)) => maker.take(block, rejects)?,
            Ok(Step::End) => break,
            // The reading thread tells why.
            Err(_) => return Err(ImportError::Thread),
        }
        import.progress.rows(maker.rows_read);
    }
    let (read, rejected) = (maker.rows_read, rejects.count());
    if import.rejects_max.is_passed(rejected, read) {
        return Err(ImportError::TooManyRejects {
            rejected,
            rows: read,
            limit: import.rejects_max,
            kept: None,
        });
    }
    maker.finish(rejected)
}

struct Maker<'a> {
    import: &'a Import<'a>,
    schema: &'a Schema,
    parts: Parts<'a>,
    duplicates: Duplicates,
    builder: SegmentBuilder,
    spill: PageSpill,
    /// The dictionaries of the mapping's columns.
    words: Vec<Vec<String>>,
    rows_read: u64,
    rows_accepted: u64,
    segments: usize,
}

impl Maker<'_> {
    fn take(&mut self, block: Block, rejects: &mut RejectFile) -> Result<(), ImportError> {
        self.rows_read += block.rows_read;
        for new in block.new_words {
            if let Some(words) = self.words.get_mut(new.column) {
                words.push(new.word);
            }
        }
        let mut chosen = Vec::with_capacity(block.customers.len());
        let mut rejected = block.rejects;
        for (row, (customer, line)) in (0_u32..).zip(block.customers.iter().zip(&block.lines)) {
            match self.duplicates.note(*customer, *line) {
                None => chosen.push(row),
                Some(first_line) => rejected.push(Reject {
                    line: *line,
                    heading: self.import.mapping.id.heading.clone().unwrap_or_default(),
                    reason: RejectReason::Duplicate { first_line },
                    shown: String::new(),
                }),
            }
        }
        rejected.sort_by_key(|reject| reject.line);
        for reject in &rejected {
            rejects
                .keep(reject)
                .map_err(file_error(self.import.rejects_place))?;
        }
        // A limit of rows can be passed for good before the end; a share cannot, unless the lines that are left could not mend it.
        let rows_possible = self.import.survey.line_feeds.max(self.rows_read);
        let limit = self.import.rejects_max;
        if limit.is_passed(rejects.count(), rows_possible)
            && self.import.survey.format == source::Format::Csv
        {
            return Err(ImportError::TooManyRejects {
                rejected: rejects.count(),
                rows: self.rows_read,
                limit,
                kept: None,
            });
        }
        self.rows_accepted += chosen.len() as u64;
        if self.rows_accepted > ROWS_MAX {
            return Err(ImportError::TooManyRows { max: ROWS_MAX });
        }
        let mut rest = chosen.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.builder.room()));
            self.builder
                .append(&block.customers, &block.columns, now, &self.words)?;
            if self.builder.room() == 0 {
                self.segment()?;
            }
            rest = later;
        }
        Ok(())
    }

    /// Encodes and sends the segment under way.
    fn segment(&mut self) -> Result<(), ImportError> {
        let parts = self.builder.take();
        for (column, data) in self.schema.columns().iter().zip(&parts.columns) {
            let encode_error = |error| ImportError::Encode {
                column: column.name.to_string(),
                error,
            };
            let bytes = data.encode(&column.name).map_err(encode_error)?;
            self.parts.column(self.segments, &column.name, bytes)?;
        }
        self.spill
            .append(self.segments, &parts.columns)
            .map_err(file_error(self.import.scratch))?;
        self.segments += 1;
        Ok(())
    }

    fn finish(mut self, rows_rejected: u64) -> Result<Outcome, ImportError> {
        if self.rows_accepted == 0 {
            return Err(ImportError::NoRows);
        }
        if !self.builder.is_empty() {
            self.segment()?;
        }
        // What the pages need of memory is free now.
        drop(self.duplicates);
        let mut pages = self
            .spill
            .finish()
            .map_err(file_error(self.import.scratch))?;
        let count = pages.count();
        let (mut first, mut together, mut body) = (0, 0, Vec::new());
        while let Some(page) = pages.next(self.schema)? {
            body.extend_from_slice(&u32::try_from(page.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend_from_slice(&page);
            together += 1;
            if together == PAGES_TOGETHER || first + together == count {
                self.parts
                    .pages(first, self.rows_accepted, std::mem::take(&mut body))?;
                first += together;
                together = 0;
                self.import.progress.pages(first, count);
            }
        }
        self.import.unchanged()?;
        Ok(Outcome {
            rows_read: self.rows_read,
            rows_accepted: self.rows_accepted,
            rows_rejected,
            rejects: None,
            segments: self.segments,
            content_sha256: hexadecimal(&self.parts.digest.finalize()),
            parts_skipped: self.parts.skipped,
            parts_sent: self.parts.sent,
            published: None,
        })
    }
}

impl Import<'_> {
    /// The file is as long as it was when it was surveyed, and was not written since.
    fn unchanged(&self) -> Result<(), ImportError> {
        let facts = std::fs::metadata(self.path).map_err(source::SourceError::from)?;
        if facts.len() == self.survey.bytes && facts.modified().ok() == self.survey.modified {
            Ok(())
        } else {
            Err(source::SourceError::Changed.into())
        }
    }
}
