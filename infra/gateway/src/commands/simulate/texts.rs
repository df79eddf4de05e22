//! Names and phrases in the reader's language.
//!
//! The typed interface has no reader and speaks in identifiers, codes and English. Names come from the catalogue, which has
//! both languages; what the codes mean is said here. A code that is not known here is shown in the component's own words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::Reason;
use crate::language::Language;

/// Codes whose meaning the report states with figures of its own.
pub(super) const SAID_BY_FIGURES: [&str; 4] = [
    "saves-every-month",
    "saves-in-some-months",
    "dearest-month-falls",
    "switching-costs",
];

/// Code, English, Chinese.
const REASONS: [(&str, &str, &str); 15] = [
    ("not-yet-on-sale", "not yet on sale", "尚未开售"),
    ("no-longer-on-sale", "no longer on sale", "已停售"),
    ("brand", "not for the customer's brand", "不适用于客户品牌"),
    (
        "region",
        "not for the customer's region",
        "不适用于客户地区",
    ),
    (
        "customer-type",
        "not for the customer's type",
        "不适用于客户类型",
    ),
    (
        "contract-running",
        "the present contract is still running",
        "现有合约尚未到期",
    ),
    (
        "excluded",
        "cannot be had together with what is held",
        "与已有业务互斥",
    ),
    (
        "required",
        "requires a service that is not held",
        "需先订购其他业务",
    ),
    (
        "not-cheaper",
        "not cheaper than the present plan",
        "不比现有套餐便宜",
    ),
    (
        "saving-below-minimum",
        "saves less than the province's minimum",
        "优惠额度低于下限",
    ),
    (
        "revenue-below-floor",
        "revenue would fall below the province's floor",
        "收入下降超出限度",
    ),
    (
        "too-few-months-won",
        "cheaper in too few months",
        "更便宜的月份太少",
    ),
    (
        "usage-without-price",
        "some usage has no price in this plan",
        "部分用量在该套餐中没有价格",
    ),
    (
        "usage-not-served",
        "some usage would not be served because of a cap",
        "部分用量将因封顶停用而无法使用",
    ),
    (
        "add-ons-not-all-compared",
        "not every combination of add-ons was compared",
        "加油包组合过多，未能全部比较",
    ),
];

/// Lines that every plan may have: identifier, English, Chinese.
const LINES: [(&str, &str, &str); 5] = [
    ("monthly-fee", "Monthly fee", "月费"),
    ("family-members", "Family members", "家庭成员"),
    (
        "family-outside",
        "Family members outside the plan",
        "未加入该套餐的家庭成员",
    ),
    ("minimum", "Minimum spend", "保底补差"),
    ("maximum", "Above the maximum", "封顶减免"),
];

const UNITS: [(&str, &str, &str); 3] = [
    ("seconds", "s", "秒"),
    ("kb", "KB", "KB"),
    ("count", "times", "次"),
];

/// Names of a catalogue in one language, and the phrases of this module in the same.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) language: Language,
    /// Plans and add-ons by identifier.
    names: BTreeMap<String, String>,
    /// Names of parts by plan (or add-on) and identifier.
    parts: BTreeMap<(String, String), String>,
}

impl Texts {
    /// Reads the names of a catalogue document.
    pub(super) fn new(catalogue: &[u8], language: Language) -> serde_json::Result<Self> {
        let catalogue: Value = serde_json::from_slice(catalogue)?;
        let mut texts = Self {
            language,
            names: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        for list in ["plans", "add_ons"] {
            for offer in catalogue[list].as_array().into_iter().flatten() {
                let Some((id, name)) = named(offer, language) else {
                    continue;
                };
                texts.names.insert(id.to_owned(), name.to_owned());
                for part in ["rates", "discounts", "one_off_fees", "caps", "taxes"]
                    .into_iter()
                    .filter_map(|list| offer[list].as_array())
                    .flatten()
                {
                    if let Some((part_id, name)) = named(part, language) {
                        texts
                            .parts
                            .insert((id.to_owned(), part_id.to_owned()), name.to_owned());
                    }
                }
            }
        }
        Ok(texts)
    }

    /// Name of a plan or add-on; the identifier where the catalogue does not know it.
    pub(super) fn name<'text>(&'text self, id: &'text str) -> &'text str {
        self.names.get(id).map_or(id, String::as_str)
    }

    /// Name of a line of a plan's bill; `otherwise` where it is not known.
    pub(super) fn line<'text>(
        &'text self,
        plan_id: &str,
        id: &'text str,
        otherwise: &'text str,
    ) -> &'text str {
        let of_plan = || self.parts.get(&(plan_id.to_owned(), id.to_owned()));
        let of_add_on = || {
            self.parts
                .iter()
                .find(|((_, part), _)| part == id)
                .map(|(_, name)| name)
        };
        let of_offers = || {
            of_plan()
                .or_else(|| self.names.get(id))
                .or_else(of_add_on)
                .map(String::as_str)
        };
        self.phrase(&LINES, id)
            .or_else(of_offers)
            .unwrap_or(otherwise)
    }

    /// What a reason means.
    pub(super) fn reason<'text>(&'text self, reason: &'text Reason) -> &'text str {
        self.phrase(&REASONS, &reason.code).unwrap_or(&reason.text)
    }

    /// A unit of usage.
    pub(super) fn unit<'text>(&'text self, id: &'text str) -> &'text str {
        self.phrase(&UNITS, id).unwrap_or(id)
    }

    fn phrase(&self, phrases: &'static [(&str, &str, &str)], id: &str) -> Option<&'static str> {
        phrases
            .iter()
            .find(|(known, _, _)| *known == id)
            .map(|(_, english, chinese)| self.language.pick(*english, *chinese))
    }
}

/// Identifier and name of something.
fn named(value: &Value, language: Language) -> Option<(&str, &str)> {
    Some((
        value["id"].as_str()?,
        value["name"][language.pick("en", "zh")].as_str()?,
    ))
}
