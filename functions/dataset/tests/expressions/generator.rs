//! Random expressions, their literals mostly values that occur.

use chudian_dataset::expression::ast::{
    Comparison, Decimal, Expression, Literal, Step, Subject, Term, Test,
};
use chudian_dataset::schema::Kind;
use chudian_dataset::value::Value;

use crate::table::{TODAY, Table};

/// Random numbers that are the same for a seed everywhere (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

pub(crate) fn expression(random: &mut Random, table: &Table, depth: usize) -> Expression {
    if depth <= 1 || random.one_in(3) {
        return Expression::Term(term(random, table));
    }
    let parts = |random: &mut Random| {
        let count = random.below(4);
        (0..count)
            .map(|_| expression(random, table, depth - 1))
            .collect()
    };
    match random.below(5) {
        0 | 1 => Expression::All(parts(random)),
        2 | 3 => Expression::Any(parts(random)),
        _ => Expression::Not(Box::new(expression(random, table, depth - 1))),
    }
}

fn term(random: &mut Random, table: &Table) -> Term {
    let place = random.below(table.columns.len());
    let column = &table.columns[place];
    let literal = |random: &mut Random| literal(random, table, place);
    let test = match (random.below(8), column.kind) {
        (0, _) => Test::IsNull,
        (1, _) => Test::IsKnown,
        (2, Kind::Flag) => Test::In(vec![literal(random)]),
        (2 | 3, kind) if kind != Kind::Flag => {
            let most = if random.one_in(4) { 40 } else { 4 };
            let count = 1 + random.below(most);
            Test::In((0..count).map(|_| literal(random)).collect())
        }
        (4, Kind::Word) => {
            let word = literal(random);
            Test::StartsWith(piece(random, &word, true))
        }
        (5, Kind::Word) => {
            let word = literal(random);
            Test::Contains(piece(random, &word, false))
        }
        (4 | 5, kind) if !matches!(kind, Kind::Word | Kind::Flag) => {
            let (low, high) = (literal(random), literal(random));
            Test::Between(low, high)
        }
        (_, Kind::Word | Kind::Flag) => {
            let comparison = *random.pick(&[Comparison::Equal, Comparison::NotEqual]);
            Test::Compare(comparison, literal(random))
        }
        _ => Test::Compare(*random.pick(&Comparison::ALL), literal(random)),
    };
    Term {
        subject: Subject::Column(column.name.to_string()),
        test,
    }
}

/// The beginning of a word, or some of its middle.
fn piece(random: &mut Random, literal: &Literal, from_start: bool) -> String {
    let Literal::Word(word) = literal else {
        return "x".to_owned();
    };
    let characters: Vec<char> = word.chars().collect();
    let start = if from_start {
        0
    } else {
        random.below(characters.len())
    };
    let length = 1 + random.below(characters.len().saturating_sub(start));
    let piece: String = characters.iter().skip(start).take(length).collect();
    if piece.is_empty() {
        "x".to_owned()
    } else {
        piece
    }
}

/// A literal for a column: mostly a value that occurs, sometimes one beside or far beyond.
fn literal(random: &mut Random, table: &Table, place: usize) -> Literal {
    let kind = table.columns[place].kind;
    let row = random.below(table.rows.len());
    let occurring = table.rows[row][place].clone();
    let beside = |random: &mut Random, number: i64| match random.below(6) {
        0 => number.saturating_add(1),
        1 => number.saturating_sub(1),
        2 => number.saturating_mul(3),
        3 => -1,
        _ => number,
    };
    match (kind, occurring) {
        (Kind::Word, Some(Value::Word(word))) if !random.one_in(6) => Literal::Word(word),
        (Kind::Word, _) => Literal::Word((*random.pick(&["", "zzz", "m", "品牌"])).to_owned()),
        (Kind::Flag, _) => Literal::Flag(random.one_in(2)),
        (Kind::Date, occurring) => match (random.below(5), occurring) {
            (0, _) => Literal::Ago(random.below(900) as u32, Step::Days),
            (_, Some(Value::Date(days))) => Literal::Date(days + random.below(3) as i32 - 1),
            _ => Literal::Date(TODAY),
        },
        (Kind::Score, occurring) => {
            let thousandths = match occurring {
                Some(Value::Score(score)) => (score * 1_000.0) as i64,
                _ => random.below(1_500) as i64 - 250,
            };
            // Scores of the table are thousandths, so a literal with three decimals can be equal to one.
            Literal::Number(decimal(beside(random, thousandths), 3), None)
        }
        (Kind::Money, occurring) => {
            let fen = beside(random, number_of(occurring).unwrap_or(7));
            match random.below(3) {
                0 => Literal::Number(Decimal::whole(fen), Some("分".to_owned())),
                1 => Literal::Number(decimal(fen, 2), Some("yuan".to_owned())),
                // A tenth of a fen: equal to no amount, but less and greater than some.
                _ => Literal::Number(decimal(fen * 10 + random.below(2) as i64 * 5, 3), None),
            }
        }
        (_, occurring) => {
            let number = beside(random, number_of(occurring).unwrap_or(3));
            if number.unsigned_abs() < 1 << 40 && random.one_in(5) {
                return Literal::Number(decimal(number * 10 + 5, 1), None);
            }
            Literal::Number(Decimal::whole(number), None)
        }
    }
}

fn number_of(value: Option<Value>) -> Option<i64> {
    match value {
        Some(Value::Integer(number)) => Some(number),
        _ => None,
    }
}

/// `digits` with the point so many places before the end.
fn decimal(digits: i64, decimals: usize) -> Decimal {
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0width$}", digits.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = text.split_at(text.len() - decimals);
    Decimal::parse(&format!("{sign}{whole}.{fraction}")).unwrap()
}
