//! What can be told from the text of a statement without parsing it.
//!
//! Invariant: only questions whose wrong answer is harmless in one direction are asked, and the answer errs in that
//! direction: a connection may be cleaned for nothing, never left dirty.

/// Whether any of `words` (lower case) occurs in `text`, in any case, at a word's beginning or end or within.
pub(crate) fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.as_bytes();
    words.iter().any(|word| {
        text.windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The first word of a statement in lower case, behind spaces, comments and opening brackets.
pub(crate) fn first_word(text: &str) -> String {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| {
            letter.is_whitespace() || matches!(letter, '(' | ';')
        });
        let after_comment = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map(|(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, after)| after)
        } else {
            break;
        };
        rest = after_comment.unwrap_or_default();
    }
    rest.chars()
        .take_while(|letter| letter.is_ascii_alphabetic())
        .collect::<String>()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{first_word, mentions};

    #[test]
    fn words_are_found_where_they_may_hide() {
        assert!(mentions("/**/BeGiN immediate", &["begin"]));
        assert!(!mentions("select 1", &["begin", "savepoint"]));
        assert!(!mentions("", &["begin"]));
        for (text, word) in [
            ("select 1", "select"),
            ("  -- a\n /* b */ (SELECT 1)", "select"),
            (";;Insert into t", "insert"),
            ("-- only", ""),
            ("", ""),
            ("/* open", ""),
        ] {
            assert_eq!(first_word(text), word, "{text}");
        }
    }
}
