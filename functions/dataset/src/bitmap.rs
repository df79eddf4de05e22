//! Sets of rows as bits, 64 to a word: validity of a column, and the answer of a filter.
//!
//! Invariant: bits beyond `len` are zero, so that counting and combining need no mask. Two bitmaps that are combined have the same
//! length; the shorter one counts as zeros beyond its end.

/// Rows of one segment, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

/// Bits of a word.
const WORD_BITS: usize = u64::BITS as usize;

impl Bitmap {
    /// No row of `len`.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(WORD_BITS)],
            len,
        }
    }

    /// Every row of `len`.
    #[must_use]
    pub fn ones(len: usize) -> Self {
        Self::from_words(vec![u64::MAX; len.div_ceil(WORD_BITS)], len)
    }

    /// Takes `words`, the first row in the lowest bit of the first word; words that are missing count as zeros.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.resize(len.div_ceil(WORD_BITS), 0);
        let mut bitmap = Self { words, len };
        bitmap.clear_beyond_end();
        bitmap
    }

    /// Takes the bits of an Arrow buffer: the first row in the lowest bit of the first byte. Bytes that are missing count as zeros.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], len: usize) -> Self {
        let bytes = bytes.get(..len.div_ceil(8)).unwrap_or(bytes);
        let words = bytes
            .chunks(size_of::<u64>())
            .map(|chunk| {
                let mut word = [0; size_of::<u64>()];
                for (to, from) in word.iter_mut().zip(chunk) {
                    *to = *from;
                }
                u64::from_le_bytes(word)
            })
            .collect();
        Self::from_words(words, len)
    }

    /// The bits as an Arrow buffer has them, padded with zeros to whole words.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    /// Rows that there are, set or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The words, the first row in the lowest bit of the first; bits beyond the end are zero.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The words, to be written. Call [`Self::clear_beyond_end`] after writing whole words.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Restores the invariant after whole words were written.
    pub fn clear_beyond_end(&mut self) {
        let used = self.len % WORD_BITS;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }

    /// Whether `row` is set; `false` beyond the end.
    #[must_use]
    pub fn get(&self, row: usize) -> bool {
        self.words
            .get(row / WORD_BITS)
            .is_some_and(|word| word >> (row % WORD_BITS) & 1 == 1)
    }

    /// Sets or clears `row`; nothing beyond the end.
    pub fn set(&mut self, row: usize, value: bool) {
        if row >= self.len {
            return;
        }
        if let Some(word) = self.words.get_mut(row / WORD_BITS) {
            let bit = 1 << (row % WORD_BITS);
            if value { *word |= bit } else { *word &= !bit }
        }
    }

    /// Appends a row.
    pub fn push(&mut self, value: bool) {
        if self.len.is_multiple_of(WORD_BITS) {
            self.words.push(0);
        }
        self.len += 1;
        self.set(self.len - 1, value);
    }

    /// Rows that are set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Keeps the rows that `other` has too.
    pub fn and_with(&mut self, other: &Self) {
        self.combine(other, |own, other| own & other);
    }

    /// Adds the rows of `other`.
    pub fn or_with(&mut self, other: &Self) {
        self.combine(other, |own, other| own | other);
        self.clear_beyond_end();
    }

    /// Removes the rows of `other`.
    pub fn and_not_with(&mut self, other: &Self) {
        self.combine(other, |own, other| own & !other);
    }

    /// Turns every row over.
    pub fn negate(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.clear_beyond_end();
    }

    /// The rows that both have.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.and_with(other);
        self
    }

    /// The rows that either has.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.or_with(other);
        self
    }

    /// The rows that it has not.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "`and`, `or` and `not` stand together; operators would hide that they consume"
    )]
    pub fn not(mut self) -> Self {
        self.negate();
        self
    }

    /// The rows that are set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(index * WORD_BITS + bit)
            })
        })
    }

    fn combine(&mut self, other: &Self, operation: impl Fn(u64, u64) -> u64) {
        let shared = self.words.len().min(other.words.len());
        let (head, tail) = self.words.split_at_mut(shared);
        for (own, other) in head.iter_mut().zip(&other.words) {
            *own = operation(*own, *other);
        }
        for own in tail {
            *own = operation(*own, 0);
        }
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let mut bitmap = Self::default();
        for row in rows {
            bitmap.push(row);
        }
        bitmap
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Goal: every operation agrees with the same on a plain list of booleans, and the bits beyond the end stay zero.
        #[test]
        fn operations_agree_with_lists(rows in prop::collection::vec((any::<bool>(), any::<bool>()), 0..200)) {
            let left: Bitmap = rows.iter().map(|(left, _)| *left).collect();
            let right: Bitmap = rows.iter().map(|(_, right)| *right).collect();
            let check = |bitmap: Bitmap, expected: Vec<bool>| {
                let set: Vec<usize> = (0..expected.len()).filter(|row| expected[*row]).collect();
                assert_eq!(bitmap.len(), expected.len());
                assert_eq!(bitmap.count(), set.len());
                assert_eq!(bitmap.iter().collect::<Vec<_>>(), set);
                assert_eq!(Bitmap::from_bytes(&bitmap.to_bytes(), bitmap.len()), bitmap);
                assert!((0..expected.len() + 70).all(|row| bitmap.get(row) == expected.get(row).copied().unwrap_or(false)));
            };
            let each = |operation: fn(bool, bool) -> bool| rows.iter().map(|(left, right)| operation(*left, *right)).collect::<Vec<_>>();
            check(left.clone().and(&right), each(|left, right| left && right));
            check(left.clone().or(&right), each(|left, right| left || right));
            check(left.clone().not(), each(|left, _| !left));
            let mut difference = left.clone();
            difference.and_not_with(&right);
            check(difference, each(|left, right| left && !right));
            check(Bitmap::ones(rows.len()), vec![true; rows.len()]);
            check(Bitmap::zeros(rows.len()), vec![false; rows.len()]);
        }
    }

    #[test]
    fn another_length_is_zeros_beyond_its_end() {
        assert_eq!(Bitmap::ones(200).and(&Bitmap::ones(3)).count(), 3);
        assert_eq!(Bitmap::ones(3).or(&Bitmap::ones(200)).count(), 3);
        assert_eq!(Bitmap::from_bytes(&[0xff], 100).count(), 8);
        assert_eq!(Bitmap::from_words(vec![u64::MAX; 9], 65).count(), 65);
    }
}
