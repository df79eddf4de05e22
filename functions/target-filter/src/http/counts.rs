//! Whom a selection means: counts, breakdowns, previews, reasons, reach.

use axum::Json;
use axum::extract::State;
use chudian_dataset::expression::names::fold;
use chudian_dataset::schema::{Column, ID_COLUMN, Kind};
use chudian_dataset::value::Value;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::masking::mask_numbers;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use chudian_vocabulary::{CustomerId, Language, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{App, REQUEST_BYTES_MAX, invalid_field};
use crate::exclusions::Moot;
use crate::service::breakdown::{self, GROUPS_MAX, divides, suppressed};
use crate::service::explain::{self, Explanation, value_text};
use crate::service::forms::SelectionForm;
use crate::service::prepare::{NotApplied, Prepared};
use crate::service::reach;
use crate::service::tally::{conditions, tally};
use crate::text;
use crate::wire::faults::doubt_text;

/// Customers of a preview when the request does not say.
const PREVIEW_ROWS_DEFAULT: usize = 20;
/// Most customers of a preview: a look, not a list.
const PREVIEW_ROWS_MAX: usize = 50;
/// Most columns of a preview.
const PREVIEW_COLUMNS_MAX: usize = 30;
/// Characters of a customer's id that a preview shows.
const ID_CHARACTERS_SHOWN: usize = 4;

/// A selection to be counted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CountRequest {
    /// Which customers.
    selection: SelectionForm,
    /// Whether to count every condition and every exclusion also by itself; costs a pass more for each.
    #[serde(default)]
    each: bool,
}

/// What an exclusion removes.
#[derive(Serialize, ToSchema)]
pub(super) struct WaterfallStep {
    /// The rule.
    rule: &'static str,
    /// The rule in words.
    title: Name,
    /// Its condition in words.
    condition: Name,
    /// Customers that it removes of what the rules before it left.
    removed: u64,
    /// Customers left after it.
    remaining: u64,
    /// Customers that it would remove alone; only with `each`.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_alone: Option<u64>,
}

/// How many customers a condition selects alone.
#[derive(Serialize, ToSchema)]
pub(super) struct ConditionCount {
    /// The condition in words.
    condition: Name,
    /// Customers that it selects alone.
    customers: u64,
}

/// A rule that is set and was not applied, or not whole.
#[derive(Serialize, ToSchema)]
pub(super) struct NotAppliedRule {
    /// The rule.
    rule: &'static str,
    /// The rule in words.
    title: Name,
    /// `needs-business`, `needs-channel`, `diversion-only`, `column-missing`, or `column-missing-in-part` of a rule that holds with the columns
    /// that are there.
    reason: &'static str,
    /// Columns that the dataset lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
}

/// Something that can be evaluated but was hardly meant.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeBody {
    /// Stable code.
    code: &'static str,
    /// What is doubtful.
    text: Name,
}

/// How many customers a selection means.
#[derive(Serialize, ToSchema)]
pub(super) struct CountAnswer {
    /// Dataset version.
    dataset: String,
    /// Day of the question.
    as_of: String,
    /// The exclusion set and its version; absent when there is none or the request brought its own rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusion_set: Option<String>,
    /// Customers that exist for the key.
    customers: u64,
    /// Customers that the expression selects.
    selected: u64,
    /// Those whom no exclusion removes.
    remaining: u64,
    /// What each exclusion removes, in order.
    waterfall: Vec<WaterfallStep>,
    /// What each condition selects alone; only with `each`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<ConditionCount>,
    /// Rules that are set and were not applied, or not whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_applied: Vec<NotAppliedRule>,
    /// What is doubtful in the expression.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<NoticeBody>,
    /// Segments of the dataset.
    segments: usize,
    /// Segments that statistics alone decided, without reading a column.
    segments_decided: usize,
}

/// Count a selection
///
/// With the waterfall of its exclusions. A key of one region counts that region's customers.
#[utoipa::path(
    post, path = "/count", tag = "filter", operation_id = "count_selection", request_body = CountRequest,
    responses((status = 200, description = "How many", body = CountAnswer))
)]
pub(super) async fn count(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<CountRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<CountAnswer>, Problem> {
    let prepared = prepare(&app, &request.selection, &caller).await?;
    let tally = tally(&prepared, request.each).await?;
    let mut left = tally.selected;
    let steps =
        prepared
            .exclusions
            .iter()
            .zip(&tally.removed)
            .map(|(exclusion, (removed, alone))| {
                left -= removed;
                WaterfallStep {
                    rule: exclusion.rule.word(),
                    title: exclusion.rule.title(),
                    condition: in_words(|language| {
                        text::print(&exclusion.condition, &prepared.columns, language)
                    }),
                    removed: *removed,
                    remaining: left,
                    removed_alone: request.each.then_some(*alone),
                }
            });
    let waterfall = steps.collect();
    let parts = conditions(&prepared.expression, &prepared.binding.bound);
    let counted = parts
        .into_iter()
        .zip(&tally.conditions)
        .map(|((part, _), customers)| ConditionCount {
            condition: in_words(|language| text::print(part, &prepared.columns, language)),
            customers: *customers,
        });
    Ok(Json(CountAnswer {
        dataset: prepared.reader.version().to_string(),
        as_of: prepared.today.to_string(),
        exclusion_set: prepared.exclusion_set.clone(),
        customers: tally.customers,
        selected: tally.selected,
        remaining: tally.remaining,
        waterfall,
        conditions: counted.collect(),
        not_applied: not_applied(&prepared),
        notices: notices(&prepared),
        segments: tally.segments.0,
        segments_decided: tally.segments.1,
    }))
}

async fn prepare(app: &App, form: &SelectionForm, caller: &Caller) -> Result<Prepared, Problem> {
    app.filter.prepare(form, caller, "/selection").await
}

fn in_words(told: impl Fn(Language) -> String) -> Name {
    Name::new(told(Language::Chinese), told(Language::English))
}

fn not_applied(prepared: &Prepared) -> Vec<NotAppliedRule> {
    let rules = prepared.not_applied.iter().map(|(rule, why)| {
        let (reason, columns) = match why {
            NotApplied::Moot(Moot::NeedsBusiness) => ("needs-business", Vec::new()),
            NotApplied::Moot(Moot::NeedsChannel) => ("needs-channel", Vec::new()),
            NotApplied::Moot(Moot::DiversionOnly) => ("diversion-only", Vec::new()),
            NotApplied::Missing(columns) => ("column-missing", columns.clone()),
            NotApplied::MissingInPart(columns) => ("column-missing-in-part", columns.clone()),
        };
        NotAppliedRule {
            rule: rule.word(),
            title: rule.title(),
            reason,
            columns,
        }
    });
    rules.collect()
}

pub(super) fn notice_body(doubt: &chudian_dataset::expression::bind::Doubt) -> NoticeBody {
    let (code, text) = doubt_text(doubt);
    NoticeBody { code, text }
}

fn notices(prepared: &Prepared) -> Vec<NoticeBody> {
    prepared
        .notices()
        .iter()
        .map(|notice| notice_body(&notice.doubt))
        .collect()
}

/// A selection to be broken down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakdownRequest {
    /// Which customers.
    selection: SelectionForm,
    /// One or two columns of words or of yes and no, by name or title.
    columns: Vec<String>,
    /// Whether the table leaves the department: groups under ten customers are hidden then, with as many others as it takes
    /// to keep them from being found by subtraction.
    #[serde(default = "yes")]
    leaves_department: bool,
}

const fn yes() -> bool {
    true
}

/// One group.
#[derive(Serialize, ToSchema)]
pub(super) struct BreakdownCell {
    /// The value of each column; null where it is not known.
    values: Vec<Option<String>>,
    /// The same in words.
    titles: Vec<Name>,
    /// Customers; null when hidden.
    customers: Option<u64>,
}

/// How a selection divides.
#[derive(Serialize, ToSchema)]
pub(super) struct BreakdownAnswer {
    /// Dataset version.
    dataset: String,
    /// Names of the columns.
    columns: Vec<String>,
    /// Customers after the exclusions; null when fewer than ten and the table leaves the department.
    customers: Option<u64>,
    /// The groups that occur.
    groups: Vec<BreakdownCell>,
    /// Groups whose number is hidden.
    hidden: usize,
}

/// Break a selection down by columns
///
/// Counts by the values of one or two columns of words or of yes and no.
#[utoipa::path(
    post, path = "/breakdown", tag = "filter", operation_id = "break_selection_down", request_body = BreakdownRequest,
    responses((status = 200, description = "The groups", body = BreakdownAnswer))
)]
pub(super) async fn breakdown(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<BreakdownRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<BreakdownAnswer>, Problem> {
    let prepared = prepare(&app, &request.selection, &caller).await?;
    if !(1..=breakdown::COLUMNS_MAX).contains(&request.columns.len()) {
        return Err(invalid_field(
            "/columns",
            Name::new("请给出一或两列。", "Name one or two columns."),
        ));
    }
    let mut columns = Vec::new();
    for (index, written) in request.columns.iter().enumerate() {
        let pointer = format!("/columns/{index}");
        let column = column_of(&prepared.columns, written, &pointer)?;
        if !divides(column) {
            let detail = Name::new(
                "只能按文字列或是/否列分组。",
                "Only columns of words or of yes and no divide customers into groups.",
            );
            return Err(invalid_field(&pointer, detail));
        }
        columns.push(column.clone());
    }
    let Some(groups) = breakdown::breakdown(&prepared, &columns).await? else {
        let detail = Name::new(
            format!("分组超过 {GROUPS_MAX} 个，请换一列或先缩小范围。"),
            format!(
                "There are more than {GROUPS_MAX} groups; choose another column or narrow the selection."
            ),
        );
        return Err(invalid_field("/columns", detail));
    };
    let total: u64 = groups.values().sum();
    let cells = if request.leaves_department {
        suppressed(groups)
    } else {
        groups
            .into_iter()
            .map(|(values, customers)| breakdown::Cell {
                values,
                customers: Some(customers),
            })
            .collect()
    };
    let is_told =
        !request.leaves_department || total == 0 || total >= breakdown::GROUP_CUSTOMERS_MIN;
    let hidden = cells.iter().filter(|cell| cell.customers.is_none()).count();
    let titled = cells.into_iter().map(|cell| BreakdownCell {
        titles: cell
            .values
            .iter()
            .zip(&columns)
            .map(|(value, column)| title_of(column, value.as_deref()))
            .collect(),
        values: cell.values,
        customers: cell.customers,
    });
    Ok(Json(BreakdownAnswer {
        dataset: prepared.reader.version().to_string(),
        columns: columns
            .iter()
            .map(|column| column.name.to_string())
            .collect(),
        customers: is_told.then_some(total),
        groups: titled.collect(),
        hidden,
    }))
}

fn title_of(column: &Column, value: Option<&str>) -> Name {
    match (column.kind, value) {
        (_, None) => Name::new("未知", "not known"),
        (Kind::Flag, Some("true")) => Name::new("是", "yes"),
        (Kind::Flag, Some(_)) => Name::new("否", "no"),
        (_, Some(word)) => column
            .group_title(word)
            .cloned()
            .unwrap_or_else(|| Name::new(word, word)),
    }
}

/// A column by its name or one of its titles, for what is not a condition.
fn column_of<'c>(
    columns: &'c [Column],
    written: &str,
    pointer: &str,
) -> Result<&'c Column, Problem> {
    let wanted = fold(written);
    let by_name = columns.iter().find(|column| column.name.as_str() == wanted);
    let titled: Vec<&Column> = columns
        .iter()
        .filter(|column| fold(&column.title.zh) == wanted || fold(&column.title.en) == wanted)
        .collect();
    match (by_name, titled.as_slice()) {
        (Some(column), _) => Ok(column),
        (None, [column]) => Ok(*column),
        (None, _) => {
            let detail = Name::new(
                "数据集没有这一列，或名称不唯一；请用列名。",
                "The dataset has no such column, or several; use a column's name.",
            );
            Err(invalid_field(pointer, detail))
        }
    }
}

/// A selection to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewRequest {
    /// Which customers.
    selection: SelectionForm,
    /// Columns that are shown, by name or title; the first of the dataset when absent.
    #[serde(default)]
    columns: Vec<String>,
    /// Customers that are shown, at most 50.
    #[serde(default)]
    limit: Option<usize>,
}

/// A customer of a preview.
#[derive(Serialize, ToSchema)]
pub(super) struct PreviewRow {
    /// The beginning of the customer's id.
    customer: String,
    /// The values in words, in the order of the columns.
    values: Vec<Name>,
}

/// A look at some of the customers that are meant.
#[derive(Serialize, ToSchema)]
pub(super) struct PreviewAnswer {
    /// Dataset version.
    dataset: String,
    /// Names of the columns.
    columns: Vec<String>,
    /// The customers.
    rows: Vec<PreviewRow>,
}

/// Look at some customers of a selection, masked
///
/// Ids are shortened and telephone numbers in texts masked: nobody can be looked up by what is shown.
#[utoipa::path(
    post, path = "/preview", tag = "filter", operation_id = "preview_selection", request_body = PreviewRequest,
    responses((status = 200, description = "Some customers", body = PreviewAnswer))
)]
pub(super) async fn preview(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<PreviewRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<PreviewAnswer>, Problem> {
    let limit = request.limit.unwrap_or(PREVIEW_ROWS_DEFAULT);
    if !(1..=PREVIEW_ROWS_MAX).contains(&limit) {
        let detail = Name::new(
            format!("应为 1 至 {PREVIEW_ROWS_MAX}。"),
            format!("Must be 1 to {PREVIEW_ROWS_MAX}."),
        );
        return Err(invalid_field("/limit", detail));
    }
    let prepared = prepare(&app, &request.selection, &caller).await?;
    let columns = preview_columns(&prepared, &request.columns)?;
    let mut rows = Vec::new();
    for segment in 0..prepared.reader.segment_count() {
        let remaining = prepared.rows(segment, false).await?.remaining;
        if remaining.count() == 0 {
            continue;
        }
        let ids = prepared.reader.column(segment, ID_COLUMN).await?;
        let mut data = Vec::with_capacity(columns.len());
        for column in &columns {
            data.push(
                prepared
                    .reader
                    .column(segment, column.name.as_str())
                    .await?,
            );
        }
        for row in remaining.iter().take(limit - rows.len()) {
            let values = columns.iter().zip(&data).map(|(column, data)| {
                let value = data.value(row);
                in_words(|language| {
                    mask_numbers(&value_text(column, value.as_ref(), language)).into_owned()
                })
            });
            rows.push(PreviewRow {
                customer: shortened(ids.value(row)),
                values: values.collect(),
            });
        }
        if rows.len() >= limit {
            break;
        }
    }
    Ok(Json(PreviewAnswer {
        dataset: prepared.reader.version().to_string(),
        columns: columns
            .iter()
            .map(|column| column.name.to_string())
            .collect(),
        rows,
    }))
}

fn preview_columns(prepared: &Prepared, written: &[String]) -> Result<Vec<Column>, Problem> {
    if written.len() > PREVIEW_COLUMNS_MAX {
        let detail = Name::new(
            format!("最多 {PREVIEW_COLUMNS_MAX} 列。"),
            format!("At most {PREVIEW_COLUMNS_MAX} columns."),
        );
        return Err(invalid_field("/columns", detail));
    }
    let mut columns = Vec::new();
    for (index, name) in written.iter().enumerate() {
        let pointer = format!("/columns/{index}");
        let column = column_of(&prepared.columns, name, &pointer)?;
        if column.kind == Kind::Identity {
            let detail = Name::new(
                "客户标识总是缩短显示，不必列出。",
                "The id is always shown, shortened; leave it out.",
            );
            return Err(invalid_field(&pointer, detail));
        }
        columns.push(column.clone());
    }
    if columns.is_empty() {
        let shown = prepared
            .columns
            .iter()
            .filter(|column| column.kind != Kind::Identity);
        columns = shown.take(PREVIEW_COLUMNS_MAX).cloned().collect();
    }
    Ok(columns)
}

fn shortened(id: Option<Value>) -> String {
    match id {
        Some(Value::Identity(customer)) => {
            let text = customer.to_string();
            format!(
                "{}…",
                text.chars().take(ID_CHARACTERS_SHOWN).collect::<String>()
            )
        }
        _ => String::new(),
    }
}

/// A customer to be explained.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest {
    /// Which customers.
    selection: SelectionForm,
    /// The customer's id.
    customer_id: String,
}

/// Why one customer is in or out
///
/// Every condition and every exclusion with what it found, in words of both languages. The look is recorded.
#[utoipa::path(
    post, path = "/explain", tag = "filter", operation_id = "explain_selection", request_body = ExplainRequest,
    responses((status = 200, description = "The reasons", body = Explanation))
)]
pub(super) async fn explain(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    JsonBody { value: request, .. }: JsonBody<ExplainRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<Explanation>, Problem> {
    let customer: CustomerPseudonym = request.customer_id.parse().map_err(|_| {
        let detail = Name::new(
            "客户标识为 26 个 a-z、2-7 字符。",
            "A customer id has 26 characters of a-z and 2-7.",
        );
        invalid_field("/customer_id", detail)
    })?;
    let prepared = prepare(&app, &request.selection, &caller).await?;
    let row = prepared.reader.customer(customer).await?;
    let row = row
        .filter(|row| is_visible(&prepared, row, &caller))
        .ok_or_else(|| {
            let detail = Name::new(
                "没有这个客户，请检查客户标识。",
                "There is no such customer; check the customer id.",
            );
            Problem::new(catalogue::CUSTOMER_UNKNOWN, detail)
        })?;
    let id = CustomerId::new(customer.to_string())
        .map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(&caller, &id, "explain", &request_id)
        .await?;
    Ok(Json(explain::explain(&prepared, &row)))
}

/// Whether the customer belongs to the caller's region.
fn is_visible(
    prepared: &Prepared,
    row: &chudian_runtime::dataset::CustomerRow,
    caller: &Caller,
) -> bool {
    let Some(region) = &caller.region else {
        return true;
    };
    let place = prepared
        .columns
        .iter()
        .position(|column| column.purpose == Some(chudian_dataset::schema::Purpose::Region));
    let value = place
        .and_then(|place| row.values.get(place))
        .and_then(Option::as_ref);
    matches!(value, Some(Value::Word(word)) if word == region.as_str())
}

/// A selection whose reach is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReachRequest {
    /// Which customers. The channels of the selection are those that are estimated; all when it names none.
    selection: SelectionForm,
}

/// What a channel can do.
#[derive(Serialize, ToSchema)]
pub(super) struct ChannelReach {
    /// The channel.
    channel: Channel,
    /// The channel in words.
    title: Name,
    /// Customers after the exclusions.
    remaining: u64,
    /// Of these, who opted out of the channel or of all marketing; absent when the dataset tells neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    opted_out: Option<u64>,
    /// Of these, who was approached on it within its interval; absent when none is set or the dataset does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    within_interval: Option<u64>,
    /// Who may be approached on it.
    allowed: u64,
    /// Of a thousand past contacts with them on this channel, how many succeeded; absent when the dataset does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    success_permille: Option<u64>,
    /// How many of them are likely to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u64>,
}

/// How many each channel may reach.
#[derive(Serialize, ToSchema)]
pub(super) struct ReachAnswer {
    /// Dataset version.
    dataset: String,
    /// The channels.
    channels: Vec<ChannelReach>,
}

/// Estimate how many of a selection each channel reaches
#[utoipa::path(
    post, path = "/reach", tag = "filter", operation_id = "estimate_reach", request_body = ReachRequest,
    responses((status = 200, description = "The channels", body = ReachAnswer))
)]
pub(super) async fn reach(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<ReachRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<ReachAnswer>, Problem> {
    let prepared = prepare(&app, &request.selection, &caller).await?;
    let named = &prepared.campaign.channels;
    let channels: &[Channel] = if named.is_empty() {
        Channel::ALL
    } else {
        named
    };
    let reached = reach::reach(&prepared, channels).await?;
    let channels = reached.into_iter().map(|reach| ChannelReach {
        channel: reach.channel,
        title: reach.channel.name(),
        remaining: reach.remaining,
        opted_out: reach.opted_out,
        within_interval: reach.within_interval,
        allowed: reach.allowed,
        success_permille: reach.success_permille,
        expected: reach.expected,
    });
    Ok(Json(ReachAnswer {
        dataset: prepared.reader.version().to_string(),
        channels: channels.collect(),
    }))
}
