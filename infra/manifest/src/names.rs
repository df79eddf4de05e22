//! The two spellings of names that Spin knows: `kebab-case` for components and `snake_case` for variables and labels.

use crate::finding::{Message, message};

/// Whether `text` is a kebab-case id: words of letters and digits joined by single `-`, each beginning with a letter,
/// each word all lower or all upper case.
pub(crate) fn is_kebab(text: &str) -> bool {
    is_words(text, '-', is_one_case)
}

/// Whether `text` is a snake_case id: as [`is_kebab`] with `_`.
pub(crate) fn is_snake(text: &str) -> bool {
    is_words(text, '_', is_one_case)
}

/// Why `text` cannot name a variable, or `None` when it can. The rule is that of Spin's resolver: lower-case letters,
/// digits and single underscores; a letter first, no underscore last.
pub(crate) fn variable_name_fault(text: &str) -> Option<Message> {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (None, _) | (_, None) => Some(message!(
            "a variable name must not be empty",
            "变量名不能为空"
        )),
        _ if !bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_') =>
        {
            Some(message!(
                "a variable name may contain only lower-case letters, digits and underscores",
                "变量名只能包含小写字母、数字和下划线"
            ))
        }
        (Some(first), _) if !first.is_ascii_lowercase() => Some(message!(
            "a variable name must start with a lower-case letter",
            "变量名必须以小写字母开头"
        )),
        (_, Some(b'_')) => Some(message!(
            "a variable name must not end with an underscore",
            "变量名不能以下划线结尾"
        )),
        _ if text.contains("__") => Some(message!(
            "a variable name must not contain two underscores in a row",
            "变量名不能包含连续两个下划线"
        )),
        _ => None,
    }
}

fn is_words(text: &str, separator: char, mut is_word: impl FnMut(&str) -> bool) -> bool {
    !text.is_empty() && text.split(separator).all(&mut is_word)
}

fn is_one_case(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric())
        && !(word.contains(|letter: char| letter.is_ascii_uppercase())
            && word.contains(|letter: char| letter.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{is_kebab, is_snake, variable_name_fault};

    #[test]
    fn spellings_are_those_of_spin() {
        for good in ["a", "abc", "tariff-simulation", "a1-b2", "HTTP-handler"] {
            assert!(is_kebab(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "1a", "a_b", "aB", "a-1", "名"] {
            assert!(!is_kebab(bad), "{bad}");
        }
        assert!(is_snake("default") && is_snake("my_store") && !is_snake("my-store"));
        for good in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert_eq!(variable_name_fault(good), None, "{good}");
        }
        for bad in ["", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y"] {
            assert!(variable_name_fault(bad).is_some(), "{bad}");
        }
    }
}
