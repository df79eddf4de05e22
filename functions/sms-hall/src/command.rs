//! What a customer can write, as data that a province edits: the words of each command, in Chinese and in Latin letters.
//!
//! A text is brought into one form (NFKC, lower case, without marks and spaces at its ends) and compared as a whole. An offer is accepted
//! by a word and its number (`办理1`, `BL 1`) or by the number alone.
//!
//! Invariant: the words of refusal that the field has agreed on always refuse, whatever a province writes; no word means two commands.

use std::collections::BTreeMap;

use chudian_vocabulary::Name;
use unicode_normalization::UnicodeNormalization as _;

use crate::limits::{OFFER_NUMBER_MAX, WORD_CHARACTERS_MAX, WORDS_MAX};

/// Characters of a text that can be a command: longer ones are not looked at further.
const COMMAND_CHARACTERS_MAX: usize = 40;

/// Marks that people put behind or before a word.
const MARKS: &[char] = &[
    '.', '。', '!', '?', ',', '、', ':', ';', '"', '\'', '“', '”', '‘', '’', '(', ')', '[', ']',
    '【', '】', '「', '」', '<', '>', '《', '》', '#', '*', '-', '~',
];

/// Words of refusal of the field; they refuse in every province.
pub const REFUSALS: [&str; 5] = ["td", "t", "n", "r", "退订"];

/// What a customer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// The best plans for me.
    BestPlan,
    /// I take the offer of this number.
    Accept(u32),
    /// The offers that I was made.
    Offers,
    /// What can I write?
    Help,
    /// No more offers.
    OptOut,
    /// Offers again.
    OptIn,
    /// None of these.
    Unknown,
}

impl Command {
    /// Its word in documents and tables.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BestPlan => "best-plan",
            Self::Accept(_) => "accept-offer",
            Self::Offers => "offers",
            Self::Help => "help",
            Self::OptOut => "opt-out",
            Self::OptIn => "opt-in",
            Self::Unknown => "unknown",
        }
    }

    /// The number of the offer, where it is about one.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Accept(number) => Some(number),
            Self::BestPlan
            | Self::Offers
            | Self::Help
            | Self::OptOut
            | Self::OptIn
            | Self::Unknown => None,
        }
    }

    /// The command of a table's row.
    #[must_use]
    pub fn of_code(code: &str, number: Option<u32>) -> Option<Self> {
        Some(match (code, number) {
            ("best-plan", None) => Self::BestPlan,
            ("accept-offer", Some(number)) => Self::Accept(number),
            ("offers", None) => Self::Offers,
            ("help", None) => Self::Help,
            ("opt-out", None) => Self::OptOut,
            ("opt-in", None) => Self::OptIn,
            ("unknown", None) => Self::Unknown,
            _ => return None,
        })
    }
}

/// The commands that have words.
const WITH_WORDS: [Command; 6] = [
    Command::BestPlan,
    Command::Accept(0),
    Command::Offers,
    Command::Help,
    Command::OptOut,
    Command::OptIn,
];

/// Names of the commands that have words, in the order of documents.
pub const COMMAND_CODES: [&str; 6] = [
    "best-plan",
    "accept-offer",
    "offers",
    "help",
    "opt-out",
    "opt-in",
];

/// What is wrong with a list of words, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordFinding {
    /// JSON pointer into the document.
    pub pointer: String,
    /// What is wrong there.
    pub fault: WordFault,
}

/// What can be wrong. As an error it says its code; [`WordFault::text`] says it to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordFault {
    /// There is no such command.
    CommandUnknown,
    /// A command has no list of words.
    CommandMissing,
    /// A command has no word, or too many.
    Count,
    /// Empty in its compared form, too long, or with a character that no telephone writes.
    Form,
    /// A number alone is the acceptance of an offer, and a word for it must not end with a digit.
    Digit,
    /// The word means something already.
    Taken,
    /// The word refuses in every province.
    Refusal,
}

impl WordFault {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CommandUnknown => "command-unknown",
            Self::CommandMissing => "command-missing",
            Self::Count => "word-count",
            Self::Form => "word-form",
            Self::Digit => "word-digit",
            Self::Taken => "word-taken",
            Self::Refusal => "word-refusal",
        }
    }

    /// The fault in words.
    #[must_use]
    pub fn text(self) -> Name {
        match self {
            Self::CommandUnknown => {
                let commands = COMMAND_CODES.join(", ");
                Name::new(
                    format!("没有这个指令；可用的指令：{commands}"),
                    format!("No such command; one of {commands}"),
                )
            }
            Self::CommandMissing => Name::new(
                "缺少这个指令的词表。",
                "The words of this command are missing.",
            ),
            Self::Count => Name::new(
                format!("每个指令应有 1 至 {WORDS_MAX} 个词。"),
                format!("A command has 1 to {WORDS_MAX} words."),
            ),
            Self::Form => Name::new(
                format!("词应有 1 至 {WORD_CHARACTERS_MAX} 个字符，不含控制字符，也不能只有标点。"),
                format!(
                    "A word has 1 to {WORD_CHARACTERS_MAX} characters, none of them a control character, and more than marks."
                ),
            ),
            Self::Digit => Name::new(
                "纯数字表示办理优惠，不能作为词；办理优惠的词也不能以数字结尾。",
                "A number alone accepts an offer and cannot be a word; a word of acceptance cannot end with a digit.",
            ),
            Self::Taken => Name::new(
                "这个词（不分大小写和全半角）已用于指令。",
                "This word, in whatever case and width, is in use already.",
            ),
            Self::Refusal => Name::new(
                "TD、T、N、R、退订 在各省都表示退订，不能用于其他指令。",
                "TD, T, N, R and 退订 refuse in every province and cannot mean anything else.",
            ),
        }
    }
}

impl std::fmt::Display for WordFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

impl std::error::Error for WordFault {}

/// The words, as they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(BTreeMap<String, Command>);

impl Default for Words {
    /// What is in force until a province writes its own.
    fn default() -> Self {
        let lists: BTreeMap<String, Vec<String>> = default_words()
            .into_iter()
            .map(|(code, words)| {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                (code.to_owned(), words)
            })
            .collect();
        // A test holds the list against its own check.
        Self::new(&lists).unwrap_or_else(|_| Self(BTreeMap::new()))
    }
}

/// The words of each command when a province has written none.
#[must_use]
pub fn default_words() -> [(&'static str, &'static [&'static str]); 6] {
    [
        (
            "best-plan",
            &[
                "套餐",
                "最优套餐",
                "推荐套餐",
                "资费",
                "资费推荐",
                "TC",
                "plan",
                "best plan",
            ],
        ),
        (
            "accept-offer",
            &["办理", "接受", "同意", "BL", "accept", "ok"],
        ),
        ("offers", &["优惠", "查优惠", "我的优惠", "YH", "offers"]),
        ("help", &["帮助", "指令", "BZ", "H", "help", "?"]),
        (
            "opt-out",
            &[
                "TD",
                "T",
                "N",
                "R",
                "退订",
                "取消订阅",
                "不再接收",
                "stop",
                "unsubscribe",
            ],
        ),
        (
            "opt-in",
            &["订阅", "恢复订阅", "恢复", "DY", "start", "subscribe"],
        ),
    ]
}

impl Words {
    /// Checks lists of words by command.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn new(lists: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<WordFinding>> {
        let mut findings = Vec::new();
        let mut words: BTreeMap<String, Command> = REFUSALS
            .iter()
            .map(|word| (compared(word), Command::OptOut))
            .collect();
        for code in lists.keys() {
            if !COMMAND_CODES.contains(&code.as_str()) {
                findings.push(WordFinding {
                    pointer: format!("/commands/{code}"),
                    fault: WordFault::CommandUnknown,
                });
            }
        }
        for command in WITH_WORDS {
            let code = command.code();
            let pointer = format!("/commands/{code}");
            let Some(list) = lists.get(code) else {
                findings.push(WordFinding {
                    pointer,
                    fault: WordFault::CommandMissing,
                });
                continue;
            };
            if !(1..=WORDS_MAX).contains(&list.len()) {
                findings.push(WordFinding {
                    pointer,
                    fault: WordFault::Count,
                });
                continue;
            }
            for (place, word) in list.iter().enumerate() {
                if let Err(fault) = add(&mut words, command, word) {
                    let pointer = format!("{pointer}/{place}");
                    findings.push(WordFinding { pointer, fault });
                }
            }
        }
        if findings.is_empty() {
            Ok(Self(words))
        } else {
            Err(findings)
        }
    }

    /// What a text asks for.
    #[must_use]
    pub fn command_of(&self, text: &str) -> Command {
        if text.chars().take(COMMAND_CHARACTERS_MAX + 1).count() > COMMAND_CHARACTERS_MAX {
            return Command::Unknown;
        }
        let text = compared(text);
        if let Some(command) = self.0.get(&text)
            && !matches!(command, Command::Accept(_))
        {
            return *command;
        }
        let digits_from = text
            .char_indices()
            .rev()
            .take_while(|(_, character)| character.is_ascii_digit())
            .last()
            .map_or(text.len(), |(index, _)| index);
        let (word, digits) = text.split_at(digits_from);
        let word = word.trim_end_matches(|character: char| {
            character.is_whitespace() || MARKS.contains(&character)
        });
        let is_acceptance = word.is_empty() || matches!(self.0.get(word), Some(Command::Accept(_)));
        match digits.parse() {
            Ok(number) if is_acceptance && (1..=OFFER_NUMBER_MAX).contains(&number) => {
                Command::Accept(number)
            }
            _ => Command::Unknown,
        }
    }
}

fn add(
    words: &mut BTreeMap<String, Command>,
    command: Command,
    word: &str,
) -> Result<(), WordFault> {
    let characters = word.chars().count();
    let form_fits =
        (1..=WORD_CHARACTERS_MAX).contains(&characters) && !word.chars().any(char::is_control);
    let text = compared(word);
    if !form_fits || text.is_empty() {
        return Err(WordFault::Form);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let ends_with_digit = text.ends_with(|character: char| character.is_ascii_digit());
    if is_number || (matches!(command, Command::Accept(_)) && ends_with_digit) {
        return Err(WordFault::Digit);
    }
    match words.get(&text) {
        None => {
            words.insert(text, command);
            Ok(())
        }
        // The agreed words of refusal are in the list before; writing them again is no mistake.
        Some(Command::OptOut) if REFUSALS.contains(&text.as_str()) => {
            if command == Command::OptOut {
                Ok(())
            } else {
                Err(WordFault::Refusal)
            }
        }
        Some(_) => Err(WordFault::Taken),
    }
}

/// A text in the form in which it is compared: NFKC, lower case, one space where there were several, nothing but words at the ends. A
/// text of marks alone stays as it is, so that `?` can be a word.
#[must_use]
pub fn compared(text: &str) -> String {
    let folded: String = text
        .nfkc()
        .flat_map(char::to_lowercase)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !matches!(character, '\u{200b}'..='\u{200f}' | '\u{feff}'))
        .collect();
    let spaced = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = spaced
        .trim_matches(|character: char| character.is_whitespace() || MARKS.contains(&character));
    if bare.is_empty() {
        spaced
    } else {
        bare.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> BTreeMap<String, Vec<String>> {
        default_words()
            .into_iter()
            .map(|(code, words)| {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                (code.to_owned(), words)
            })
            .collect()
    }

    #[test]
    fn the_words_in_force_by_default_pass_their_own_check() {
        assert!(Words::new(&lists()).is_ok());
        let names: Vec<_> = default_words().iter().map(|(code, _)| *code).collect();
        assert_eq!(names, COMMAND_CODES);
    }

    /// Goal: what customers really write, with the width, case, marks and spaces of their keyboards.
    #[test]
    fn texts_become_commands() {
        let words = Words::default();
        let table = [
            ("套餐", Command::BestPlan),
            (" 套餐。", Command::BestPlan),
            ("ＴＣ", Command::BestPlan),
            ("tc!", Command::BestPlan),
            ("Best  Plan", Command::BestPlan),
            ("1", Command::Accept(1)),
            ("１", Command::Accept(1)),
            ("①", Command::Accept(1)),
            ("办理1", Command::Accept(1)),
            ("办理 2。", Command::Accept(2)),
            ("BL-3", Command::Accept(3)),
            ("ＢＬ２", Command::Accept(2)),
            ("办理0", Command::Unknown),
            ("办理100", Command::Unknown),
            ("办理99999999999999999999", Command::Unknown),
            ("办理", Command::Unknown),
            ("退订1", Command::Unknown),
            ("优惠", Command::Offers),
            ("帮助", Command::Help),
            ("?", Command::Help),
            ("？", Command::Help),
            ("TD", Command::OptOut),
            ("td", Command::OptOut),
            ("ＴＤ", Command::OptOut),
            (" t ", Command::OptOut),
            ("N", Command::OptOut),
            ("r.", Command::OptOut),
            ("退订", Command::OptOut),
            ("【退订】", Command::OptOut),
            ("退\u{200b}订", Command::OptOut),
            ("STOP", Command::OptOut),
            ("恢复", Command::OptIn),
            ("订阅", Command::OptIn),
            ("", Command::Unknown),
            ("。。。", Command::Unknown),
            ("我想退订", Command::Unknown),
            ("No", Command::Unknown),
            ("13812345678", Command::Unknown),
            ("td\0", Command::OptOut),
        ];
        for (text, command) in table {
            assert_eq!(words.command_of(text), command, "{text:?}");
        }
        assert_eq!(words.command_of(&"退".repeat(10_000)), Command::Unknown);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let mut lists = lists();
        lists.insert("dance".to_owned(), vec!["跳舞".to_owned()]);
        lists.remove("opt-in");
        lists.insert("help".to_owned(), Vec::new());
        let own = [
            "套餐",
            "td",
            "12",
            "",
            "\u{7}",
            "很长很长很长很长很长很长很长很长很",
            "ＴＣ",
            "，",
        ]
        .map(str::to_owned);
        lists.insert("best-plan".to_owned(), own.to_vec());
        lists.insert("accept-offer".to_owned(), vec!["要2".to_owned()]);
        let findings = Words::new(&lists).unwrap_err();
        let told: Vec<(&str, &str)> = findings
            .iter()
            .map(|finding| (finding.pointer.as_str(), finding.fault.code()))
            .collect();
        assert_eq!(
            told,
            [
                ("/commands/dance", "command-unknown"),
                ("/commands/best-plan/1", "word-refusal"),
                ("/commands/best-plan/2", "word-digit"),
                ("/commands/best-plan/3", "word-form"),
                ("/commands/best-plan/4", "word-form"),
                ("/commands/best-plan/5", "word-form"),
                ("/commands/accept-offer/0", "word-digit"),
                ("/commands/help", "word-count"),
                ("/commands/opt-in", "command-missing"),
            ]
        );
    }

    #[test]
    fn refusals_refuse_though_a_province_leaves_them_out() {
        let mut lists = lists();
        lists.insert("opt-out".to_owned(), vec!["不要".to_owned()]);
        let words = Words::new(&lists).unwrap();
        for word in ["TD", "t", "N", "R", "退订", "不要"] {
            assert_eq!(words.command_of(word), Command::OptOut, "{word}");
        }
        assert_eq!(words.command_of("stop"), Command::Unknown);
    }

    #[test]
    fn commands_read_back_from_their_words() {
        for command in WITH_WORDS.into_iter().chain([Command::Unknown]) {
            assert_eq!(
                Command::of_code(command.code(), command.number()),
                Some(command)
            );
        }
        assert_eq!(Command::of_code("help", Some(1)), None);
        assert_eq!(Command::of_code("accept-offer", None), None);
    }
}
