//! A selection as people and documents write it: names, tests and literals, before a schema gives them meaning.
//!
//! Invariant: none but the shape; a column need not exist and a literal need not fit. [`super::bind`] checks both. The tree is built by
//! readers that bound its depth ([`super::limits`]), so that walks over it may recurse.

use std::fmt;

use crate::contact::ContactTerm;

/// A condition on a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Every one of them holds; true when there is none.
    All(Vec<Expression>),
    /// At least one of them holds; false when there is none.
    Any(Vec<Expression>),
    /// It does not hold. What is unknown stays unknown.
    Not(Box<Expression>),
    /// A test of one column.
    Term(Term),
    /// The customer is in a saved group.
    Group(GroupReference),
}

/// A test of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is tested.
    pub subject: Subject,
    /// How.
    pub test: Test,
}

/// What a term is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A column by its name or one of its titles.
    Column(String),
    /// A column of the contact view.
    Contact(ContactTerm),
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// How it compares with a literal.
    Compare(Comparison, Literal),
    /// From the first to the second, both included.
    Between(Literal, Literal),
    /// It is one of these.
    In(Vec<Literal>),
    /// Nothing is known.
    IsNull,
    /// Something is known.
    IsKnown,
    /// A word that begins so.
    StartsWith(String),
    /// A word in which this occurs.
    Contains(String),
}

/// The six comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Every comparison, the longer signs first.
    pub const ALL: [Self; 6] = [
        Self::NotEqual,
        Self::AtMost,
        Self::AtLeast,
        Self::Equal,
        Self::Less,
        Self::Greater,
    ];

    /// The sign in texts and documents.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether it asks for an order, which words and flags do not have.
    #[must_use]
    pub const fn needs_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A value as it was written; its column decides what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A word, a group code such as `#03`, or a group's title.
    Word(String),
    /// A number, with a unit when one was written: `80 元`.
    Number(Decimal, Option<String>),
    /// Yes or no.
    Flag(bool),
    /// A day, as days since 1970-01-01.
    Date(i32),
    /// A day reckoned back from the day of the question.
    Ago(u32, Step),
}

/// What [`Literal::Ago`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Days; none of them is today.
    Days,
    /// Months of the calendar: the same day of an earlier month, or its last day where that month is shorter.
    Months,
}

/// An exact decimal number, `digits × 10^-decimals`.
///
/// Two spellings of one number are two values (`80` and `80.00`), so that a text is printed as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    digits: i64,
    decimals: u8,
}

/// Most decimals of a number: scores have six, money two.
pub const DECIMALS_MAX: u8 = 12;

/// Why a text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not an optional minus, digits, and decimals after a point.
    #[error("not a decimal number")]
    Form,
    /// More digits than any figure here has.
    #[error("a number has at most 18 digits, {DECIMALS_MAX} of them decimals")]
    Size,
}

impl Decimal {
    /// The whole number `value`.
    #[must_use]
    pub const fn whole(value: i64) -> Self {
        Self {
            digits: value,
            decimals: 0,
        }
    }

    /// Reads `-12.50`: no sign but a minus, no exponent, at least one digit on each side of a point.
    ///
    /// # Errors
    /// [`DecimalError`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (sign, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = match magnitude.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Form),
            Some(parts) => parts,
            None => (magnitude, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Form);
        }
        let decimals = u8::try_from(fraction.len())
            .ok()
            .filter(|decimals| *decimals <= DECIMALS_MAX)
            .ok_or(DecimalError::Size)?;
        let mut digits = 0_i64;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let grown = digits
                .checked_mul(10)
                .and_then(|digits| digits.checked_add(i64::from(digit - b'0')));
            digits = grown.ok_or(DecimalError::Size)?;
        }
        Ok(Self {
            digits: sign * digits,
            decimals,
        })
    }

    /// The number times `factor` as an exact fraction: numerator and a denominator that is a power of ten.
    #[must_use]
    pub fn times(self, factor: i64) -> (i128, i128) {
        // 10^12 × 2^63 × 2^63 would not fit, but a numerator of two 64-bit factors does.
        (
            i128::from(self.digits) * i128::from(factor),
            10_i128.pow(u32::from(self.decimals)),
        )
    }

    /// The nearest floating-point number, for scores.
    #[must_use]
    pub fn to_score(self) -> f64 {
        // The text is what was written, and reading it rounds once; a division would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let magnitude = self.digits.unsigned_abs();
        if self.decimals == 0 {
            return write!(formatter, "{sign}{magnitude}");
        }
        let scale = 10_u64.pow(u32::from(self.decimals));
        let width = usize::from(self.decimals);
        write!(
            formatter,
            "{sign}{}.{:0width$}",
            magnitude / scale,
            magnitude % scale
        )
    }
}

/// A saved group by its name, and the version where one is meant for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupReference {
    /// Name of the group.
    pub name: String,
    /// A version of it; without one, the latest.
    pub version: Option<u32>,
}

impl fmt::Display for GroupReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(formatter, "{}@{version}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

impl Expression {
    /// A test of the column `name`.
    #[must_use]
    pub fn column(name: impl Into<String>, test: Test) -> Self {
        Self::Term(Term {
            subject: Subject::Column(name.into()),
            test,
        })
    }

    /// Its direct parts.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Not(part) => std::slice::from_ref(part),
            Self::Term(_) | Self::Group(_) => &[],
        }
    }

    /// Terms and group references in it.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Self::Term(_) | Self::Group(_) => 1,
            Self::All(_) | Self::Any(_) | Self::Not(_) => {
                self.parts().iter().map(Self::terms).sum()
            }
        }
    }

    /// Levels: a term has one.
    #[must_use]
    pub fn depth(&self) -> usize {
        1 + self.parts().iter().map(Self::depth).max().unwrap_or(0)
    }

    /// The groups that it refers to, in the order of the text.
    #[must_use]
    pub fn groups(&self) -> Vec<&GroupReference> {
        match self {
            Self::Group(reference) => vec![reference],
            Self::Term(_) => Vec::new(),
            Self::All(_) | Self::Any(_) | Self::Not(_) => {
                self.parts().iter().flat_map(Self::groups).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_and_written_back() {
        for text in [
            "0",
            "80",
            "80.00",
            "-0.05",
            "123456789012345678",
            "0.000000000001",
            "9223372036854775807",
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        for (text, error) in [
            ("", DecimalError::Form),
            ("-", DecimalError::Form),
            ("1.", DecimalError::Form),
            (".5", DecimalError::Form),
            ("+1", DecimalError::Form),
            ("1e3", DecimalError::Form),
            ("１", DecimalError::Form),
            ("0.0000000000001", DecimalError::Size),
            ("9223372036854775808", DecimalError::Size),
        ] {
            assert_eq!(Decimal::parse(text), Err(error), "{text}");
        }
        assert_eq!(Decimal::parse("0.1").unwrap().to_score(), 0.1);
        assert_eq!(
            Decimal::parse("-80.05").unwrap().times(100),
            (-800_500, 100)
        );
    }
}
