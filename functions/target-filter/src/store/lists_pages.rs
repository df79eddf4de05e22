//! The pages of lists in the key-value store.
//!
//! Invariant: a page that is handed out has the SHA-256 that the registry holds, so a lost or changed value is an error and never a
//! wrong customer. Pages are immutable, so an instance may remember them by key.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chudian_runtime::ports::KeyValueError;
use sha2::{Digest as _, Sha256};

use super::lists::Lists;
use crate::lists::ListId;
use crate::lists::pages::{PageName, Pages, page_names};

/// Pages that an instance remembers: of each queue that is being worked through the one at its head. A page takes about 350 kB.
const PAGES_KEPT_MAX: usize = 8;

/// Pages of a list with their hashes, as the registry keeps them.
pub type PageHashes = Vec<(PageName, [u8; 32])>;

/// Why a page cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PageReadError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] KeyValueError),
    /// The store no longer has the page.
    #[error("page {0} of a list is missing")]
    Missing(String),
    /// The page is not the one that was stored.
    #[error("page {0} of a list was changed")]
    Changed(String),
}

/// What an instance remembers of pages, the one used last at the end.
#[derive(Default)]
pub struct PageCache(Mutex<VecDeque<(String, Arc<[u8]>)>>);

impl PageCache {
    fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(known, _)| known == key)?;
        let entry = kept.remove(place)?;
        let bytes = Arc::clone(&entry.1);
        kept.push_back(entry);
        Some(bytes)
    }

    fn put(&self, key: String, bytes: Arc<[u8]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PAGES_KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((key, bytes));
    }
}

impl Lists {
    /// Writes all pages of a list, one at a time, and says what was written.
    pub async fn write_pages(
        &self,
        id: &ListId,
        pages: &Pages<'_>,
    ) -> Result<PageHashes, KeyValueError> {
        let mut hashes = Vec::new();
        for name in page_names(pages.partitions()) {
            let Some(bytes) = pages.page(name) else {
                continue;
            };
            self.key_value.set(&name.key(id), &bytes).await?;
            hashes.push((name, Sha256::digest(&bytes).into()));
        }
        Ok(hashes)
    }

    /// Removes pages: of a list whose freezing failed, or that has expired. Goes on after an error and reports the first.
    pub async fn remove_pages(&self, id: &ListId, names: &[PageName]) -> Result<(), KeyValueError> {
        let mut first_error = None;
        for name in names {
            if let Err(error) = self.key_value.delete(&name.key(id)).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// One page, checked against its hash.
    pub async fn read_page(
        &self,
        id: &ListId,
        name: PageName,
        hash: &[u8; 32],
    ) -> Result<Arc<[u8]>, PageReadError> {
        let key = name.key(id);
        if let Some(known) = self.pages.get(&key) {
            return Ok(known);
        }
        let Some(bytes) = self.key_value.get(&key).await? else {
            return Err(PageReadError::Missing(key));
        };
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != *hash {
            return Err(PageReadError::Changed(key));
        }
        let bytes: Arc<[u8]> = bytes.into();
        self.pages.put(key, Arc::clone(&bytes));
        Ok(bytes)
    }
}
