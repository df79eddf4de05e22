//! The words of the language: each with its spellings, the first Chinese and the first English one being those that are printed.

use chudian_vocabulary::Language;

/// A word with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    NotIn,
    Between,
    /// Joins the bounds of `between` in Chinese; English says `and`.
    To,
    IsNull,
    IsKnown,
    StartsWith,
    Contains,
    Yes,
    No,
    Today,
    All,
    Any,
    Group,
    Ever,
}

struct Spelling {
    keyword: Keyword,
    zh: &'static [&'static str],
    /// Words of a phrase are separated by single spaces.
    en: &'static [&'static str],
}

const SPELLINGS: &[Spelling] = &[
    Spelling {
        keyword: Keyword::And,
        zh: &["且", "并且", "而且"],
        en: &["and", "&&"],
    },
    Spelling {
        keyword: Keyword::Or,
        zh: &["或", "或者"],
        en: &["or", "||"],
    },
    Spelling {
        keyword: Keyword::Not,
        zh: &["非"],
        en: &["not", "!"],
    },
    Spelling {
        keyword: Keyword::NotIn,
        zh: &["不属于"],
        en: &["not in"],
    },
    Spelling {
        keyword: Keyword::In,
        zh: &["属于"],
        en: &["in"],
    },
    Spelling {
        keyword: Keyword::Between,
        zh: &["介于"],
        en: &["between"],
    },
    Spelling {
        keyword: Keyword::To,
        zh: &["至", "到", "与", "和"],
        en: &[],
    },
    Spelling {
        keyword: Keyword::IsKnown,
        zh: &["已知", "不为空", "非空"],
        en: &["is known", "is not null"],
    },
    Spelling {
        keyword: Keyword::IsNull,
        zh: &["未知", "为空"],
        en: &["is null", "is unknown"],
    },
    Spelling {
        keyword: Keyword::StartsWith,
        zh: &["开头是"],
        en: &["starts with"],
    },
    Spelling {
        keyword: Keyword::Contains,
        zh: &["包含"],
        en: &["contains"],
    },
    Spelling {
        keyword: Keyword::Yes,
        zh: &["是"],
        en: &["yes", "true"],
    },
    Spelling {
        keyword: Keyword::No,
        zh: &["否"],
        en: &["no", "false"],
    },
    Spelling {
        keyword: Keyword::Today,
        zh: &["今天"],
        en: &["today"],
    },
    Spelling {
        keyword: Keyword::All,
        zh: &["全部"],
        en: &["all"],
    },
    Spelling {
        keyword: Keyword::Any,
        zh: &["任一", "任意"],
        en: &["any"],
    },
    Spelling {
        keyword: Keyword::Group,
        zh: &["分组"],
        en: &["group"],
    },
    Spelling {
        keyword: Keyword::Ever,
        zh: &["不限"],
        en: &["ever"],
    },
];

impl Keyword {
    /// The word as it is printed.
    pub(super) fn text(self, language: Language) -> &'static str {
        let spelling = SPELLINGS.iter().find(|spelling| spelling.keyword == self);
        let (zh, en) = spelling.map_or((None, None), |spelling| {
            (spelling.zh.first(), spelling.en.first())
        });
        match language {
            Language::Chinese => zh,
            Language::English => en.or(zh),
        }
        .copied()
        .unwrap_or_default()
    }

    /// The keyword that consists of these words (lower case), of which a phrase may have several.
    pub(super) fn of_words(words: &[&str]) -> Option<Self> {
        let is_meant = |phrase: &str| phrase.split(' ').eq(words.iter().copied());
        SPELLINGS
            .iter()
            .find(|spelling| {
                spelling.en.iter().any(|phrase| is_meant(phrase))
                    || words.len() == 1 && spelling.zh.iter().any(|phrase| is_meant(phrase))
            })
            .map(|spelling| spelling.keyword)
    }

    /// Whether it is a test that may stand after a subject.
    pub(super) const fn is_test(self) -> bool {
        matches!(
            self,
            Self::In
                | Self::NotIn
                | Self::Between
                | Self::IsNull
                | Self::IsKnown
                | Self::StartsWith
                | Self::Contains
        )
    }
}

/// The longest phrase, words.
pub(super) const PHRASE_WORDS_MAX: usize = 3;

/// Comparisons in Chinese words.
pub(super) const COMPARISON_WORDS: &[(&str, &str)] = &[
    ("不等于", "!="),
    ("等于", "="),
    ("不小于", ">="),
    ("至少", ">="),
    ("不大于", "<="),
    ("不超过", "<="),
    ("至多", "<="),
    ("大于", ">"),
    ("小于", "<"),
];

/// A Chinese test at the end of a run of characters, with what stands before it: `品牌属于` is `品牌` and `属于`.
pub(super) fn split_test(run: &str) -> Option<(&str, &'static str)> {
    let tests = SPELLINGS
        .iter()
        .filter(|spelling| spelling.keyword.is_test())
        .flat_map(|spelling| spelling.zh.iter().copied());
    let comparisons = COMPARISON_WORDS.iter().map(|(word, _)| *word);
    // The longest ending is meant: 不属于 ends with 属于 as well.
    let ending = tests
        .chain(comparisons)
        .filter(|word| run.len() > word.len() && run.ends_with(word))
        .max_by_key(|word| word.len())?;
    Some((run.strip_suffix(ending)?, ending))
}
