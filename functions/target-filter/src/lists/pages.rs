//! Pages: how the members of a list lie in the key-value store.
//!
//! Members are stored by *partition*, one for each region and group, in the list's order: an agent's next customer is the next index in
//! the partition of the agent's region. Beside them lies an index by id, cut into buckets, so that one customer is found by two
//! reads. Everything is written once, under keys that hold the list's id, and its SHA-256 is kept in the registry.
//!
//! ```text
//! member page: "CLM1" count:u32 (id:16 place:u32 batch:u32 channel:u16)*count (cells_end:u32)*count cells…
//! index page:  "CLI1" count:u32 (id:16 partition:u16 index:u32)*count, sorted by id
//! ```
//! Numbers are little-endian.

use std::sync::Arc;

use super::freeze::{FrozenList, Group, read_cells, row_of_cells};
use super::identity::ListId;
use super::keyed::CustomerBytes;
use super::limits::PAGE_MEMBERS;

const MEMBER_MAGIC: &[u8; 4] = b"CLM1";
const INDEX_MAGIC: &[u8; 4] = b"CLI1";

/// Bytes before the records: magic and count.
const HEAD_BYTES: usize = 8;

/// Bytes of a member's record.
const MEMBER_BYTES: usize = 26;

/// Bytes of an index record.
const INDEX_BYTES: usize = 22;

/// Members of one region and group, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Name of the region; "" without one.
    pub region: String,
    /// Contacted or control.
    pub group: Group,
    /// How many.
    pub members: u64,
}

impl Partition {
    /// Member pages of the partition.
    pub const fn pages(&self) -> u64 {
        self.members.div_ceil(PAGE_MEMBERS as u64)
    }
}

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageName {
    /// Members of a partition.
    Members {
        /// Index of the partition.
        partition: u16,
        /// Number of the page in it.
        page: u32,
    },
    /// A bucket of the index.
    Index {
        /// Number of the bucket.
        bucket: u32,
    },
}

impl PageName {
    /// The page's key in the store.
    pub fn key(self, list: &ListId) -> String {
        let list = list.as_str();
        match self {
            Self::Members { partition, page } => format!("filter/list/{list}/m{partition}/{page}"),
            Self::Index { bucket } => format!("filter/list/{list}/i{bucket}"),
        }
    }
}

/// Buckets of the index of a list of `members`.
pub fn buckets_of(members: u64) -> u32 {
    u32::try_from(members.div_ceil(PAGE_MEMBERS as u64))
        .unwrap_or(u32::MAX)
        .max(1)
}

/// The bucket of a customer.
pub fn bucket_of(customer: &CustomerBytes, buckets: u32) -> u32 {
    let [a, b, c, d, e, f, g, h, ..] = *customer;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    u32::try_from(number.rem_euclid(u64::from(buckets.max(1)))).unwrap_or(0)
}

/// Names of all pages of a list with these partitions, in the order in which [`Pages`] makes them.
pub fn page_names(partitions: &[Partition]) -> Vec<PageName> {
    let mut names = Vec::new();
    for (partition, facts) in (0_u16..).zip(partitions) {
        names.extend(
            (0..u32::try_from(facts.pages()).unwrap_or(u32::MAX))
                .map(|page| PageName::Members { partition, page }),
        );
    }
    let members = partitions.iter().map(|partition| partition.members).sum();
    names.extend((0..buckets_of(members)).map(|bucket| PageName::Index { bucket }));
    names
}

/// Makes the pages of a list, one at a time.
pub struct Pages<'a> {
    list: &'a FrozenList,
    partitions: Vec<Partition>,
    /// Places of members by partition, each partition's in the list's order.
    places: Vec<Vec<u32>>,
    /// Entries of the index by bucket.
    buckets: Vec<Vec<(CustomerBytes, u16, u32)>>,
}

impl<'a> Pages<'a> {
    /// Sorts the list's members into partitions and buckets.
    pub fn new(list: &'a FrozenList) -> Self {
        let regions = list.regions.len();
        let mut by_number: Vec<Vec<u32>> = vec![Vec::new(); regions * 2];
        for (place, member) in (0_u32..).zip(&list.members) {
            let number = usize::from(member.region)
                + if member.group == Group::Control {
                    regions
                } else {
                    0
                };
            if let Some(places) = by_number.get_mut(number) {
                places.push(place);
            }
        }
        let (mut partitions, mut places) = (Vec::new(), Vec::new());
        let names = list.regions.iter().map(|name| (name, Group::Contacted));
        let names = names.chain(list.regions.iter().map(|name| (name, Group::Control)));
        for ((region, group), of_partition) in names.zip(by_number) {
            if !of_partition.is_empty() {
                partitions.push(Partition {
                    region: region.clone(),
                    group,
                    members: of_partition.len() as u64,
                });
                places.push(of_partition);
            }
        }
        let buckets_count = buckets_of(list.members.len() as u64);
        let mut buckets = vec![Vec::new(); buckets_count as usize];
        for (partition, of_partition) in (0_u16..).zip(&places) {
            for (index, place) in (0_u32..).zip(of_partition) {
                let Some(member) = list.members.get(*place as usize) else {
                    continue;
                };
                if let Some(bucket) = buckets.get_mut(bucket_of(&member.id, buckets_count) as usize)
                {
                    bucket.push((member.id, partition, index));
                }
            }
        }
        Self {
            list,
            partitions,
            places,
            buckets,
        }
    }

    /// The partitions, in the order of their numbers.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The bytes of a page; `None` when the list has no such page.
    pub fn page(&self, name: PageName) -> Option<Vec<u8>> {
        match name {
            PageName::Members { partition, page } => {
                let places = self.places.get(usize::from(partition))?;
                self.member_page(places.chunks(PAGE_MEMBERS).nth(page as usize)?)
            }
            PageName::Index { bucket } => {
                let mut entries = self.buckets.get(bucket as usize)?.clone();
                entries.sort_unstable();
                let mut out = head(INDEX_MAGIC, entries.len())?;
                for (id, partition, index) in entries {
                    out.extend_from_slice(&id);
                    out.extend_from_slice(&partition.to_le_bytes());
                    out.extend_from_slice(&index.to_le_bytes());
                }
                Some(out)
            }
        }
    }

    fn member_page(&self, places: &[u32]) -> Option<Vec<u8>> {
        let mut out = head(MEMBER_MAGIC, places.len())?;
        let (mut cells, mut ends) = (Vec::new(), Vec::with_capacity(places.len() * 4));
        for place in places {
            let member = self.list.members.get(*place as usize)?;
            out.extend_from_slice(&member.id);
            out.extend_from_slice(&place.to_le_bytes());
            out.extend_from_slice(&member.batch.to_le_bytes());
            out.extend_from_slice(&member.channel.to_le_bytes());
            cells.extend_from_slice(row_of_cells(&self.list.cells, member.cells_at as usize));
            ends.extend_from_slice(&u32::try_from(cells.len()).ok()?.to_le_bytes());
        }
        out.extend_from_slice(&ends);
        out.extend_from_slice(&cells);
        Some(out)
    }
}

fn head(magic: &[u8; 4], count: usize) -> Option<Vec<u8>> {
    let mut out = magic.to_vec();
    out.extend_from_slice(&u32::try_from(count).ok()?.to_le_bytes());
    Some(out)
}

/// A stored page that cannot be right: the store lost or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored page of a list is damaged")]
pub struct DamagedPage;

/// A member as read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    /// The pseudonym.
    pub id: CustomerBytes,
    /// Place in the list, from 0.
    pub place: u32,
    /// Batch from 1; 0 in the control group.
    pub batch: u32,
    /// Number of the channel.
    pub channel: u16,
}

/// A member page as read back.
#[derive(Clone, Debug)]
pub struct MemberPage {
    bytes: Arc<[u8]>,
    count: usize,
    cells_at: usize,
}

impl MemberPage {
    /// Takes the bytes of a page.
    ///
    /// # Errors
    /// When their frame is damaged.
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Result<Self, DamagedPage> {
        let bytes = bytes.into();
        let count = count_of(&bytes, MEMBER_MAGIC).ok_or(DamagedPage)?;
        let cells_at = count
            .checked_mul(MEMBER_BYTES + 4)
            .and_then(|length| length.checked_add(HEAD_BYTES));
        let cells_at = cells_at
            .filter(|at| *at <= bytes.len())
            .ok_or(DamagedPage)?;
        Ok(Self {
            bytes,
            count,
            cells_at,
        })
    }

    /// Members of the page.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The member at `index`.
    pub fn member(&self, index: usize) -> Option<StoredMember> {
        if index >= self.count {
            return None;
        }
        let at = HEAD_BYTES + index * MEMBER_BYTES;
        let (id, rest) = self
            .bytes
            .get(at..at + MEMBER_BYTES)?
            .split_first_chunk::<16>()?;
        let (place, rest) = rest.split_first_chunk::<4>()?;
        let (batch, rest) = rest.split_first_chunk::<4>()?;
        let (channel, _) = rest.split_first_chunk::<2>()?;
        Some(StoredMember {
            id: *id,
            place: u32::from_le_bytes(*place),
            batch: u32::from_le_bytes(*batch),
            channel: u16::from_le_bytes(*channel),
        })
    }

    /// Texts of the member's shown columns.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn cells(&self, index: usize) -> Result<Vec<&str>, DamagedPage> {
        let begin = if index == 0 {
            Some(0)
        } else {
            self.end_of_cells(index - 1)
        };
        let range = begin.zip(self.end_of_cells(index)).ok_or(DamagedPage)?;
        let cells = self
            .bytes
            .get(self.cells_at..)
            .and_then(|cells| cells.get(range.0..range.1));
        cells.and_then(read_cells).ok_or(DamagedPage)
    }

    fn end_of_cells(&self, index: usize) -> Option<usize> {
        if index >= self.count {
            return None;
        }
        let at = HEAD_BYTES + self.count * MEMBER_BYTES + index * 4;
        let bytes = self.bytes.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    }
}

/// Finds a customer in an index page: partition and index in it.
///
/// # Errors
/// When the page is damaged.
pub fn find_in_index(
    page: &[u8],
    customer: &CustomerBytes,
) -> Result<Option<(u16, u32)>, DamagedPage> {
    let count = count_of(page, INDEX_MAGIC).ok_or(DamagedPage)?;
    let records = page.get(HEAD_BYTES..).ok_or(DamagedPage)?;
    if records.len() != count.saturating_mul(INDEX_BYTES) {
        return Err(DamagedPage);
    }
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        let record = records
            .get(middle * INDEX_BYTES..)
            .and_then(|rest| rest.split_first_chunk::<16>());
        let (id, rest) = record.ok_or(DamagedPage)?;
        match id.cmp(customer) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => {
                let (partition, rest) = rest.split_first_chunk::<2>().ok_or(DamagedPage)?;
                let index = rest.first_chunk::<4>().ok_or(DamagedPage)?;
                return Ok(Some((
                    u16::from_le_bytes(*partition),
                    u32::from_le_bytes(*index),
                )));
            }
        }
    }
    Ok(None)
}

fn count_of(bytes: &[u8], magic: &[u8; 4]) -> Option<usize> {
    let (found, rest) = bytes.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
    (found == magic && count <= bytes.len()).then_some(count)
}
