//! Which customers have come already, and on which line: sixteen bytes a customer, no more, because ten million of them have to fit beside
//! everything else.

use chudian_vocabulary::pseudonym::{CustomerPseudonym, PSEUDONYM_BYTES};

/// Bytes of a pseudonym that are compared: 96 bits, under which two of a hundred million customers meet with a chance of 10^-13.
const KEY_BYTES: usize = 12;

/// Slots to begin with, where the number of rows is not known.
const SLOTS_MIN: usize = 1 << 16;

/// Slots to begin with at most; a table of more customers grows.
const SLOTS_FIRST_MAX: usize = 1 << 24;

/// An entry; line 0 says that it is free. Lines beyond four billion are told as that many.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: [u8; KEY_BYTES],
    line: u32,
}

/// A table of customers.
pub(crate) struct Duplicates {
    slots: Vec<Slot>,
    customers: usize,
}

impl Duplicates {
    /// For about so many rows.
    #[must_use]
    pub(crate) fn for_rows(rows: u64) -> Self {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let wanted = rows
            .saturating_add(rows / 2)
            .clamp(SLOTS_MIN, SLOTS_FIRST_MAX);
        Self {
            slots: vec![Slot::default(); wanted.next_power_of_two()],
            customers: 0,
        }
    }

    /// Notes that `customer` stands on `line` (counted from 1). Gives the line where the customer stood before, if anywhere.
    pub(crate) fn note(&mut self, customer: CustomerPseudonym, line: u64) -> Option<u64> {
        // Three quarters full: probes stay short, since pseudonyms are as good as random.
        if self.customers >= self.slots.len() / 4 * 3 {
            self.grow();
        }
        let key = key_of(customer);
        let line = u32::try_from(line).unwrap_or(u32::MAX).max(1);
        match place(&mut self.slots, key) {
            Some(slot) if slot.line == 0 => {
                *slot = Slot { key, line };
                self.customers += 1;
                None
            }
            Some(slot) => Some(slot.line.into()),
            // The table is never full.
            None => None,
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); self.slots.len() * 2];
        for slot in self.slots.iter().filter(|slot| slot.line != 0) {
            if let Some(target) = place(&mut slots, slot.key) {
                *target = *slot;
            }
        }
        self.slots = slots;
    }
}

fn key_of(customer: CustomerPseudonym) -> [u8; KEY_BYTES] {
    const _: () = assert!(KEY_BYTES <= PSEUDONYM_BYTES);
    customer.0.first_chunk().copied().unwrap_or_default()
}

/// The slot of `key`, or the free one where it belongs.
fn place(slots: &mut [Slot], key: [u8; KEY_BYTES]) -> Option<&mut Slot> {
    let mask = slots.len().checked_sub(1)?;
    let [a, b, c, d, e, f, g, h, ..] = key;
    let mut index = (u64::from_le_bytes([a, b, c, d, e, f, g, h]) as usize) & mask;
    while slots
        .get(index)
        .is_some_and(|slot| slot.line != 0 && slot.key != key)
    {
        index = (index + 1) & mask;
    }
    slots.get_mut(index)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chudian_vocabulary::pseudonym::PseudonymKey;

    use super::*;

    /// Goal: agreement with a plain map, through several growths and with many repetitions.
    #[test]
    fn every_repetition_is_found_with_its_first_line() {
        let key = PseudonymKey::from([9; 32]);
        let mut table = Duplicates::for_rows(0);
        let mut plain: HashMap<CustomerPseudonym, u64> = HashMap::new();
        for line in 1..=200_000_u64 {
            let number = 13_000_000_000 + line * 7_919 % 150_000;
            let customer = key.pseudonym_of(&number.to_string()).unwrap();
            assert_eq!(table.note(customer, line), plain.get(&customer).copied());
            plain.entry(customer).or_insert(line);
        }
        assert_eq!(plain.len(), 150_000);
    }
}
