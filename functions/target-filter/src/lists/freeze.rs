//! Freezing: from candidates in any order to members in one.
//!
//! 1. Everyone is put in order: by priority, then keyed hash, then id. That is a total order, so it does not matter how segments or
//!    threads delivered the candidates.
//! 2. In that order each is held against the caps. A customer of the control group is admitted on the same terms but takes no room,
//!    so that control and contacted customers are drawn from the same people.
//! 3. The contacted ones are cut into batches, in order.
//! 4. Recipe and members are written in one canonical form, whose SHA-256 is the list's hash.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::batches::{BatchPlan, TooManyBatches};
use super::caps::{CapMeter, OverCap};
use super::keyed::{CustomerBytes, KeyedHash, PERMILLE, Purpose, Share};
use super::limits::{CANDIDATES_MAX, CELL_BYTES_MAX, CHANNELS_MAX, MEMBERS_MAX, REGIONS_MAX};
use super::recipe::Recipe;
use crate::exclusions::MessageClass;

/// Priority of a customer without a value: after all others.
pub const PRIORITY_OF_NO_VALUE: i64 = i64::MIN;

/// Members hashed at a time: enough that the hash does not wait for small pieces.
const HASH_BUFFER_BYTES: usize = 64 << 10;

/// Which half of the experiment a member is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Is contacted.
    Contacted,
    /// Is kept back for comparison and never leaves the system.
    Control,
}

/// A customer that the rule selects and no exclusion removes.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The pseudonym.
    pub id: CustomerBytes,
    /// Larger comes first; [`PRIORITY_OF_NO_VALUE`] without a value.
    pub priority: i64,
    /// From [`Candidates::region`].
    pub region: u16,
    /// From [`Candidates::channel`].
    pub channel: u16,
}

#[derive(Clone, Debug)]
struct Row {
    id: CustomerBytes,
    priority: i64,
    tie: u64,
    cells_at: u32,
    region: u16,
    channel: u16,
}

/// Bytes of one candidate while it is sorted; what [`CANDIDATES_MAX`] counts with.
const ROW_BYTES: usize = 40;
const _: () = assert!(size_of::<Row>() == ROW_BYTES);

/// Bytes of a member, and of its places in partitions and in the index while pages are written, with room for vectors that grow.
const MEMBER_BYTES: usize = size_of::<Member>() + 64;

/// Memory that freezing so many candidates with so many shown columns takes at most at one time, but for long words: rows and members are
/// there together, then members and their places.
#[must_use]
pub fn memory_bytes(candidates: u64, columns: usize) -> usize {
    /// A shown value with its length, in a vector that doubles.
    const CELL_BYTES: usize = 24;
    let candidates = usize::try_from(candidates).unwrap_or(usize::MAX);
    let each = ROW_BYTES + MEMBER_BYTES + columns * CELL_BYTES;
    candidates.saturating_mul(each)
}

/// Names by number, in order of first appearance until [`freeze`] sorts them.
#[derive(Clone, Debug, Default)]
struct Names {
    numbers: BTreeMap<String, u16>,
}

impl Names {
    fn number(&mut self, name: &str, names_max: usize) -> Option<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        if self.numbers.len() >= names_max {
            return None;
        }
        let number = u16::try_from(self.numbers.len()).ok()?;
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// The names sorted, and for each old number the new one.
    fn sorted(self) -> (Vec<String>, Vec<u16>) {
        let mut renumbered = vec![0; self.numbers.len()];
        let mut names = Vec::with_capacity(self.numbers.len());
        for (place, (name, number)) in (0_u16..).zip(self.numbers) {
            if let Some(slot) = renumbered.get_mut(usize::from(number)) {
                *slot = place;
            }
            names.push(name);
        }
        (names, renumbered)
    }
}

/// Candidates on their way into a list.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    rows: Vec<Row>,
    regions: Names,
    channels: Names,
    cells: Vec<u8>,
    without_channel: u64,
}

impl Candidates {
    /// Room for `count` candidates at once, so that memory is taken only once.
    ///
    /// # Errors
    /// When there are more than [`CANDIDATES_MAX`].
    pub fn with_capacity(count: u64) -> Result<Self, FreezeError> {
        let rows = usize::try_from(count)
            .ok()
            .filter(|_| count <= CANDIDATES_MAX);
        let rows = rows.ok_or(FreezeError::TooManyCandidates { candidates: count })?;
        Ok(Self {
            rows: Vec::with_capacity(rows),
            ..Self::default()
        })
    }

    /// The number of a region in this list.
    ///
    /// # Errors
    /// When there are more than [`REGIONS_MAX`].
    pub fn region(&mut self, name: &str) -> Result<u16, FreezeError> {
        self.regions
            .number(name, REGIONS_MAX)
            .ok_or(FreezeError::TooManyRegions)
    }

    /// The number of a channel in this list.
    ///
    /// # Errors
    /// When there are more than [`CHANNELS_MAX`].
    pub fn channel(&mut self, name: &str) -> Result<u16, FreezeError> {
        self.channels
            .number(name, CHANNELS_MAX)
            .ok_or(FreezeError::TooManyChannels)
    }

    /// Counts a selected customer who has no channel and so cannot be in the list.
    pub fn leave_out_without_channel(&mut self) {
        self.without_channel = self.without_channel.saturating_add(1);
    }

    /// Adds a customer with the texts of the shown columns; all customers have the same number of them.
    ///
    /// # Errors
    /// When there are too many candidates, or their texts are too long together.
    pub fn push<'a>(
        &mut self,
        candidate: Candidate,
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<(), FreezeError> {
        if self.rows.len() as u64 >= CANDIDATES_MAX {
            return Err(FreezeError::TooManyCandidates {
                candidates: self.rows.len() as u64 + 1,
            });
        }
        let cells_at = u32::try_from(self.cells.len()).map_err(|_| FreezeError::CellsTooLarge)?;
        write_cells(&mut self.cells, cells);
        if self.cells.len() > CELL_BYTES_MAX {
            return Err(FreezeError::CellsTooLarge);
        }
        let Candidate {
            id,
            priority,
            region,
            channel,
        } = candidate;
        self.rows.push(Row {
            id,
            priority,
            tie: 0,
            cells_at,
            region,
            channel,
        });
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Writes a row's cells: their number, then each with its length before it.
fn write_cells<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
    let count_at = out.len();
    out.push(0);
    let mut count = 0_u8;
    for cell in cells {
        let mut length = cell.len().min(usize::from(u16::MAX));
        while !cell.is_char_boundary(length) {
            length -= 1;
        }
        let kept = cell.get(..length).unwrap_or_default();
        out.extend_from_slice(&u16::try_from(length).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(kept.as_bytes());
        count = count.saturating_add(1);
    }
    if let Some(slot) = out.get_mut(count_at) {
        *slot = count;
    }
}

/// The bytes of the row of cells that begins at `at`: its count and its cells.
pub(super) fn row_of_cells(cells: &[u8], at: usize) -> &[u8] {
    let Some(count) = cells.get(at) else {
        return &[];
    };
    let mut end = at + 1;
    for _ in 0..*count {
        let Some([low, high]) = cells
            .get(end..end + 2)
            .and_then(|bytes| <[u8; 2]>::try_from(bytes).ok())
        else {
            return &[];
        };
        end += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    cells.get(at..end).unwrap_or_default()
}

/// Reads the texts of a row of cells; `None` when the bytes are damaged.
pub fn read_cells(row: &[u8]) -> Option<Vec<&str>> {
    let (count, mut rest) = row.split_first()?;
    let mut cells = Vec::with_capacity(usize::from(*count));
    for _ in 0..*count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (cell, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        cells.push(std::str::from_utf8(cell).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(cells)
}

/// One member of a frozen list; its place is its index in [`FrozenList::members`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The pseudonym.
    pub id: CustomerBytes,
    /// Contacted or control.
    pub group: Group,
    /// Index in [`FrozenList::regions`].
    pub region: u16,
    /// Index in [`FrozenList::channels`].
    pub channel: u16,
    /// Batch from 1; 0 in the control group.
    pub batch: u32,
    pub(super) cells_at: u32,
}

/// Where everyone went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Selected and not excluded.
    pub candidates: u64,
    /// Of these: had no channel.
    pub without_channel: u64,
    /// Of these: removed by each cap, in the order of the rules.
    pub removed_by_cap: Vec<u64>,
    /// Of these: kept back as control.
    pub control: u64,
    /// Of these: in the list to be contacted.
    pub contacted: u64,
    /// Contacted members of each batch.
    pub batches: Vec<u64>,
    /// Name, contacted and control of each region, sorted by name.
    pub by_region: Vec<(String, u64, u64)>,
    /// The same of each channel.
    pub by_channel: Vec<(String, u64, u64)>,
}

/// A list that will not change.
#[derive(Clone, Debug)]
pub struct FrozenList {
    /// SHA-256 of recipe and members in canonical form.
    pub hash: [u8; 32],
    /// Members in their order, contacted and control together.
    pub members: Vec<Member>,
    /// Names of regions; "" stands for a customer without one.
    pub regions: Vec<String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// Where everyone went.
    pub account: Account,
    pub(super) cells: Vec<u8>,
}

/// Why no list was made. Nothing was stored or changed in any of these cases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// Nobody is left to be contacted.
    #[error("nobody is left to be contacted")]
    Empty(Box<Account>),
    /// The rule selects more than [`CANDIDATES_MAX`].
    #[error("{candidates} customers are selected, of which a list can weigh {CANDIDATES_MAX}")]
    TooManyCandidates {
        /// How many there are, or were seen so far.
        candidates: u64,
    },
    /// More members than [`MEMBERS_MAX`] after caps.
    #[error("{members} customers are in the list, of which there may be {MEMBERS_MAX}")]
    TooManyMembers {
        /// How many there are.
        members: u64,
    },
    /// More regions than [`REGIONS_MAX`].
    #[error("more than {REGIONS_MAX} regions")]
    TooManyRegions,
    /// More channels than [`CHANNELS_MAX`].
    #[error("more than {CHANNELS_MAX} channels")]
    TooManyChannels,
    /// The shown columns take more than [`CELL_BYTES_MAX`].
    #[error("the shown columns take more than {CELL_BYTES_MAX} bytes")]
    CellsTooLarge,
    /// Caps are reached, and the recipe says to refuse then.
    #[error("caps are reached")]
    OverCap(Box<Account>),
    /// More batches than a list may have.
    #[error(transparent)]
    TooManyBatches(#[from] TooManyBatches),
    /// A service message is for everyone whom it concerns: nobody may be kept back.
    #[error("a service message has no control group")]
    ServiceWithControl,
    /// A control group of more than a thousand thousandths.
    #[error("a control group of {permille} thousandths")]
    ControlTooLarge {
        /// The share asked for.
        permille: u16,
    },
}

/// Freezes a list.
///
/// # Errors
/// See [`FreezeError`].
pub fn freeze(recipe: &Recipe, candidates: Candidates) -> Result<FrozenList, FreezeError> {
    check_control(recipe)?;
    let Candidates {
        mut rows,
        regions,
        channels,
        cells,
        without_channel,
    } = candidates;
    let (regions, region_numbers) = regions.sorted();
    let (channels, channel_numbers) = channels.sorted();
    put_in_order(&mut rows, recipe, &region_numbers, &channel_numbers);

    let account = Account {
        candidates: rows.len() as u64 + without_channel,
        without_channel,
        ..Account::default()
    };
    let (mut members, removed) = admit(&rows, recipe, &channels, &regions)?;
    drop(rows);
    let mut list = FrozenList {
        hash: [0; 32],
        members: Vec::new(),
        regions,
        channels,
        account,
        cells,
    };
    list.account.removed_by_cap = removed;
    count_members(&mut list, &members);
    if recipe.over_cap == OverCap::Refuse
        && list
            .account
            .removed_by_cap
            .iter()
            .any(|removed| *removed > 0)
    {
        return Err(FreezeError::OverCap(Box::new(list.account)));
    }
    if list.account.contacted == 0 {
        return Err(FreezeError::Empty(Box::new(list.account)));
    }
    let plan = BatchPlan::new(recipe.batching, list.account.contacted)?;
    let contacted = members
        .iter_mut()
        .filter(|member| member.group == Group::Contacted);
    for (place, member) in (0_u64..).zip(contacted) {
        member.batch = plan.batch_of(place);
    }
    list.account.batches = plan.sizes().collect();
    list.members = members;
    list.hash = hash_of(recipe, &list);
    Ok(list)
}

fn check_control(recipe: &Recipe) -> Result<(), FreezeError> {
    let permille = recipe.control.permille;
    if permille > PERMILLE {
        return Err(FreezeError::ControlTooLarge { permille });
    }
    if !recipe.class.is_limited() && permille > 0 {
        return Err(FreezeError::ServiceWithControl);
    }
    Ok(())
}

fn put_in_order(
    rows: &mut [Row],
    recipe: &Recipe,
    region_numbers: &[u16],
    channel_numbers: &[u16],
) {
    let order = KeyedHash::new(Purpose::Order, recipe.order_salt.as_bytes());
    let renumber = |number: &mut u16, numbers: &[u16]| {
        *number = numbers
            .get(usize::from(*number))
            .copied()
            .unwrap_or(*number);
    };
    for row in rows.iter_mut() {
        row.tie = order.of(&row.id);
        renumber(&mut row.region, region_numbers);
        renumber(&mut row.channel, channel_numbers);
    }
    rows.sort_unstable_by(|one, other| {
        let by_priority = other.priority.cmp(&one.priority);
        by_priority
            .then(one.tie.cmp(&other.tie))
            .then(one.id.cmp(&other.id))
    });
}

/// Holds everyone against the caps, in order; the admitted and what each cap removed.
fn admit(
    rows: &[Row],
    recipe: &Recipe,
    channels: &[String],
    regions: &[String],
) -> Result<(Vec<Member>, Vec<u64>), FreezeError> {
    let control = Share::new(
        Purpose::Control,
        recipe.control.salt.as_bytes(),
        recipe.control.permille,
    );
    let mut meter = CapMeter::new(&recipe.caps, channels, regions);
    let mut members = Vec::with_capacity(rows.len().min(MEMBERS_MAX as usize));
    let mut admitted = 0_u64;
    for row in rows {
        let group = if control.contains(&row.id) {
            Group::Control
        } else {
            Group::Contacted
        };
        let has_room = match recipe.class {
            MessageClass::Service => true,
            MessageClass::Marketing | MessageClass::Diversion => meter.admit(
                usize::from(row.channel),
                usize::from(row.region),
                group == Group::Contacted,
            ),
        };
        if !has_room {
            continue;
        }
        admitted = admitted.saturating_add(1);
        // Beyond the limit only the count goes on, for the message.
        if admitted <= MEMBERS_MAX {
            let Row {
                id,
                region,
                channel,
                ..
            } = *row;
            members.push(Member {
                id,
                group,
                region,
                channel,
                batch: 0,
                cells_at: row.cells_at,
            });
        }
    }
    if admitted > MEMBERS_MAX {
        return Err(FreezeError::TooManyMembers { members: admitted });
    }
    Ok((members, meter.removed().to_vec()))
}

fn count_members(list: &mut FrozenList, members: &[Member]) {
    let zero = |names: &[String]| {
        names
            .iter()
            .map(|name| (name.clone(), 0, 0))
            .collect::<Vec<(String, u64, u64)>>()
    };
    let (mut by_region, mut by_channel) = (zero(&list.regions), zero(&list.channels));
    let count = |row: Option<&mut (String, u64, u64)>, group| {
        if let Some((_, contacted, control)) = row {
            match group {
                Group::Contacted => *contacted += 1,
                Group::Control => *control += 1,
            }
        }
    };
    for member in members {
        count(by_region.get_mut(usize::from(member.region)), member.group);
        count(
            by_channel.get_mut(usize::from(member.channel)),
            member.group,
        );
        match member.group {
            Group::Contacted => list.account.contacted += 1,
            Group::Control => list.account.control += 1,
        }
    }
    let is_present = |row: &(String, u64, u64)| row.1 + row.2 > 0;
    by_region.retain(is_present);
    by_channel.retain(is_present);
    (list.account.by_region, list.account.by_channel) = (by_region, by_channel);
}

/// The hash of recipe and members.
fn hash_of(recipe: &Recipe, list: &FrozenList) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(recipe.canonical_bytes());
    let mut buffer = Vec::with_capacity(HASH_BUFFER_BYTES * 2);
    for names in [&list.regions, &list.channels] {
        buffer.extend_from_slice(&(names.len() as u64).to_be_bytes());
        for name in names {
            buffer.extend_from_slice(&(name.len() as u64).to_be_bytes());
            buffer.extend_from_slice(name.as_bytes());
        }
    }
    buffer.extend_from_slice(&(list.members.len() as u64).to_be_bytes());
    for member in &list.members {
        buffer.extend_from_slice(&member.id);
        buffer.push(match member.group {
            Group::Contacted => 0,
            Group::Control => 1,
        });
        buffer.extend_from_slice(&member.region.to_be_bytes());
        buffer.extend_from_slice(&member.channel.to_be_bytes());
        buffer.extend_from_slice(&member.batch.to_be_bytes());
        buffer.extend_from_slice(row_of_cells(&list.cells, member.cells_at as usize));
        if buffer.len() >= HASH_BUFFER_BYTES {
            hash.update(&buffer);
            buffer.clear();
        }
    }
    hash.update(&buffer);
    hash.finalize().into()
}
