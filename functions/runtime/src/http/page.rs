//! Lists in pages: a limit, an opaque cursor to go on from, and no offsets (a page stays where it was when rows are added).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chudian_vocabulary::Name;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem, catalogue};

/// Items of a page when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;

/// Most items of a page: an answer stays under about a megabyte.
pub const PAGE_LIMIT_MAX: u32 = 200;

/// Longest cursor; ours have two short fields.
const CURSOR_CHARACTERS_MAX: usize = 512;

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What a caller asks of a list, after its check. `K` is the place in the list's order after which the page begins.
#[derive(Debug, PartialEq, Eq)]
pub struct PageRequest<K> {
    limit: u32,
    /// The last item of the page before; `None` on the first page.
    pub after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> PageRequest<K> {
    /// Checks the query's `limit` and `cursor`.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(PAGE_LIMIT_DEFAULT);
        if !(1..=PAGE_LIMIT_MAX).contains(&limit) {
            return Err(invalid(
                "limit",
                Name::new(
                    format!("应为 1 到 {PAGE_LIMIT_MAX}。"),
                    format!("Must be 1 to {PAGE_LIMIT_MAX}."),
                ),
            ));
        }
        let after = match cursor {
            None => None,
            Some(cursor) => Some(decode(cursor).ok_or_else(|| {
                let detail = Name::new(
                    "不是本系统给出的游标，请原样传回 next_cursor。",
                    "Not a cursor of this list; pass `next_cursor` back as it is.",
                );
                invalid("cursor", detail)
            })?),
        };
        Ok(Self { limit, after })
    }

    /// Rows to read: one more than the page holds, which tells whether there is a next page.
    pub fn rows_to_read(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of the rows that were read; `place_of` gives an item's place in the list's order.
    pub fn page<T>(&self, mut rows: Vec<T>, place_of: impl Fn(&T) -> K) -> Page<T> {
        let limit = self.limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .and_then(|last| encode(&place_of(last)));
        Page {
            items: rows,
            next_cursor,
        }
    }
}

fn invalid(parameter: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: format!("/{parameter}"),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_QUERY).with_errors([error])
}

fn encode<K: Serialize>(place: &K) -> Option<String> {
    serde_json::to_vec(place)
        .ok()
        .map(|json| URL_SAFE_NO_PAD.encode(json))
}

fn decode<K: DeserializeOwned>(cursor: &str) -> Option<K> {
    if cursor.len() > CURSOR_CHARACTERS_MAX {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<PageRequest<(i64, String)>, Problem> {
        PageRequest::new(limit, cursor)
    }

    /// Goal: walking the pages visits every item once, whatever the page size.
    #[test]
    fn pages_cover_the_list() {
        let all: Vec<(i64, String)> = (0..10)
            .map(|number| (number, format!("id-{number}")))
            .collect();
        for limit in 1..12 {
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let page_request = request(Some(limit), cursor.as_deref()).unwrap();
                let rest = all.iter().filter(|item| {
                    page_request
                        .after
                        .as_ref()
                        .is_none_or(|after| *item > after)
                });
                let rows = rest
                    .take(page_request.rows_to_read() as usize)
                    .cloned()
                    .collect();
                let page = page_request.page(rows, Clone::clone);
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, all, "limit {limit}");
        }
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        for limit in [0, PAGE_LIMIT_MAX + 1, u32::MAX] {
            assert_eq!(
                request(Some(limit), None).unwrap_err().kind(),
                catalogue::INVALID_QUERY
            );
        }
        for cursor in ["", "!", "AAAA", "W10", &"A".repeat(513)] {
            assert_eq!(
                request(None, Some(cursor)).unwrap_err().kind(),
                catalogue::INVALID_QUERY,
                "{cursor}"
            );
        }
    }
}
