//! Watermarks: which receiver's file leaked (TF-5).
//!
//! Each export has a random mark. From it follow, for every customer, a *reference* of eight characters in a column of its own, and
//! the *order of rows* inside each stored page. One line with its reference names the export; when the column was cut off, a few
//! hundred lines in their order still do. A file that was both stripped and sorted anew tells nothing: that is stated in the guide.
//!
//! Pure: the mark is made and kept elsewhere.

use chudian_vocabulary::pseudonym::base32;

use super::keyed::{CustomerBytes, KeyedHash, Purpose};

/// Random bytes of a mark.
pub const MARK_BYTES: usize = 32;

/// Characters of a reference: 40 bits, so that a wrong export matches one line in 10^12.
const REFERENCE_CHARACTERS: usize = 8;

/// Neighbouring rows from which the order alone is believed.
const NEIGHBOURS_MIN: u64 = 50;

/// Of a hundred neighbours, how many must stand in the mark's order. In a foreign file it is half of them, with a standard
/// deviation of 4 of 100 at [`NEIGHBOURS_MIN`] (the count of ascents of a random order of n has the variance (n + 1) / 12).
const IN_ORDER_PERCENT_MIN: u64 = 90;

/// The watermark of one export.
#[derive(Clone)]
pub struct Mark {
    reference: KeyedHash,
    sequence: KeyedHash,
}

impl Mark {
    /// The watermark of these random bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            reference: KeyedHash::new(Purpose::Reference, bytes),
            sequence: KeyedHash::new(Purpose::Sequence, bytes),
        }
    }

    /// The customer's reference in this export: eight characters.
    pub fn reference(&self, customer: &CustomerBytes) -> String {
        let head = u128::from(self.reference.of(customer)) << u64::BITS;
        base32(&head.to_be_bytes())
            .chars()
            .take(REFERENCE_CHARACTERS)
            .collect()
    }

    /// The customer's place in the order of this export's rows.
    pub fn sequence(&self, customer: &CustomerBytes) -> u64 {
        self.sequence.of(customer)
    }

    /// What lines of a leaked file, in their order, say about this export.
    pub fn compare(&self, lines: &[LeakedLine]) -> Evidence {
        let mut evidence = Evidence::default();
        let mut before = None;
        for line in lines {
            if let Some(reference) = &line.reference {
                evidence.references = evidence.references.saturating_add(1);
                let same = self
                    .reference(&line.customer)
                    .eq_ignore_ascii_case(reference);
                evidence.references_matching =
                    evidence.references_matching.saturating_add(u64::from(same));
            }
            let place = self.sequence(&line.customer);
            if let Some(before) = before {
                evidence.neighbours = evidence.neighbours.saturating_add(1);
                evidence.neighbours_in_order = evidence
                    .neighbours_in_order
                    .saturating_add(u64::from(before < place));
            }
            before = Some(place);
        }
        evidence
    }
}

/// A line of a file that was found outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeakedLine {
    /// The pseudonym.
    pub customer: CustomerBytes,
    /// The reference, where the column is still there.
    pub reference: Option<String>,
}

/// How a leaked file agrees with an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Lines with a reference.
    pub references: u64,
    /// Of these, lines whose reference is this export's.
    pub references_matching: u64,
    /// Pairs of lines that follow one another.
    pub neighbours: u64,
    /// Of these, pairs in this export's order.
    pub neighbours_in_order: u64,
}

impl Evidence {
    /// Whether the file comes from this export: by references, where most of those present are its own, else by order.
    pub const fn names_the_export(&self) -> bool {
        if self.references > 0 {
            return self.references_matching.saturating_mul(2) > self.references;
        }
        self.neighbours >= NEIGHBOURS_MIN
            && self.neighbours_in_order.saturating_mul(100)
                >= self.neighbours.saturating_mul(IN_ORDER_PERCENT_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(count: u32) -> Vec<CustomerBytes> {
        (0..count)
            .map(|number| {
                let mut bytes = [3; 16];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                bytes
            })
            .collect()
    }

    fn leak(mark: &Mark, count: u32, with_reference: bool) -> Vec<LeakedLine> {
        let mut all = customers(count);
        all.sort_by_key(|customer| mark.sequence(customer));
        all.into_iter()
            .map(|customer| LeakedLine {
                reference: with_reference.then(|| mark.reference(&customer)),
                customer,
            })
            .collect()
    }

    /// Goal: a stripped, shortened or column-less copy still names its export, and no other one.
    #[test]
    fn a_leak_names_its_export() {
        let (own, other) = (Mark::new(&[1; MARK_BYTES]), Mark::new(&[2; MARK_BYTES]));
        let one_line = leak(&own, 1, true);
        assert!(own.compare(&one_line).names_the_export());
        assert!(!other.compare(&one_line).names_the_export());
        let ordered = leak(&own, 400, false);
        assert!(own.compare(&ordered).names_the_export());
        assert!(!other.compare(&ordered).names_the_export());
        let every_third: Vec<_> = ordered.iter().step_by(3).cloned().collect();
        assert!(own.compare(&every_third).names_the_export());
        assert!(
            !own.compare(&ordered[..20]).names_the_export(),
            "too short to be believed"
        );
    }

    #[test]
    fn a_list_sorted_anew_and_stripped_claims_nothing() {
        let mark = Mark::new(&[1; MARK_BYTES]);
        let lines: Vec<_> = customers(1000)
            .into_iter()
            .map(|customer| LeakedLine {
                customer,
                reference: None,
            })
            .collect();
        let evidence = mark.compare(&lines);
        assert!(!evidence.names_the_export(), "{evidence:?}");
        // Half of 999, within five standard deviations (9.1).
        assert!(
            (454..=546).contains(&evidence.neighbours_in_order),
            "{evidence:?}"
        );
    }
}
