//! What requests for lists say, and what they become.

use std::num::NonZeroU64;

use chudian_dataset::schema::Purpose;
use chudian_vocabulary::masking::{looks_like_a_number, mask_numbers};
use chudian_vocabulary::{Name, check_identifier};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::lists::Recipe;
use crate::lists::batches::Batching;
use crate::lists::caps::{CapError, CapRule, CapRules, OverCap};
use crate::lists::identity::LookalikeId;
use crate::lists::keyed::PERMILLE;
use crate::lists::limits::{CAP_RULES_MAX, COLUMNS_MAX, LIFE_DAYS_DEFAULT, LIFE_DAYS_MAX};
use crate::lists::recipe::{ChannelChoice, Control, Priority};
use crate::service::forms::{ClassForm, SelectionForm};
use crate::service::selector::Selection;

/// Letters of a list's name: it has to fit a table cell.
pub const NAME_LETTERS_MAX: usize = 80;

/// Letters of a purpose or a reason: a sentence or two.
pub const TEXT_LETTERS_MAX: usize = 400;

/// Longest salt.
const SALT_BYTES_MAX: usize = 128;

/// The salt when a request names none: campaigns share their control customers unless they ask for others.
const SALT_DEFAULT: &str = "standard";

/// Which channel contacts a customer: `{"fixed": "sms-hall"}` or `{"column": "preferred_channel"}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelForm {
    /// The same for all.
    Fixed(String),
    /// As this column of words says.
    Column(String),
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DirectionForm {
    /// Large values first.
    #[default]
    Descending,
    /// Small values first.
    Ascending,
}

/// Who comes first: `"draw"`, `{"column": {"name": "saving_fen"}}` or `{"lookalike": "fk_…"}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PriorityForm {
    /// A fair draw that can be repeated.
    #[default]
    Draw,
    /// By a column.
    Column(PriorityColumnForm),
    /// By the points of a lookalike run.
    Lookalike(String),
}

/// A column that orders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityColumnForm {
    /// Its name: numbers, money, scores or dates.
    pub name: String,
    /// Direction; customers without a value come last in either.
    #[serde(default)]
    pub order: DirectionForm,
}

/// A cap.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapForm {
    /// The channel; absent for all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The region; absent for all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Customers that may be contacted; 0 for nobody.
    pub members_max: u64,
}

/// What to do when a cap is reached.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverCapForm {
    /// Leave out those who come last.
    #[default]
    Cut,
    /// Make no list.
    Refuse,
}

/// The control group.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlForm {
    /// Campaigns with the same salt have the same control customers; absent: `standard`.
    #[serde(default = "salt_default")]
    pub salt: String,
    /// Share in thousandths.
    pub permille: u16,
}

fn salt_default() -> String {
    SALT_DEFAULT.to_owned()
}

/// How a list is cut: `{"size": 5000}` or `{"count": 4}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatchesForm {
    /// As few batches as keep each at or below this size.
    #[schema(value_type = u64)]
    Size(NonZeroU64),
    /// This many.
    #[schema(value_type = u64)]
    Count(NonZeroU64),
}

/// A request to freeze a list. What is left out is filled in before it is kept, so that the list can be made again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListForm {
    /// Its name.
    pub name: String,
    /// What it is for; kept with every use.
    pub purpose: String,
    /// Who, and who of them is left out.
    pub selection: SelectionForm,
    /// Which channel contacts a customer.
    pub channel: ChannelForm,
    /// Who comes first.
    #[serde(default)]
    pub priority: PriorityForm,
    /// Salt of the order of equals; absent: `standard`.
    #[serde(default = "salt_default")]
    pub order_salt: String,
    /// Caps; a channel or region without one has none.
    #[serde(default)]
    pub caps: Vec<CapForm>,
    /// What a reached cap means.
    #[serde(default)]
    pub over_cap: OverCapForm,
    /// Control group; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlForm>,
    /// Batches; absent: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<BatchesForm>,
    /// Columns of the dataset that the list carries for those who contact the customers.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Days after which the list gives nothing any more; absent: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_days: Option<u32>,
}

/// A member of a request that cannot be used: a JSON pointer, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFault {
    /// JSON pointer.
    pub pointer: String,
    /// What to change.
    pub detail: Name,
}

impl FormFault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: Name::new(zh, en),
        }
    }
}

/// Checks a text that people wrote: 1 to `letters_max` letters, no control characters (PostgreSQL keeps no U+0000 at all), and no telephone
/// number, which everybody who sees the list would see (PR-2).
///
/// # Errors
/// When it is empty, too long, or holds what it must not.
pub fn check_text(pointer: &str, text: &str, letters_max: usize) -> Result<(), FormFault> {
    let letters = text.chars().count();
    if text.trim().is_empty() || letters > letters_max {
        return Err(FormFault::new(
            pointer,
            format!("须填写 1 至 {letters_max} 个字符。"),
            format!("Must have 1 to {letters_max} characters."),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(FormFault::new(
            pointer,
            "不能包含控制字符或换行。",
            "Must not contain control characters or line breaks.",
        ));
    }
    if mask_numbers(text) != text || looks_like_a_number(text) {
        return Err(FormFault::new(
            pointer,
            "不能包含电话号码。",
            "Must not contain a telephone number.",
        ));
    }
    Ok(())
}

impl ListForm {
    /// Checks what can be checked without the dataset.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub fn check(&self) -> Result<(), FormFault> {
        check_text("/name", &self.name, NAME_LETTERS_MAX)?;
        check_text("/purpose", &self.purpose, TEXT_LETTERS_MAX)?;
        for (pointer, salt) in [
            ("/order_salt", Some(&self.order_salt)),
            (
                "/control/salt",
                self.control.as_ref().map(|control| &control.salt),
            ),
        ] {
            if salt.is_some_and(|salt| salt.is_empty() || salt.len() > SALT_BYTES_MAX) {
                return Err(FormFault::new(
                    pointer,
                    format!("须为 1 至 {SALT_BYTES_MAX} 个字节。"),
                    format!("Must have 1 to {SALT_BYTES_MAX} bytes."),
                ));
            }
        }
        self.check_numbers()?;
        self.check_words()
    }

    fn check_numbers(&self) -> Result<(), FormFault> {
        if self
            .life_days
            .is_some_and(|days| !(1..=LIFE_DAYS_MAX).contains(&days))
        {
            return Err(FormFault::new(
                "/life_days",
                format!("须为 1 至 {LIFE_DAYS_MAX} 天。"),
                format!("Must be 1 to {LIFE_DAYS_MAX} days."),
            ));
        }
        if self
            .control
            .as_ref()
            .is_some_and(|control| control.permille > PERMILLE)
        {
            return Err(FormFault::new(
                "/control/permille",
                format!("须为 0 至 {PERMILLE}（千分之几）。"),
                format!("Must be 0 to {PERMILLE}, in thousandths."),
            ));
        }
        let service = self.selection.class == ClassForm::Service;
        if service
            && self
                .control
                .as_ref()
                .is_some_and(|control| control.permille > 0)
        {
            return Err(FormFault::new(
                "/control",
                "服务类通知必须送达所有相关客户，不能设对照组。请去掉 control。",
                "A service message is for everyone whom it concerns, so it has no control group; leave `control` out.",
            ));
        }
        Ok(())
    }

    fn check_words(&self) -> Result<(), FormFault> {
        if self.columns.len() > COLUMNS_MAX {
            return Err(FormFault::new(
                "/columns",
                format!("最多 {COLUMNS_MAX} 列。"),
                format!("At most {COLUMNS_MAX} columns."),
            ));
        }
        let mut names = self.columns.iter().enumerate();
        if let Some((place, _)) =
            names.find(|(place, name)| self.columns.iter().take(*place).any(|other| other == *name))
        {
            return Err(FormFault::new(
                format!("/columns/{place}"),
                "同一列只写一次。",
                "Name each column once.",
            ));
        }
        if let ChannelForm::Fixed(channel) = &self.channel
            && check_identifier(channel).is_err()
        {
            return Err(FormFault::new(
                "/channel/fixed",
                "渠道标识须为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :",
                "A channel has 1 to 64 characters of A-Z a-z 0-9 - _ . :",
            ));
        }
        if let PriorityForm::Lookalike(run) = &self.priority
            && LookalikeId::parse(run).is_none()
        {
            return Err(FormFault::new(
                "/priority/lookalike",
                "这不是相似人群分析的标识（fk_ 开头）。",
                "This is not the id of a lookalike run, which begins with fk_.",
            ));
        }
        self.cap_rules().map(|_| ())
    }

    fn cap_rules(&self) -> Result<CapRules, FormFault> {
        let rule = |form: &CapForm| CapRule {
            channel: form.channel.clone(),
            region: form.region.clone(),
            members_max: form.members_max,
        };
        CapRules::new(self.caps.iter().map(rule).collect()).map_err(|error| match error {
            CapError::TooMany { .. } => FormFault::new(
                "/caps",
                format!("最多 {CAP_RULES_MAX} 条上限规则。"),
                format!("At most {CAP_RULES_MAX} caps."),
            ),
            CapError::Twice { index } => FormFault::new(
                format!("/caps/{index}"),
                "前面已有同一渠道和地区的上限，请合并为一条。",
                "A cap before this one is for the same channel and region; join them.",
            ),
        })
    }

    /// Days for which the list lives.
    pub fn life_days(&self) -> u32 {
        self.life_days.unwrap_or(LIFE_DAYS_DEFAULT)
    }

    /// The recipe of a checked request.
    ///
    /// # Errors
    /// When the caps cannot be used.
    pub fn recipe(
        &self,
        selection: &Selection,
        region_scope: Option<String>,
    ) -> Result<Recipe, FormFault> {
        let control = self.control.clone().unwrap_or_else(|| ControlForm {
            salt: salt_default(),
            permille: 0,
        });
        Ok(Recipe {
            rule: selection.rule.clone(),
            rule_version: selection.versions.rule.clone(),
            exclusion_version: selection.versions.exclusions.clone(),
            dataset_version: selection.reader.version().to_string(),
            contact_horizon: selection.versions.contact_horizon.clone(),
            as_of_unix_days: selection.today.unix_days(),
            region_scope,
            region_column: selection
                .reader
                .with_purpose(Purpose::Region)
                .map(|column| column.name.to_string()),
            class: selection.campaign.class,
            channel: match &self.channel {
                ChannelForm::Fixed(name) => ChannelChoice::Fixed(name.clone()),
                ChannelForm::Column(name) => ChannelChoice::Column(name.clone()),
            },
            priority: match &self.priority {
                PriorityForm::Draw => Priority::Draw,
                PriorityForm::Column(column) => Priority::Column {
                    name: column.name.clone(),
                    descending: matches!(column.order, DirectionForm::Descending),
                },
                PriorityForm::Lookalike(run_id) => Priority::Lookalike {
                    run_id: run_id.clone(),
                },
            },
            order_salt: self.order_salt.clone(),
            caps: self.cap_rules()?,
            over_cap: match self.over_cap {
                OverCapForm::Cut => OverCap::Cut,
                OverCapForm::Refuse => OverCap::Refuse,
            },
            control: Control {
                salt: control.salt,
                permille: control.permille,
            },
            batching: match self.batches {
                None => Batching::Whole,
                Some(BatchesForm::Size(size)) => Batching::OfSize(size),
                Some(BatchesForm::Count(count)) => Batching::Count(count),
            },
            columns: self.columns.clone(),
        })
    }
}
