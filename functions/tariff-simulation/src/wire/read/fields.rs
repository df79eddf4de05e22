//! Single fields: identifiers, names, amounts, dates.

use std::collections::HashMap;

use chudian_runtime::problem::words::unit_in_name;
use chudian_vocabulary::{Date, NAME_LENGTH_MAX, Name, check_identifier};

use super::super::catalogue::{DayTypeJson, KindJson, MeasureJson, RoundingJson, RoundingModeJson};
use super::super::errors::{At, Findings};
use crate::cells::{CellSet, CellSpace, DayType, Kind, Measure, Word};
use crate::limits::{AMOUNT_YUAN_MAX, CATALOGUE_QUANTITY_MAX, TERM_MONTHS_MAX};
use crate::number::{
    DecimalError, PERCENT_DECIMALS, PRICE_DECIMALS, Rounding, RoundingMode, parse_decimal,
};

pub(in super::super) fn kind(kind: KindJson) -> Kind {
    match kind {
        KindJson::Voice => Kind::Voice,
        KindJson::Data => Kind::Data,
        KindJson::Sms => Kind::Sms,
        KindJson::Mms => Kind::Mms,
        KindJson::Wlan => Kind::Wlan,
    }
}

pub(super) fn measure(measure: MeasureJson) -> Measure {
    match measure {
        MeasureJson::Seconds => Measure::Seconds,
        MeasureJson::Kb => Measure::Kb,
        MeasureJson::Count => Measure::Count,
    }
}

pub(super) fn day_type(day_type: DayTypeJson) -> DayType {
    match day_type {
        DayTypeJson::Workday => DayType::Workday,
        DayTypeJson::Weekend => DayType::Weekend,
        DayTypeJson::Holiday => DayType::Holiday,
    }
}

impl Findings {
    pub(super) fn identifier(&mut self, at: &At<'_>, text: &str) {
        if let Err(error) = check_identifier(text) {
            self.error(
                at,
                "bad-identifier",
                "标识符须为 1 至 64 个字符,限 A-Z a-z 0-9 - _ . :",
                error.to_string(),
            );
        }
    }

    pub(super) fn name(&mut self, at: &At<'_>, name: &Name) {
        for (field, text) in [("zh", &name.zh), ("en", &name.en)] {
            if text.trim().is_empty() {
                self.error(
                    &at.field(field),
                    "empty-name",
                    "名称不能为空",
                    "a name must not be empty",
                );
            } else if text.chars().count() > NAME_LENGTH_MAX {
                let at = at.field(field);
                self.error(
                    &at,
                    "name-too-long",
                    format!("名称超过 {NAME_LENGTH_MAX} 个字符"),
                    format!("a name has at most {NAME_LENGTH_MAX} characters"),
                );
            }
        }
    }

    /// Says when a list is longer than it may be.
    pub(in super::super) fn at_most(&mut self, at: &At<'_>, length: usize, most: usize) {
        if length > most {
            self.error(
                at,
                "too-many",
                format!("最多 {most} 项,现有 {length} 项"),
                format!("at most {most} entries, there are {length}"),
            );
        }
    }

    /// Says which identifiers of a list were written before.
    pub(in super::super) fn unique<'t>(
        &mut self,
        at: &At<'_>,
        field: &str,
        ids: impl Iterator<Item = &'t str>,
    ) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (index, id) in ids.enumerate() {
            if let Some(first) = seen.get(id) {
                let item = at.item(index);
                let at = if field.is_empty() {
                    item
                } else {
                    item.field(field)
                };
                self.error(
                    &at,
                    "duplicate",
                    format!("“{id}”与第 {first} 项重复"),
                    format!("`{id}` repeats entry {first}"),
                );
            } else {
                seen.insert(id, index);
            }
        }
    }

    fn decimal(
        &mut self,
        at: &At<'_>,
        text: &str,
        decimals: u32,
        scaled_min: i64,
        scaled_max: i64,
    ) -> i64 {
        match parse_decimal(text, decimals) {
            Ok(value) if value < scaled_min && scaled_min == 0 => {
                self.error(at, "negative", "不能为负数", "must not be negative")
            }
            Ok(value) if value > scaled_max || value < scaled_min => self.error(
                at,
                "absurd-amount",
                "金额或比例超出合理范围",
                "is outside the range of sensible amounts",
            ),
            Ok(value) => return value,
            Err(DecimalError::Text) => self.error(
                at,
                "not-a-decimal",
                "应为十进制数字符串,例如 \"0.29\"",
                "must be a decimal string such as \"0.29\"",
            ),
            Err(DecimalError::Decimals) => {
                self.error(
                    at,
                    "too-many-decimals",
                    format!("最多 {decimals} 位小数"),
                    format!("has at most {decimals} decimals"),
                );
            }
            Err(DecimalError::Range) => self.error(
                at,
                "absurd-amount",
                "金额或比例超出合理范围",
                "is outside the range of sensible amounts",
            ),
        }
        0
    }

    /// An amount that can be paid, in fen.
    pub(super) fn amount(&mut self, at: &At<'_>, text: &str) -> i64 {
        self.decimal(at, text, 2, 0, AMOUNT_YUAN_MAX * 100)
    }

    /// An amount that may be negative, in fen.
    pub(super) fn signed_amount(&mut self, at: &At<'_>, text: &str) -> i64 {
        self.decimal(at, text, 2, -AMOUNT_YUAN_MAX * 100, AMOUNT_YUAN_MAX * 100)
    }

    /// A price, in 10⁻⁹ yuan.
    pub(super) fn price(&mut self, at: &At<'_>, text: &str) -> i64 {
        self.decimal(
            at,
            text,
            PRICE_DECIMALS,
            0,
            AMOUNT_YUAN_MAX * 10_i64.pow(PRICE_DECIMALS),
        )
    }

    /// A percentage, in thousandths of a per cent.
    pub(super) fn percent(&mut self, at: &At<'_>, text: &str, most: i64) -> i64 {
        self.decimal(at, text, PERCENT_DECIMALS, 0, most * 1_000)
    }

    /// A factor, in ten-thousandths.
    pub(super) fn factor(&mut self, at: &At<'_>, text: &str) -> i64 {
        let value = self.decimal(
            at,
            text,
            crate::limits::FACTOR_DECIMALS,
            0,
            crate::limits::FACTOR_MAX * crate::limits::FACTOR_ONE,
        );
        if value == 0
            && self
                .errors
                .last()
                .is_none_or(|error| error.pointer != at.pointer())
        {
            self.error(at, "zero", "必须大于零", "must be greater than zero");
        }
        value.max(1)
    }

    /// A quantity, at least `least`.
    pub(in super::super) fn quantity(
        &mut self,
        at: &At<'_>,
        value: u64,
        least: u64,
        most: u64,
    ) -> i64 {
        if (least..=most).contains(&value) {
            return i64::try_from(value).unwrap_or(0);
        }
        let (unit_zh, unit_en) = at.name().and_then(unit_in_name).unwrap_or_default();
        let (code, (zh, en), bound) = if value < least {
            ("too-small", ("不能小于", "must be at least"), least)
        } else {
            ("absurd-quantity", ("不能大于", "must be at most"), most)
        };
        self.error(
            at,
            code,
            format!("{zh} {bound} {unit_zh}").trim_end(),
            format!("{en} {bound} {unit_en}").trim_end(),
        );
        i64::try_from(least.max(1)).unwrap_or(1)
    }

    pub(super) fn catalogue_quantity(&mut self, at: &At<'_>, value: u64, least: u64) -> i64 {
        self.quantity(at, value, least, CATALOGUE_QUANTITY_MAX)
    }

    pub(super) fn months(&mut self, at: &At<'_>, value: u64) -> u32 {
        u32::try_from(self.quantity(at, value, 1, TERM_MONTHS_MAX)).unwrap_or(1)
    }

    pub(in super::super) fn date(&mut self, at: &At<'_>, text: Option<&str>) -> Option<Date> {
        match Date::parse(text?) {
            Ok(date) => Some(date),
            Err(error) => {
                self.error(
                    at,
                    "bad-date",
                    "应为 YYYY-MM-DD 形式的日期",
                    error.to_string(),
                );
                None
            }
        }
    }

    pub(super) fn rounding(&mut self, at: &At<'_>, rounding: &RoundingJson) -> Rounding {
        let step_fen = match rounding.places {
            2 => 1,
            1 => 10,
            0 => 100,
            _ => {
                self.error(
                    &at.field("places"),
                    "bad-places",
                    "只能是 0、1 或 2",
                    "must be 0, 1 or 2",
                );
                1
            }
        };
        let mode = match rounding.mode {
            RoundingModeJson::Up => RoundingMode::Up,
            RoundingModeJson::Down => RoundingMode::Down,
            RoundingModeJson::HalfUp => RoundingMode::HalfUp,
            RoundingModeJson::HalfEven => RoundingMode::HalfEven,
        };
        Rounding { mode, step_fen }
    }

    /// Says when `word` is not among the known ones; an empty list knows everything.
    pub(super) fn known_word(&mut self, at: &At<'_>, word: &str, known: &[Word]) {
        if !known.is_empty() && !known.iter().any(|entry| entry.id == word) {
            self.error(
                at,
                "unknown-reference",
                format!("目录中没有“{word}”"),
                format!("the catalogue has no `{word}`"),
            );
        }
    }

    /// The cells of a selector.
    pub(super) fn selector(
        &mut self,
        at: &At<'_>,
        space: &CellSpace,
        parts: SelectorParts<'_>,
    ) -> CellSet {
        let kind = kind(parts.kind);
        let categories = &space.categories[kind.index()];
        if categories.is_empty() {
            self.error(
                &at.field("kind"),
                "unknown-reference",
                "该类用量没有定义分类",
                "this kind of usage has no categories",
            );
        }
        let categories = self.choose(&at.field("categories"), parts.categories, categories);
        let bands = self.choose(&at.field("bands"), parts.bands, &space.bands);
        let days: Vec<DayType> = match parts.day_types {
            None => DayType::ALL.to_vec(),
            Some([]) => {
                self.error(
                    &at.field("day_types"),
                    "empty-list",
                    "列表为空,什么也没有选中;不限时请省略",
                    "an empty list admits nothing; leave it out for all",
                );
                Vec::new()
            }
            Some(days) => days.iter().map(|day| day_type(*day)).collect(),
        };
        let mut cells = CellSet::empty(space.len());
        for category in &categories {
            for band in &bands {
                for day in &days {
                    cells.insert(space.cell(kind, *category, *band, *day));
                }
            }
        }
        cells
    }

    /// Positions of the named words; all when no list is given.
    fn choose(&mut self, at: &At<'_>, wanted: Option<&[String]>, known: &[Word]) -> Vec<usize> {
        let Some(wanted) = wanted else {
            return (0..known.len()).collect();
        };
        if wanted.is_empty() {
            self.error(
                at,
                "empty-list",
                "列表为空,什么也没有选中;不限时请省略",
                "an empty list admits nothing; leave it out for all",
            );
        }
        self.at_most(at, wanted.len(), crate::limits::REFERENCES_MAX);
        let mut chosen = Vec::new();
        for (index, word) in wanted.iter().enumerate() {
            match known.iter().position(|entry| entry.id == *word) {
                Some(position) => chosen.push(position),
                None => self.error(
                    &at.item(index),
                    "unknown-reference",
                    format!("目录中没有“{word}”"),
                    format!("the catalogue has no `{word}`"),
                ),
            }
        }
        self.unique(at, "", wanted.iter().map(String::as_str));
        chosen
    }
}

/// The parts that selectors and covers share.
#[derive(Clone, Copy)]
pub(super) struct SelectorParts<'a> {
    pub(super) kind: KindJson,
    pub(super) categories: Option<&'a [String]>,
    pub(super) bands: Option<&'a [String]>,
    pub(super) day_types: Option<&'a [DayTypeJson]>,
}
