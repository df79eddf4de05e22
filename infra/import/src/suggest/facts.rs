//! What the cells of a column are, counted.

use std::collections::BTreeMap;

use chudian_vocabulary::masking::looks_like_a_number;

use crate::dates;
use crate::decimal::{Decimal, Factor, Rounding};
use crate::rows::{holds_identity_card, is_flag_word};

/// Distinct cells that are remembered.
const DISTINCT_MAX: usize = 20_000;

/// Cells longer than this are texts; only their number is remembered.
const WORD_CHARACTERS_MAX: usize = 64;

/// Words that are shown, and how often a word must occur for that: one that occurs once may be somebody's.
const SHOWN_MAX: usize = 8;
const SHOWN_OFTEN: u64 = 10;

/// Group codes that are drafted, at most.
const GROUPS_MAX: usize = 64;

/// Of a thousand cells so many must look like a name of a person.
const NAMES_PERMILLE: u64 = 800;

/// The hundred most frequent surnames of mainland China hold 85 % of its people; the first sixty are enough to tell names from brands.
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范";

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) rows: u64,
    pub(super) filled: u64,
    pub(super) telephones: u64,
    pub(super) identity_cards: u64,
    pub(super) addresses: u64,
    names: u64,
    integers: u64,
    numbers: u64,
    dates: u64,
    flags: u64,
    pub(super) decimals_max: usize,
    least: Option<(i64, String)>,
    greatest: Option<(i64, String)>,
    distinct: BTreeMap<String, u64>,
    texts: u64,
}

impl Facts {
    pub(super) fn take(&mut self, cell: &[u8], empty: &[String]) {
        self.rows += 1;
        let text = String::from_utf8_lossy(cell);
        let text = text.trim();
        if text.is_empty() || empty.iter().any(|word| word == text) {
            return;
        }
        self.filled += 1;
        self.telephones += u64::from(looks_like_a_number(text));
        self.identity_cards += u64::from(holds_identity_card(text));
        self.addresses += u64::from(
            text.split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.')),
        );
        self.names += u64::from(is_name(text));
        self.dates += u64::from(dates::parse(cell).is_some());
        self.flags += u64::from(is_flag_word(text));
        if let Ok(number) = Decimal::parse(text.as_bytes()) {
            self.numbers += 1;
            let decimals = text
                .split_once('.')
                .map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len());
            self.integers += u64::from(decimals == 0);
            self.decimals_max = self.decimals_max.max(decimals);
            if let Ok(size) = number.whole(Factor::ONE, Rounding::Down) {
                if self.least.as_ref().is_none_or(|(least, _)| size < *least) {
                    self.least = Some((size, text.to_owned()));
                }
                if self
                    .greatest
                    .as_ref()
                    .is_none_or(|(greatest, _)| size > *greatest)
                {
                    self.greatest = Some((size, text.to_owned()));
                }
            }
        }
        if text.chars().count() > WORD_CHARACTERS_MAX {
            self.texts += 1;
        } else if let Some(count) = self.distinct.get_mut(text) {
            *count += 1;
        } else if self.distinct.len() < DISTINCT_MAX {
            self.distinct.insert(text.to_owned(), 1);
        }
    }

    /// Of a thousand filled cells, how many `count` are.
    pub(super) fn permille(&self, count: u64) -> u64 {
        (count * 1000).checked_div(self.filled).unwrap_or(0)
    }

    fn all(&self, count: u64) -> bool {
        self.filled > 0 && count == self.filled
    }

    pub(super) fn all_integers(&self) -> bool {
        self.all(self.integers)
    }

    pub(super) fn all_numbers(&self) -> bool {
        self.all(self.numbers)
    }

    pub(super) fn all_dates(&self) -> bool {
        self.all(self.dates)
    }

    /// Whether all cells are flags, of at most two spellings.
    pub(super) fn all_flags(&self) -> bool {
        self.all(self.flags) && self.distinct.len() <= 2
    }

    pub(super) fn all_distinct(&self) -> bool {
        self.filled == self.rows
            && (self.distinct.len() as u64 == self.filled || self.distinct.len() == DISTINCT_MAX)
    }

    /// Whether the cells are words or texts.
    pub(super) fn is_text(&self) -> bool {
        !self.all_numbers() && !self.all_dates()
    }

    pub(super) fn distinct_count(&self) -> usize {
        self.distinct.len() + usize::try_from(self.texts).unwrap_or(usize::MAX)
    }

    pub(super) fn distinct_text(&self) -> String {
        let more = self.distinct.len() == DISTINCT_MAX || self.texts > 0;
        format!("{}{}", self.distinct.len(), if more { "+" } else { "" })
    }

    /// Whether most cells are names of people, and there are more than a list of brands has.
    pub(super) fn looks_like_names(&self) -> bool {
        self.permille(self.names) >= NAMES_PERMILLE && self.distinct.len() > GROUPS_MAX
    }

    /// The least and the greatest number, as they stand.
    pub(super) fn range(&self) -> (&str, &str) {
        (
            self.least.as_ref().map_or("", |(_, text)| text),
            self.greatest.as_ref().map_or("", |(_, text)| text),
        )
    }

    /// Codes such as `#03`, when that is what the cells are.
    pub(super) fn group_codes(&self) -> Vec<String> {
        let is_code = |word: &str| {
            word.strip_prefix('#').is_some_and(|digits| {
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        if self.distinct.len() <= GROUPS_MAX
            && self.texts == 0
            && self.distinct.keys().all(|word| is_code(word))
        {
            self.distinct.keys().cloned().collect()
        } else {
            Vec::new()
        }
    }

    /// The most frequent words, for a person to recognise the column.
    pub(super) fn frequent_words(&self) -> String {
        let mut words: Vec<(&String, &u64)> = self
            .distinct
            .iter()
            .filter(|(_, count)| **count >= SHOWN_OFTEN)
            .collect();
        words.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), (*word).clone()));
        let shown: Vec<&str> = words
            .iter()
            .take(SHOWN_MAX)
            .map(|(word, _)| word.as_str())
            .collect();
        shown.join("、")
    }
}

/// Two to four Chinese characters that begin with a frequent surname.
fn is_name(text: &str) -> bool {
    let count = text.chars().count();
    (2..=4).contains(&count)
        && text
            .chars()
            .all(|character| ('\u{4e00}'..='\u{9fff}').contains(&character))
        && text
            .chars()
            .next()
            .is_some_and(|first| SURNAMES.contains(first))
}
