//! Names of snapshots, layers and of the state that a result was computed from.
//!
//! Invariant: an id is made once, at random, and names one immutable thing for ever; so everything that is derived from a
//! [`DatasetVersion`] can be kept under its text.

use std::fmt;
use std::str::FromStr;

use chudian_vocabulary::pseudonym::{base32, from_base32};
use serde::{Deserialize, Serialize};

/// Most layers of one version: a tariff batch and some models a month; each costs a read per looked-up customer.
pub const LAYERS_MAX: usize = 16;

/// Why a text is not the name of a snapshot, a layer or a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not `ds_` and 26 characters.
    #[error("a snapshot id is `ds_` and 26 characters of a-z and 2-7")]
    Snapshot,
    /// Not `ly_` and 26 characters.
    #[error("a layer id is `ly_` and 26 characters of a-z and 2-7")]
    Layer,
    /// The same layer twice, or too many.
    #[error("a dataset version has at most {LAYERS_MAX} layers, each once")]
    Layers,
}

macro_rules! identifier {
    ($(#[$documentation:meta])* $name:ident, $prefix:literal, $error:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Makes an id of bytes from the system's random source.
            #[must_use]
            pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), base32(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = VersionError;

            fn from_str(text: &str) -> Result<Self, VersionError> {
                text.strip_prefix($prefix).and_then(from_base32).map(Self).ok_or(VersionError::$error)
            }
        }

        impl TryFrom<String> for $name {
            type Error = VersionError;

            fn try_from(text: String) -> Result<Self, VersionError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

identifier!(
    /// A snapshot: `ds_` and 26 characters.
    SnapshotId, "ds_", Snapshot
);
identifier!(
    /// A layer of derived columns: `ly_` and 26 characters.
    LayerId, "ly_", Layer
);

/// The exact state of the dataset: a snapshot and the layers over it, in the order in which they were published. Written
/// `<snapshot>` or `<snapshot>+<layer>+<layer>…`; a frozen list states it (TF-4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetVersion {
    snapshot: SnapshotId,
    layers: Vec<LayerId>,
}

impl DatasetVersion {
    /// The version of `snapshot` with `layers` over it.
    ///
    /// # Errors
    /// [`VersionError::Layers`] when a layer comes twice or there are more than [`LAYERS_MAX`].
    pub fn new(snapshot: SnapshotId, layers: Vec<LayerId>) -> Result<Self, VersionError> {
        let repeated = layers
            .iter()
            .enumerate()
            .any(|(index, layer)| layers.iter().take(index).any(|earlier| earlier == layer));
        if repeated || layers.len() > LAYERS_MAX {
            return Err(VersionError::Layers);
        }
        Ok(Self { snapshot, layers })
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> SnapshotId {
        self.snapshot
    }

    /// The layers, in the order in which they were published.
    #[must_use]
    pub fn layers(&self) -> &[LayerId] {
        &self.layers
    }
}

impl fmt::Display for DatasetVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.snapshot)?;
        self.layers
            .iter()
            .try_for_each(|layer| write!(formatter, "+{layer}"))
    }
}

impl FromStr for DatasetVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut parts = text.split('+');
        let snapshot = parts.next().unwrap_or_default().parse()?;
        // One more than allowed is enough to refuse, so a long text is not read to its end.
        let layers = parts
            .take(LAYERS_MAX + 1)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Self::new(snapshot, layers)
    }
}

impl TryFrom<String> for DatasetVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<DatasetVersion> for String {
    fn from(version: DatasetVersion) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(seed: u8) -> LayerId {
        LayerId::from_random_bytes([seed; 16])
    }

    #[test]
    fn versions_read_back() {
        let snapshot = SnapshotId::from_random_bytes([7; 16]);
        for layers in [vec![], vec![layer(2)], vec![layer(9), layer(1)]] {
            let version = DatasetVersion::new(snapshot, layers).unwrap();
            assert_eq!(version.to_string().parse(), Ok(version));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let (snapshot, one) = (SnapshotId::from_random_bytes([7; 16]), layer(1));
        let many: String = (0..=LAYERS_MAX as u8)
            .map(|seed| format!("+{}", layer(seed)))
            .collect();
        let table = [
            (String::new(), VersionError::Snapshot),
            (one.to_string(), VersionError::Snapshot),
            (format!("{snapshot}+"), VersionError::Layer),
            (format!("{snapshot}+{snapshot}"), VersionError::Layer),
            (format!("{snapshot}+{one}+{one}"), VersionError::Layers),
            (format!("{snapshot}{many}"), VersionError::Layers),
            (snapshot.to_string().to_uppercase(), VersionError::Snapshot),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<DatasetVersion>(), Err(error), "{text}");
        }
    }
}
