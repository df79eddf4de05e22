//! How names written by people find the columns and group codes that they mean.
//!
//! Names are compared folded: full-width forms as their plain ones, letters in lower case, white space at the ends gone. This is not NFKC, whose
//! tables are left out on purpose: they add 126 KB to a component (measured with unicode-normalization, built for size), and what a Chinese
//! input method produces besides plain characters are the full-width forms.

use std::collections::BTreeSet;

use crate::schema::Column;

/// Names offered for one that is unknown.
const NEAR_NAMES_MAX: usize = 5;

/// Changes after which a name is no misspelling any more.
const CHANGES_MAX: usize = 3;

/// Longest name that is compared for misspellings, characters: the comparison costs the product of the lengths.
const COMPARED_CHARACTERS_MAX: usize = 80;

/// The plain form of a full-width character (U+FF01 … U+FF5E, and the ideographic space); other characters as they are.
#[must_use]
pub fn plain(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(character as u32 - 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// The form in which names are compared.
#[must_use]
pub fn fold(text: &str) -> String {
    let folded: String = text
        .chars()
        .map(plain)
        .flat_map(char::to_lowercase)
        .collect();
    folded.trim().to_owned()
}

/// What a written name is found to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The column at this place.
    Column(usize),
    /// The title belongs to several columns, whose names these are.
    Several(Vec<String>),
    /// Nothing; these are near.
    Nothing(Vec<String>),
}

/// Finds the column that `written` means: by its name first, then by a title in either language.
pub(super) fn find_column(columns: &[Column], written: &str) -> Found {
    let wanted = fold(written);
    // A layer may define a column anew; the latest definition holds.
    if let Some(place) = columns
        .iter()
        .rposition(|column| column.name.as_str() == wanted)
    {
        return Found::Column(place);
    }
    let has_title =
        |column: &Column| fold(&column.title.zh) == wanted || fold(&column.title.en) == wanted;
    let places: Vec<usize> = (0..columns.len())
        .filter(|place| columns.get(*place).is_some_and(has_title))
        .filter(|place| is_in_force(columns, *place))
        .collect();
    match places.as_slice() {
        [] => Found::Nothing(near(
            &wanted,
            columns
                .iter()
                .flat_map(|column| [column.name.as_str(), &column.title.zh, &column.title.en]),
        )),
        [place] => Found::Column(*place),
        _ => Found::Several(
            places
                .iter()
                .filter_map(|place| Some(columns.get(*place)?.name.to_string()))
                .collect(),
        ),
    }
}

/// Whether no later column has the same name.
fn is_in_force(columns: &[Column], place: usize) -> bool {
    let Some(column) = columns.get(place) else {
        return false;
    };
    columns
        .iter()
        .skip(place + 1)
        .all(|later| later.name != column.name)
}

/// The group code that `written` means: a code as it stands, else the code of a title in either language.
pub(super) fn find_group<'c>(column: &'c Column, written: &str) -> Option<&'c str> {
    let exact = column.groups.iter().find(|group| group.code == written);
    let wanted = fold(written);
    let titled = || {
        column
            .groups
            .iter()
            .find(|group| fold(&group.title.zh) == wanted || fold(&group.title.en) == wanted)
    };
    exact.or_else(titled).map(|group| group.code.as_str())
}

/// Titles and codes near to a word that is none of a column's groups.
pub(super) fn near_groups(column: &Column, written: &str) -> Vec<String> {
    near(
        &fold(written),
        column
            .groups
            .iter()
            .flat_map(|group| [group.code.as_str(), &group.title.zh, &group.title.en]),
    )
}

/// Names that somebody who wrote `wanted` may have meant, the nearest first: misspellings, and names that hold it.
pub(super) fn near<'n>(wanted: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut scored: Vec<(usize, &str)> = known
        .filter(|name| seen.insert(*name))
        .filter_map(|name| {
            let folded = fold(name);
            let changes = distance(wanted, &folded);
            let characters = wanted.chars().count();
            // More than half of the characters changed is another word.
            let is_misspelt = changes <= CHANGES_MAX && changes * 2 <= characters.max(2);
            let is_part = characters >= 2 && (folded.contains(wanted) || wanted.contains(&folded));
            (is_misspelt || is_part).then_some((changes, name))
        })
        .collect();
    scored.sort();
    scored
        .into_iter()
        .take(NEAR_NAMES_MAX)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Single-character changes from one text to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(COMPARED_CHARACTERS_MAX).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, character) in one.chars().take(COMPARED_CHARACTERS_MAX).enumerate() {
        let mut before = index + 1;
        let mut diagonal = index;
        for (cell, wanted) in row
            .iter_mut()
            .zip(std::iter::once(None).chain(other.iter().map(Some)))
        {
            let above = *cell;
            *cell = match wanted {
                None => index + 1,
                Some(wanted) => (diagonal + usize::from(character != *wanted))
                    .min(above + 1)
                    .min(before + 1),
            };
            if wanted.is_some() {
                diagonal = above;
            }
            before = *cell;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold() {
        assert_eq!(fold("　ＡＲＰＵ "), "arpu");
        assert_eq!(fold("月均消费"), "月均消费");
        // Every full-width form of ASCII, and nothing else; the reference says so.
        let wide: String = ('\u{FF01}'..='\u{FF5E}').collect();
        let plain_ones: String = ('!'..='~')
            .map(|character| character.to_ascii_lowercase())
            .collect();
        assert_eq!(fold(&wide), plain_ones);
        assert_eq!(fold("①㎡ｶe\u{301}"), "①㎡ｶe\u{301}");
        assert_eq!(
            (
                distance("kitten", "sitting"),
                distance("", "abc"),
                distance("abc", "abc"),
                distance("ab", "")
            ),
            (3, 3, 0, 2)
        );
    }

    #[test]
    fn misspellings_are_met_with_names() {
        let known = ["brand", "月均消费", "arpu", "balance"];
        assert_eq!(near("barnd", known.into_iter()), ["brand"]);
        assert_eq!(near("消费", known.into_iter()), ["月均消费"]);
        assert_eq!(near("qqqqqqqq", known.into_iter()), Vec::<String>::new());
    }
}
