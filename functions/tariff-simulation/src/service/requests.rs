//! The JSON forms of the two questions: a comparison and a bill.

use chudian_vocabulary::Language;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::forms::{ProfileForm, UsageForm};
use crate::cells::Kind;
use crate::limits::WHAT_IF_PER_MILLE_MAX;
use crate::usage::WhatIf;
use crate::wire::usage::HeldAddOnJson;

/// Plans returned when the request does not say.
pub const PLANS_RETURNED_DEFAULT: usize = 10;

/// Most plans returned: with full detail an answer stays under some megabytes.
pub const PLANS_RETURNED_MAX: usize = 200;

/// A question for a comparison. The customer is either stored (`customer_id`) or described (`usage` and `profile`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SimulationForm {
    /// A stored customer.
    pub customer_id: Option<String>,
    /// Usage of a customer that is described.
    pub usage: Option<UsageForm>,
    /// What else is known of a customer that is described.
    pub profile: Option<ProfileForm>,
    /// The day on which plans must be on sale, `YYYY-MM-DD`; absent: today in China.
    #[schema(format = "date")]
    pub as_of: Option<String>,
    /// Catalogue version; absent: the one in force on that day.
    pub catalogue_version: Option<String>,
    /// Usage scaled by kind.
    pub what_if: Option<WhatIfForm>,
    /// Members of the ranking rule that differ for this question.
    #[serde(deserialize_with = "members_once")]
    #[schema(value_type = Option<crate::wire::catalogue::RankingJson>)]
    pub rule: Option<Map<String, Value>>,
    /// Plans to compare; absent: all.
    pub candidates: Option<Vec<String>>,
    /// How much the answer says.
    pub detail: Detail,
    /// Plans returned, 1 to 200; absent: 10.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<u64>,
    /// Language of the answer's texts; absent: over HTTP that of `Accept-Language`, over the typed interface English.
    pub language: Option<LanguageForm>,
}

/// A language of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LanguageForm {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl From<LanguageForm> for Language {
    fn from(form: LanguageForm) -> Self {
        match form {
            LanguageForm::Zh => Self::Chinese,
            LanguageForm::En => Self::English,
        }
    }
}

/// Reads an object whose members stand there once each: of two, the last would win in silence.
fn members_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    struct Once;

    impl<'de> Visitor<'de> for Once {
        type Value = Option<Map<String, Value>>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a map")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut read = Map::new();
            while let Some((name, value)) = members.next_entry::<String, Value>()? {
                if read.contains_key(&name) {
                    return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                }
                read.insert(name, value);
            }
            Ok(Some(read))
        }
    }

    deserializer.deserialize_any(Once)
}

/// How much an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// Totals.
    #[default]
    Compact,
    /// Totals, and the lines of every returned plan's bills.
    Full,
}

/// Usage scaled per mille, by kind; absent: as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhatIfForm {
    /// Calls.
    #[schema(format = "per-mille", maximum = 10_000)]
    pub voice: Option<u64>,
    /// Mobile data.
    #[schema(format = "per-mille", maximum = 10_000)]
    pub data: Option<u64>,
    /// Text messages.
    #[schema(format = "per-mille", maximum = 10_000)]
    pub sms: Option<u64>,
    /// Multimedia messages.
    #[schema(format = "per-mille", maximum = 10_000)]
    pub mms: Option<u64>,
    /// Public WLAN.
    #[schema(format = "per-mille", maximum = 10_000)]
    pub wlan: Option<u64>,
}

impl WhatIfForm {
    /// The scale of the domain; the kind whose figure is too large otherwise.
    pub fn what_if(&self) -> Result<WhatIf, Kind> {
        let mut what_if = WhatIf::NOTHING;
        let given = [self.voice, self.data, self.sms, self.mms, self.wlan];
        for (kind, value) in Kind::ALL.into_iter().zip(given) {
            let Some(value) = value else { continue };
            let within = i64::try_from(value)
                .ok()
                .filter(|_| value <= WHAT_IF_PER_MILLE_MAX);
            what_if.per_mille[kind.index()] = within.ok_or(kind)?;
        }
        Ok(what_if)
    }
}

/// A question for one bill, line by line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillForm {
    /// A stored customer.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Usage of a customer that is described.
    #[serde(default)]
    pub usage: Option<UsageForm>,
    /// What else is known of a customer that is described.
    #[serde(default)]
    pub profile: Option<ProfileForm>,
    /// The month, `YYYY-MM`: one of the usage.
    #[schema(format = "month")]
    pub month: String,
    /// The plan.
    pub plan_id: String,
    /// Add-ons with it; for the present plan those that are held, whatever stands here.
    #[serde(default)]
    pub add_ons: Vec<HeldAddOnJson>,
    /// Catalogue version; absent: the one in force today.
    #[serde(default)]
    pub catalogue_version: Option<String>,
    /// Usage scaled by kind.
    #[serde(default)]
    pub what_if: Option<WhatIfForm>,
    /// Language of the answer's texts; absent: over HTTP that of `Accept-Language`, over the typed interface English.
    #[serde(default)]
    pub language: Option<LanguageForm>,
}
