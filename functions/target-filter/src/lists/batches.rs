//! Batches: a list cut into consecutive parts of nearly one size.

use std::num::NonZeroU64;

use super::limits::BATCHES_MAX;

/// How a list is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// One batch with everyone.
    Whole,
    /// As few batches as keep each at or below this size.
    OfSize(NonZeroU64),
    /// This many batches, or one for each member when there are fewer members.
    Count(NonZeroU64),
}

/// A batching that gives more than [`BATCHES_MAX`] batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{batches} batches, of which a list may have {BATCHES_MAX}")]
pub struct TooManyBatches {
    /// How many there would be.
    pub batches: u64,
}

/// The sizes of a list's batches: they differ by one at most, the larger ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlan {
    batches: u64,
    size_small: u64,
    /// Batches from the first on that have one member more.
    larger: u64,
}

impl BatchPlan {
    /// The plan for a list of `members`.
    ///
    /// # Errors
    /// When there would be more than [`BATCHES_MAX`] batches.
    pub fn new(batching: Batching, members: u64) -> Result<Self, TooManyBatches> {
        let wanted = match batching {
            Batching::Whole => 1,
            Batching::OfSize(size) => members.div_ceil(size.get()),
            Batching::Count(count) => count.get().min(members),
        };
        let batches = wanted.min(members);
        if batches > BATCHES_MAX {
            return Err(TooManyBatches { batches });
        }
        let shares = batches.max(1);
        Ok(Self {
            batches,
            size_small: members.div_euclid(shares),
            larger: members.rem_euclid(shares),
        })
    }

    /// How many batches there are; none for an empty list.
    pub const fn batches(&self) -> u64 {
        self.batches
    }

    /// The number of the batch, from 1, of the member at `place`, counted from 0 over the members that are contacted.
    pub fn batch_of(&self, place: u64) -> u32 {
        let in_larger = self
            .larger
            .saturating_mul(self.size_small.saturating_add(1));
        let index = if place < in_larger {
            place.div_euclid(self.size_small.saturating_add(1))
        } else {
            self.larger + (place - in_larger).div_euclid(self.size_small.max(1))
        };
        u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// Members of each batch, in order.
    pub fn sizes(&self) -> impl Iterator<Item = u64> + use<> {
        let (small, larger) = (self.size_small, self.larger);
        (0..self.batches).map(move |index| small + u64::from(index < larger))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).unwrap()
    }

    /// Goal: for any size, batches cover the list once, in order, and differ by one at most.
    #[test]
    fn batches_are_balanced() {
        for members in 0..200_u64 {
            for number in 1..40_u64 {
                for batching in [
                    Batching::Whole,
                    Batching::OfSize(some(number)),
                    Batching::Count(some(number)),
                ] {
                    let plan = BatchPlan::new(batching, members).unwrap();
                    let mut counts = vec![0_u64; plan.batches() as usize];
                    let mut last = 1;
                    for place in 0..members {
                        let batch = plan.batch_of(place);
                        assert!(batch == last || batch == last + 1);
                        last = batch;
                        counts[batch as usize - 1] += 1;
                    }
                    assert_eq!(
                        counts,
                        plan.sizes().collect::<Vec<_>>(),
                        "{batching:?} of {members}"
                    );
                    let (most, least) = (counts.iter().max(), counts.iter().min());
                    assert!(
                        most.zip(least)
                            .is_none_or(|(most, least)| most - least <= 1)
                    );
                    if let Batching::OfSize(size) = batching {
                        assert!(most.is_none_or(|most| *most <= size.get()));
                    }
                    if let Batching::Count(count) = batching {
                        assert_eq!(plan.batches(), count.get().min(members));
                    }
                }
            }
        }
    }

    #[test]
    fn too_many_batches_are_refused() {
        let refused = BatchPlan::new(Batching::OfSize(some(1)), BATCHES_MAX + 1);
        assert_eq!(
            refused,
            Err(TooManyBatches {
                batches: BATCHES_MAX + 1
            })
        );
        assert!(BatchPlan::new(Batching::OfSize(some(1)), BATCHES_MAX).is_ok());
    }
}
