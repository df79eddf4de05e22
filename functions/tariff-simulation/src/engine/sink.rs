//! What pricing can tell while it works.

use crate::compile::StreamRow;

/// Receives the course of a pricing. Every method does nothing unless it is overridden, so that [`NoSink`] costs nothing.
pub trait Sink {
    /// Whether streams that neither cost nor draw anything are reported too.
    const WANTS_ALL_STREAMS: bool = false;

    /// The pots at the beginning of the month, scaled.
    fn granted(&mut self, _pots: &[i64]) {}
    /// A stream draws `taken` units of usage from a pot, each worth `weight` scaled units of it.
    fn draw(&mut self, _user: usize, _stream: &StreamRow, _pot: u16, _taken: i64, _weight: i64) {}
    /// A stream, or one event's part in it, was taken apart.
    fn stream(&mut self, _outcome: StreamOutcome<'_>) {}
    /// What a rate costs rests on an estimate.
    fn estimate(&mut self, _rate: u16) {}
    /// A rate was priced.
    fn rate(&mut self, _outcome: RateOutcome) {}
    /// A service stop over several lines set a rate's line anew.
    fn cut(&mut self, _rate: usize, _served: i64, _unserved: i64, _amount_fen: i64) {}
    /// A line of the bill other than a rate's.
    fn line(&mut self, _line: Line) {}
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl Sink for NoSink {}

/// What became of some usage.
#[derive(Clone, Copy, Debug)]
pub struct StreamOutcome<'a> {
    /// The customer (0) or a family member.
    pub user: usize,
    /// The stream.
    pub stream: &'a StreamRow,
    /// Usage, after increments.
    pub quantity: i64,
    /// Of it, free because of a quantity cap.
    pub capped_free: i64,
    /// Of it, not served because of a quantity cap.
    pub unserved: i64,
    /// The rest after conversion.
    pub converted: i64,
    /// Of that, beyond allowances.
    pub beyond: i64,
    /// Whether something about it is an estimate.
    pub estimated: bool,
}

/// How a rate's line came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateOutcome {
    /// The rate.
    pub rate: usize,
    /// Units beyond allowances.
    pub charged: i64,
    /// Events with a set-up fee.
    pub setups: i64,
    /// Amount before the cap, numerator over the rate's denominator.
    pub exact: i128,
    /// Amount after the cap.
    pub after_cap: i128,
    /// Units served before the service stopped; `charged` when it did not.
    pub served: i64,
    /// The line, fen.
    pub amount_fen: i64,
}

/// A line of the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// Fen; for an included tax the amount that it is, which adds nothing.
    pub amount_fen: i64,
}

/// Kinds of lines other than rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A fee, by position among the variant's lines.
    Fee {
        /// Position.
        line: usize,
        /// How many.
        quantity: i64,
    },
    /// A cap over several lines gives back, by position.
    AmountCap {
        /// Position.
        cap: usize,
        /// The lines before, fen.
        before_fen: i64,
    },
    /// A discount, by position.
    Discount {
        /// Position.
        discount: usize,
        /// The lines before, fen.
        before_fen: i64,
    },
    /// What makes up the minimum.
    Minimum {
        /// What counts, fen.
        counted_fen: i64,
    },
    /// What the maximum gives back.
    Maximum {
        /// What counts, fen.
        counted_fen: i64,
    },
    /// A tax, by position.
    Tax {
        /// Position.
        tax: usize,
        /// What is taxed, fen.
        base_fen: i64,
    },
}
