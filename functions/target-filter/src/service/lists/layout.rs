//! What the registry keeps of a list besides its facts: its pages with their hashes, and the account of where everyone went.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::lists::pages::{PageName, Partition, page_names};
use crate::lists::recipe::Recipe;
use crate::lists::{Account, Group};

/// The stored form of a list's pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    partitions: Vec<PartitionForm>,
    /// Names of the channels, by number.
    pub channels: Vec<String>,
    /// Names of the columns that the list carries.
    pub columns: Vec<String>,
    /// SHA-256 of each page in hexadecimal, in the order of [`page_names`].
    pages: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionForm {
    region: String,
    control: bool,
    members: u64,
}

/// A stored layout that is not one: our own defect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the layout of a list cannot be read: {0}")]
pub struct LayoutError(String);

impl Layout {
    /// The layout of a list that was just written.
    pub fn new(
        partitions: &[Partition],
        channels: Vec<String>,
        columns: Vec<String>,
        pages: &[(PageName, [u8; 32])],
    ) -> Self {
        let partitions = partitions
            .iter()
            .map(|partition| PartitionForm {
                region: partition.region.clone(),
                control: partition.group == Group::Control,
                members: partition.members,
            })
            .collect();
        let pages = pages.iter().map(|(_, hash)| hexadecimal(hash)).collect();
        Self {
            partitions,
            channels,
            columns,
            pages,
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Self, LayoutError> {
        serde_json::from_str(text).map_err(|error| LayoutError(error.to_string()))
    }

    /// The partitions, by number.
    pub fn partitions(&self) -> Vec<Partition> {
        self.partitions
            .iter()
            .map(|form| Partition {
                region: form.region.clone(),
                group: if form.control {
                    Group::Control
                } else {
                    Group::Contacted
                },
                members: form.members,
            })
            .collect()
    }

    /// Every page with its hash.
    ///
    /// # Errors
    /// When there are more or fewer hashes than pages.
    pub fn pages(&self) -> Result<Vec<(PageName, [u8; 32])>, LayoutError> {
        let names = page_names(&self.partitions());
        if names.len() != self.pages.len() {
            return Err(LayoutError(
                "its pages do not fit its partitions".to_owned(),
            ));
        }
        let hash = |text: &String| {
            from_hexadecimal(text).ok_or_else(|| LayoutError("a hash is malformed".to_owned()))
        };
        names
            .into_iter()
            .zip(&self.pages)
            .map(|(name, text)| Ok((name, hash(text)?)))
            .collect()
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Where everyone went, as answers and the registry have it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountForm {
    /// What the rule selected and what each exclusion removed of it, in order.
    pub waterfall: Vec<ListStep>,
    /// Selected and not excluded.
    pub candidates: u64,
    /// Of these, without a channel and so left out.
    pub without_channel: u64,
    /// Of these, removed by each cap, in the order of the request.
    pub caps: Vec<CapStep>,
    /// Of these, kept back as control group.
    pub control: u64,
    /// Of these, in the list to be contacted.
    pub contacted: u64,
    /// Contacted members of each batch.
    pub batches: Vec<u64>,
    /// By region.
    pub by_region: Vec<PartOfList>,
    /// By channel.
    pub by_channel: Vec<PartOfList>,
}

/// One step of the way from the rule to the candidates.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListStep {
    /// `selected`, or the exclusion's id.
    pub step: String,
    /// Customers selected or removed.
    pub customers: u64,
}

/// What a cap removed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapStep {
    /// Its channel; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Its region; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Customers that it lets through.
    pub members_max: u64,
    /// Customers that it removed. Who is stopped by several is counted at the first of them.
    pub removed: u64,
}

/// A region or channel of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartOfList {
    /// Its name; empty for customers without one.
    pub name: String,
    /// Contacted members.
    pub contacted: u64,
    /// Members of the control group.
    pub control: u64,
}

impl AccountForm {
    /// The account of a freezing.
    pub fn new(account: &Account, recipe: &Recipe, waterfall: &[(String, u64)]) -> Self {
        let caps = recipe
            .caps
            .as_slice()
            .iter()
            .zip(account.removed_by_cap.iter().copied());
        let caps = caps.map(|(rule, removed)| CapStep {
            channel: rule.channel.clone(),
            region: rule.region.clone(),
            members_max: rule.members_max,
            removed,
        });
        let parts = |rows: &[(String, u64, u64)]| {
            let part = |(name, contacted, control): &(String, u64, u64)| PartOfList {
                name: name.clone(),
                contacted: *contacted,
                control: *control,
            };
            rows.iter().map(part).collect()
        };
        let steps = waterfall.iter().map(|(step, customers)| ListStep {
            step: step.clone(),
            customers: *customers,
        });
        Self {
            waterfall: steps.collect(),
            candidates: account.candidates,
            without_channel: account.without_channel,
            caps: caps.collect(),
            control: account.control,
            contacted: account.contacted,
            batches: account.batches.clone(),
            by_region: parts(&account.by_region),
            by_channel: parts(&account.by_channel),
        }
    }
}
