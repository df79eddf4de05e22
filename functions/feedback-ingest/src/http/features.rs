//! The contact features of all customers, for a layer of the dataset (TF-1, TF-3): which columns say something, and their values page by page.
//!
//! Nothing is kept between the requests: a page is folded from the log when it is asked for, as of the horizon that the request names, so whoever
//! asks may ask again, in any order and from any machine.

use axum::Json;
use axum::extract::State;
use chudian_dataset::contact::WINDOWS_DAYS_USUAL;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::{Date, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{App, rfc3339};
use crate::features::{
    Feature, FeatureKind, FeaturePlan, FeatureValue, PlanError, layout as layout_of,
};
use crate::limits::{FEATURE_COLUMNS_MAX, FEATURE_CUSTOMERS_MAX, SETTLING_MS};
use crate::store::CustomerRange;
use crate::timing::moment;

/// Largest request: the names of all columns, with room.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A column.
#[derive(Serialize, ToSchema)]
pub(super) struct FeatureColumn {
    /// Its name.
    name: String,
    /// What stands in it: `integer`, `date` or `flag`.
    kind: &'static str,
}

/// The columns that say something.
#[derive(Serialize, ToSchema)]
pub(super) struct FeatureLayout {
    /// Events that came before this moment can be asked for: a minute ago, because a commit shows its events some seconds after their stamp. RFC
    /// 3339.
    horizon: String,
    /// The columns.
    columns: Vec<FeatureColumn>,
    /// Columns that are left out because a layer has room for so many only; they can be asked for by name.
    columns_left_out: usize,
    /// Codes of businesses, by channel and kind, after which no column can be named.
    businesses_without_columns: usize,
}

/// A page that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeatureRequest {
    /// Events that came before this moment count, RFC 3339.
    horizon: String,
    /// The columns, in the order of the answer's values.
    columns: Vec<String>,
    /// Only customers behind this one: `next` of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Only this customer and those behind it.
    #[serde(default)]
    from: Option<String>,
    /// Only customers before this one.
    #[serde(default)]
    before: Option<String>,
    /// Customers on the page, 1 to 500.
    #[serde(default)]
    limit: Option<u32>,
}

/// A value: a whole number, a day `YYYY-MM-DD`, yes or no, or null where there is no such day.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FeatureAnswer {
    /// So many.
    Count(i64),
    /// A day.
    Day(String),
    /// Yes or no.
    Flag(bool),
    /// No such day.
    Nothing(()),
}

/// A customer.
#[derive(Serialize, ToSchema)]
pub(super) struct FeaturesOfCustomer {
    /// The pseudonym, as events name it.
    customer_id: String,
    /// The values, in the order of the columns.
    values: Vec<FeatureAnswer>,
}

/// A page of customers.
#[derive(Serialize, ToSchema)]
pub(super) struct FeaturePage {
    /// Customers with an event or an order.
    customers: Vec<FeaturesOfCustomer>,
    /// Where the next page begins; absent behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Columns of contact features
///
/// Those that say something, judged by the daily sums. Needs a key for the whole province.
#[utoipa::path(
    get, path = "/contact-features", tag = "contact features", operation_id = "contact_feature_columns",
    responses((status = 200, description = "The columns and the latest horizon", body = FeatureLayout))
)]
pub(super) async fn layout(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<FeatureLayout>, Problem> {
    check_province(&caller)?;
    let (occurred, businesses_without_columns) = app.store.occurrences().await?;
    let mut features = layout_of(&occurred, &WINDOWS_DAYS_USUAL);
    let columns_left_out = features.len().saturating_sub(FEATURE_COLUMNS_MAX);
    features.truncate(FEATURE_COLUMNS_MAX);
    let columns = features
        .iter()
        .map(|feature| FeatureColumn {
            name: feature.column(),
            kind: kind_word(feature.kind()),
        })
        .collect();
    Ok(Json(FeatureLayout {
        horizon: rfc3339(app.store.now_unix_ms() - SETTLING_MS)?,
        columns,
        columns_left_out,
        businesses_without_columns,
    }))
}

/// A page of contact features
///
/// Of customers in the order of their ids. A request changes nothing and may be repeated.
#[utoipa::path(
    post, path = "/contact-features", tag = "contact features", operation_id = "contact_features",
    request_body = FeatureRequest,
    responses((status = 200, description = "The features of some customers", body = FeaturePage))
)]
pub(super) async fn page(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: form, .. }: JsonBody<FeatureRequest, BODY_BYTES_MAX>,
) -> Result<Json<FeaturePage>, Problem> {
    check_province(&caller)?;
    let plan = plan_of(&form, app.store.now_unix_ms())?;
    let limit = form.limit.unwrap_or(FEATURE_CUSTOMERS_MAX);
    if !(1..=FEATURE_CUSTOMERS_MAX).contains(&limit) {
        let detail = Name::new(
            format!("每页 1 到 {FEATURE_CUSTOMERS_MAX} 名客户。"),
            format!("A page has 1 to {FEATURE_CUSTOMERS_MAX} customers."),
        );
        return Err(invalid("/limit".to_owned(), detail));
    }
    let range = CustomerRange {
        after: form.after.as_deref(),
        from: form.from.as_deref(),
        before: form.before.as_deref(),
    };
    let facts = app
        .store
        .customer_facts(range, &plan, i64::from(limit))
        .await?;
    let is_full = facts.len() == limit as usize;
    let next = facts
        .last()
        .filter(|_| is_full)
        .map(|(customer, _)| customer.clone());
    let customers = facts
        .into_iter()
        .map(|(customer_id, facts)| FeaturesOfCustomer {
            customer_id,
            values: plan.fold(&facts).into_iter().map(shown).collect(),
        })
        .collect();
    Ok(Json(FeaturePage { customers, next }))
}

/// A layer is for the whole province, so a key of one region cannot make it.
fn check_province(caller: &Caller) -> Result<(), Problem> {
    if caller.region.is_none() {
        return Ok(());
    }
    let detail = Name::new(
        "只有全省的密钥可以读取全部客户的接触特征。",
        "Only a key for the whole province reads the contact features of all customers.",
    );
    Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail))
}

fn plan_of(form: &FeatureRequest, now_unix_ms: i64) -> Result<FeaturePlan, Problem> {
    let horizon = moment(&form.horizon)
        .filter(|horizon| *horizon <= now_unix_ms)
        .ok_or_else(|| {
            let detail = Name::new(
                "截止时刻应为不晚于现在的 RFC 3339 时间。",
                "A horizon is an RFC 3339 moment that is not in the future.",
            );
            invalid("/horizon".to_owned(), detail)
        })?;
    if !(1..=FEATURE_COLUMNS_MAX).contains(&form.columns.len()) {
        let detail = Name::new(
            format!("一次 1 到 {FEATURE_COLUMNS_MAX} 列。"),
            format!("1 to {FEATURE_COLUMNS_MAX} columns at a time."),
        );
        return Err(invalid("/columns".to_owned(), detail));
    }
    let mut features = Vec::with_capacity(form.columns.len());
    for (index, name) in form.columns.iter().enumerate() {
        let feature = Feature::parse(name).ok_or_else(|| {
            let detail = Name::new(
                "事件不能得出这一列；列名见参考文档。",
                "No event tells this column; the reference has the names.",
            );
            invalid(format!("/columns/{index}"), detail)
        })?;
        features.push(feature);
    }
    FeaturePlan::new(features, horizon).map_err(|error| {
        let (pointer, detail) = match error {
            PlanError::Horizon => (
                "/horizon",
                Name::new(
                    "截止时刻超出日历范围。",
                    "The horizon is outside the calendar.",
                ),
            ),
            PlanError::TooManyWindows => (
                "/columns",
                Name::new(
                    "时间窗过多，请分次查询。",
                    "Too many windows; ask in parts.",
                ),
            ),
        };
        invalid(pointer.to_owned(), detail)
    })
}

fn invalid(pointer: String, detail: Name) -> Problem {
    let error = FieldError {
        pointer,
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}

const fn kind_word(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Count => "integer",
        FeatureKind::Day => "date",
        FeatureKind::Flag => "flag",
    }
}

fn shown(value: Option<FeatureValue>) -> FeatureAnswer {
    match value {
        None => FeatureAnswer::Nothing(()),
        Some(FeatureValue::Count(count)) => FeatureAnswer::Count(count),
        Some(FeatureValue::Flag(flag)) => FeatureAnswer::Flag(flag),
        Some(FeatureValue::Day(days)) => match Date::of_unix_days(days) {
            Some(day) => FeatureAnswer::Day(day.to_string()),
            None => FeatureAnswer::Nothing(()),
        },
    }
}
