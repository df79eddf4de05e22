//! From a request for lookalikes to a sample of the dataset, and from findings to a rule that can be used as a selection.

use std::collections::BTreeMap;

use chudian_dataset::bitmap::Bitmap;
use chudian_dataset::column::ColumnData;
use chudian_dataset::expression::ast::{Comparison, Decimal, Expression, Literal, Test};
use chudian_dataset::schema::{Column, ID_COLUMN, Kind};
use chudian_dataset::value::Value;
use chudian_runtime::dataset::SnapshotReader;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::problem::Problem;

use super::forms::SelectionForm;
use super::prepare::{Filter, Prepared};
use crate::lists::keyed::{PERMILLE, Purpose, Share};
use crate::lookalike::bins::{Bins, bins_of_numbers, bins_of_words, number_of, score_of_order};
use crate::lookalike::characteristic::Learned;
use crate::lookalike::limits::{HELD_OUT_PERMILLE, SAMPLE_ROWS_MAX, SAMPLE_USERS_MAX};
use crate::lookalike::rule::{Condition, Demand};
use crate::lookalike::{Counts, Sample};

/// Whom to look at, ready to be read column by column.
pub struct Drawn {
    /// Reads the dataset version.
    pub reader: SnapshotReader,
    /// The form with what it left open filled in.
    pub users: SelectionForm,
    /// Who uses the business, who is held out, and how many there are in all.
    pub sample: Sample,
    /// Columns by which users were told: they would only say that users are users.
    pub columns_of_users: Vec<String>,
    /// The rows of the sample in each segment.
    rows: Vec<Vec<u32>>,
}

/// Draws a sample of users and others.
///
/// # Errors
/// As [`Filter::prepare`] for either selection, and when a column cannot be read.
pub async fn draw(
    filter: &Filter,
    users: &SelectionForm,
    among: Option<&SelectionForm>,
    seed: &str,
    caller: &Caller,
) -> Result<Drawn, Problem> {
    let who = filter.prepare(users, caller, "/users").await?;
    let version = who.reader.version().to_string();
    let users = SelectionForm {
        as_of: Some(who.today.to_string()),
        dataset: Some(version.clone()),
        ..users.clone()
    };
    let population = match among {
        None => None,
        Some(among) => {
            let among = SelectionForm {
                dataset: Some(version),
                as_of: users.as_of.clone(),
                ..among.clone()
            };
            Some(filter.prepare(&among, caller, "/among").await?)
        }
    };
    let mut masks = Vec::with_capacity(who.reader.segment_count());
    let mut all = Counts::default();
    for segment in 0..who.reader.segment_count() {
        let mask_of_users = who.rows(segment, false).await?.remaining;
        let mut others = match &population {
            Some(population) => population.rows(segment, false).await?.remaining,
            None => everyone(&who, segment).await?,
        };
        others.and_not_with(&mask_of_users);
        all.users += mask_of_users.count() as u64;
        all.others += others.count() as u64;
        masks.push((mask_of_users, others));
    }
    let users_wanted = all.users.min(SAMPLE_USERS_MAX);
    let shares = (
        share(Purpose::Draw, seed, users_wanted, all.users),
        share(
            Purpose::Draw,
            seed,
            SAMPLE_ROWS_MAX - users_wanted,
            all.others,
        ),
    );
    let (sample, rows) = sampled(&who.reader, &masks, all, &shares, seed).await?;
    let columns_of_users = columns_of(&who);
    Ok(Drawn {
        reader: who.reader,
        users,
        sample,
        columns_of_users,
        rows,
    })
}

/// Everyone who exists for the caller.
async fn everyone(prepared: &Prepared, segment: usize) -> Result<Bitmap, Problem> {
    let mut mask = Bitmap::ones(prepared.reader.segment_rows(segment));
    let nobody_left_out = chudian_dataset::expression::plan::Plan::Everybody;
    prepared
        .narrow(&prepared.scoped(&nobody_left_out), segment, &mut mask)
        .await?;
    Ok(mask)
}

/// A share that gives at most `wanted` of `all`, but for chance.
fn share(purpose: Purpose, seed: &str, wanted: u64, all: u64) -> Share {
    let permille = if wanted >= all {
        u64::from(PERMILLE)
    } else {
        (wanted * u64::from(PERMILLE)).div_euclid(all.max(1)).max(1)
    };
    Share::new(
        purpose,
        seed.as_bytes(),
        u16::try_from(permille).unwrap_or(PERMILLE),
    )
}

async fn sampled(
    reader: &SnapshotReader,
    masks: &[(Bitmap, Bitmap)],
    population: Counts,
    (share_of_users, share_of_others): &(Share, Share),
    seed: &str,
) -> Result<(Sample, Vec<Vec<u32>>), Problem> {
    let held_out = Share::new(Purpose::HeldOut, seed.as_bytes(), HELD_OUT_PERMILLE);
    let mut sample = Sample {
        population,
        ..Sample::default()
    };
    let mut rows = Vec::with_capacity(masks.len());
    for (segment, (users, others)) in masks.iter().enumerate() {
        let mut drawn = Vec::new();
        if users.count() + others.count() > 0 {
            let identities = reader.column(segment, ID_COLUMN).await?;
            let ColumnData::Identities { values } = identities.as_ref() else {
                return Err(Problem::internal("the identity column is of another kind"));
            };
            for (row, id) in (0_u32..).zip(values.as_slice()) {
                let is_user = users.get(row as usize);
                let is_drawn = if is_user {
                    share_of_users.contains(id)
                } else {
                    others.get(row as usize) && share_of_others.contains(id)
                };
                if is_drawn {
                    drawn.push(row);
                    sample.is_user.push(is_user);
                    sample.is_held_out.push(held_out.contains(id));
                }
            }
        }
        rows.push(drawn);
    }
    Ok((sample, rows))
}

/// Columns that the users' condition names, groups included.
fn columns_of(prepared: &Prepared) -> Vec<String> {
    let places = prepared.plan().columns();
    places
        .into_iter()
        .filter_map(|place| prepared.columns.get(place))
        .map(|column| column.name.to_string())
        .collect()
}

impl Drawn {
    /// What a column says about users and others.
    ///
    /// # Errors
    /// When the column cannot be read.
    pub async fn learn(&self, column: &Column) -> Result<Option<Learned>, Problem> {
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.sample.is_user.len());
        for (segment, rows) in self.rows.iter().enumerate() {
            if rows.is_empty() {
                continue;
            }
            let data = self.reader.column(segment, column.name.as_str()).await?;
            values.extend(rows.iter().map(|row| data.value(*row as usize)));
        }
        let Some(bins) = self.bins_of(column, &values) else {
            return Ok(None);
        };
        let codes = values
            .iter()
            .map(|value| u8::try_from(bins.of(value.as_ref())).unwrap_or(u8::MAX))
            .collect();
        Ok(Some(Learned::new(
            column.name.to_string(),
            bins,
            codes,
            &self.sample,
        )))
    }

    /// Classes from the customers learned from alone: the held-out ones decide nothing.
    fn bins_of(&self, column: &Column, values: &[Option<Value>]) -> Option<Bins> {
        let learned = values
            .iter()
            .zip(&self.sample.is_held_out)
            .filter(|(_, held_out)| !**held_out);
        let learned = learned.filter_map(|(value, _)| value.as_ref());
        match column.kind {
            Kind::Integer | Kind::Money | Kind::Score | Kind::Date => Some(bins_of_numbers(
                &mut learned.filter_map(number_of).collect::<Vec<_>>(),
            )),
            Kind::Word => {
                let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
                for value in learned {
                    if let Value::Word(word) = value {
                        *counts.entry(word).or_default() += 1;
                    }
                }
                Some(bins_of_words(counts.into_iter()))
            }
            Kind::Flag => Some(Bins::Flags),
            Kind::Identity => None,
        }
    }
}

/// A number of a column's classes as a literal of the expression language; `None` for a score that has no short text.
fn literal(column: &Column, number: i64) -> Option<Literal> {
    match column.kind {
        Kind::Date => i32::try_from(number).ok().map(Literal::Date),
        Kind::Money => {
            let sign = if number < 0 { "-" } else { "" };
            let fen = number.unsigned_abs();
            let yuan = format!("{sign}{}.{:02}", fen.div_euclid(100), fen.rem_euclid(100));
            Decimal::parse(&yuan)
                .ok()
                .map(|yuan| Literal::Number(yuan, None))
        }
        Kind::Score => Decimal::parse(&score_of_order(number).to_string())
            .ok()
            .map(|score| Literal::Number(score, None)),
        Kind::Integer => Some(Literal::Number(Decimal::whole(number), None)),
        Kind::Word | Kind::Flag | Kind::Identity => None,
    }
}

/// A rule's conditions as an expression that selects the same customers; `None` when one of them cannot be written.
pub fn expression_of(conditions: &[Condition], reader: &SnapshotReader) -> Option<Expression> {
    let parts: Option<Vec<Expression>> = conditions
        .iter()
        .map(|condition| {
            let column = reader.describe(&condition.column)?;
            let test = match &condition.demand {
                Demand::AtLeast(number) => {
                    Test::Compare(Comparison::AtLeast, literal(column, *number)?)
                }
                Demand::Below(number) => Test::Compare(Comparison::Less, literal(column, *number)?),
                Demand::AnyOf(words) => match words.as_slice() {
                    [word] => Test::Compare(Comparison::Equal, Literal::Word(word.clone())),
                    words => Test::In(words.iter().cloned().map(Literal::Word).collect()),
                },
                Demand::Is(flag) => Test::Compare(Comparison::Equal, Literal::Flag(*flag)),
            };
            Some(Expression::column(condition.column.clone(), test))
        })
        .collect();
    parts.map(|mut parts| {
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expression::All(parts)
        }
    })
}

/// A class of a column in words, in both languages' common form: `< 3`, `3 … 10`, `10 …`, a word, `1`, or nothing.
pub fn class_label(column: &Column, bins: &Bins, class: usize) -> String {
    let text = |number: i64| match literal(column, number) {
        Some(Literal::Number(number, _)) => number.to_string(),
        Some(Literal::Date(days)) => chudian_vocabulary::Date::of_unix_days(days)
            .map_or_else(String::new, |date| date.to_string()),
        _ => score_of_order(number).to_string(),
    };
    if class + 1 >= bins.count() {
        return "–".to_owned();
    }
    match bins {
        Bins::Numbers { edges } => {
            let from = class
                .checked_sub(1)
                .and_then(|place| edges.get(place))
                .map(|edge| text(*edge));
            match (from, edges.get(class).map(|edge| text(*edge))) {
                (None, None) => "…".to_owned(),
                (None, Some(below)) => format!("< {below}"),
                (Some(from), None) => format!("≥ {from}"),
                (Some(from), Some(below)) => format!("≥ {from}, < {below}"),
            }
        }
        Bins::Words { words } => words.get(class).cloned().unwrap_or_else(|| "*".to_owned()),
        Bins::Flags => class.to_string(),
    }
}
