//! The contact view of one customer (FI-3): time line, figures, orders.
//!
//! What was said and by whom is shown to those who serve the customer and to administrators; others see that there was a contact and
//! how it ended. Every look is recorded.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::access::Role;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::{EventKind, Outcome};
use chudian_vocabulary::{CustomerId, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::{customer_in_path, customer_unknown, invalid_query, role_of};
use super::{App, rfc3339};
use crate::order::Step;
use crate::store::{Contact, ContactFilter, ContactPlace, CustomerOrder, OrderPlace};
use crate::summary::{Line, Summary, WINDOW_COUNT, WINDOWS_DAYS};
use crate::timing::moment;

/// Query of the time line.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContactsQuery {
    /// Kinds, separated by commas; absent: the five kinds of contact; `all`: every kind.
    kind: Option<String>,
    /// Only on this channel.
    channel: Option<String>,
    /// Only from this moment on, RFC 3339.
    from: Option<String>,
    /// Only before this moment, RFC 3339.
    to: Option<String>,
    /// Contacts on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Query of a list without conditions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Items on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A contact of the time line.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactAnswer {
    /// When it happened, RFC 3339.
    at: String,
    /// When it came, RFC 3339.
    recorded_at: String,
    /// What happened.
    kind: EventKind,
    /// Where.
    channel: Channel,
    /// How it ended.
    outcome: Outcome,
    /// The customer's region.
    region: String,
    /// Business, plan or product.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<String>,
    /// Campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// Batch of the campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    /// How long it took, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_s: Option<i64>,
    /// Number of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// Number of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    /// Point of the voice menu.
    #[serde(skip_serializing_if = "Option::is_none")]
    menu: Option<String>,
    /// Who served the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<String>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Why it ended so.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Keys that were pressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<String>,
    /// Page that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// Fields that are there and not shown to this role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    masked: Vec<&'static str>,
    /// Remarks: `late`, `very-old`, `clock-ahead`, `without-time`, `number-masked`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<&'static str>,
}

/// Counts in windows of time.
#[derive(Serialize, ToSchema)]
pub(super) struct Windowed {
    /// The last 30 days.
    #[schema(rename = "30d")]
    #[serde(rename = "30d")]
    first: Option<i64>,
    /// The last 90 days.
    #[schema(rename = "90d")]
    #[serde(rename = "90d")]
    second: Option<i64>,
    /// The last 365 days.
    #[schema(rename = "365d")]
    #[serde(rename = "365d")]
    third: Option<i64>,
    /// All time.
    ever: Option<i64>,
}

/// Figures of some of a customer's events.
#[derive(Serialize, ToSchema)]
pub(super) struct FiguresAnswer {
    /// Channel, where the figures are of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    /// Kind, where the figures are of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<EventKind>,
    /// Events.
    count: Windowed,
    /// Of those that ended, the successful ones per mille; null without any.
    success_permille: Windowed,
    /// Of those that ended, those with the customer reached per mille; null without any.
    reached_permille: Windowed,
    /// When the last one was, RFC 3339.
    last_at: String,
}

/// A customer's contacts in figures.
#[derive(Serialize, ToSchema)]
pub(super) struct SummaryAnswer {
    /// The moment from which the windows reach back, RFC 3339.
    as_of: String,
    /// Everything.
    total: FiguresAnswer,
    /// By channel.
    by_channel: Vec<FiguresAnswer>,
    /// By kind.
    by_kind: Vec<FiguresAnswer>,
    /// By channel and kind.
    by_channel_and_kind: Vec<FiguresAnswer>,
}

/// A step of an order.
#[derive(Serialize, ToSchema)]
pub(super) struct StepAnswer {
    /// When, RFC 3339.
    at: String,
    /// Where.
    channel: Channel,
    /// Who placed the order, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<&'static str>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_by: Option<&'static str>,
    /// When it ends by itself, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderAnswer {
    /// Number of the order.
    order_id: String,
    /// What was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<String>,
    /// The campaign that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    /// How it stands now: `on-trial`, `active`, `cancelled` or `expired`.
    standing: &'static str,
    /// When it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<StepAnswer>,
    /// When it was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<StepAnswer>,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<StepAnswer>,
}

/// Time line of a customer, newest first
#[utoipa::path(
    get, path = "/customers/{customer_id}/contacts", tag = "contact view", operation_id = "list_contacts",
    params(("customer_id" = String, Path, description = "Pseudonym"), ContactsQuery),
    responses((status = 200, description = "A page of contacts", body = Page<ContactAnswer>))
)]
pub(super) async fn contacts(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<ContactsQuery>,
) -> Result<Json<Page<ContactAnswer>>, Problem> {
    let customer = customer_in_path(&id)?;
    let request = PageRequest::<ContactPlace>::new(query.limit, query.cursor.as_deref())?;
    let filter = filter_of(&query)?;
    let rows = app
        .store
        .contacts(
            &customer,
            &caller,
            &filter,
            request.after.as_ref(),
            request.rows_to_read(),
        )
        .await?;
    app.about_to_show(&customer, &caller, &request_id, "contacts", rows.is_empty())
        .await?;
    let page = request.page(rows, |contact| {
        let identity = contact.identity;
        (contact.at_unix_ms, identity.high, identity.low)
    });
    let sees_words = sees_words(role_of(&caller)?);
    let items = page
        .items
        .into_iter()
        .map(|contact| contact_shown(contact, sees_words))
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A customer's contacts in figures
#[utoipa::path(
    get, path = "/customers/{customer_id}/contact-summary", tag = "contact view", operation_id = "contact_summary",
    params(("customer_id" = String, Path, description = "Pseudonym")),
    responses((status = 200, description = "Counts, rates and recency by channel and kind", body = SummaryAnswer))
)]
pub(super) async fn summary(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
) -> Result<Json<SummaryAnswer>, Problem> {
    let customer = customer_in_path(&id)?;
    let cells = app.store.contact_cells(&customer, &caller).await?;
    if cells.is_empty() {
        return Err(customer_unknown());
    }
    app.about_to_show(&customer, &caller, &request_id, "contact-summary", false)
        .await?;
    let summary = Summary::of(&cells);
    let by_channel = summary
        .by_channel
        .iter()
        .map(|(channel, line)| figures(Some(*channel), None, line));
    let by_kind = summary
        .by_kind
        .iter()
        .map(|(kind, line)| figures(None, Some(*kind), line));
    let by_both = summary
        .by_channel_and_kind
        .iter()
        .map(|((channel, kind), line)| figures(Some(*channel), Some(*kind), line));
    Ok(Json(SummaryAnswer {
        as_of: rfc3339(app.store.now_unix_ms())?,
        total: figures(None, None, &summary.total)?,
        by_channel: by_channel.collect::<Result<_, _>>()?,
        by_kind: by_kind.collect::<Result<_, _>>()?,
        by_channel_and_kind: by_both.collect::<Result<_, _>>()?,
    }))
}

/// Orders of a customer, by number
#[utoipa::path(
    get, path = "/customers/{customer_id}/orders", tag = "contact view", operation_id = "list_orders",
    params(("customer_id" = String, Path, description = "Pseudonym"), PageQuery),
    responses((status = 200, description = "A page of orders", body = Page<OrderAnswer>))
)]
pub(super) async fn orders(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<OrderAnswer>>, Problem> {
    let customer = customer_in_path(&id)?;
    let request = PageRequest::<OrderPlace>::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .store
        .orders(
            &customer,
            &caller,
            request.after.as_ref(),
            request.rows_to_read(),
        )
        .await?;
    app.about_to_show(&customer, &caller, &request_id, "orders", rows.is_empty())
        .await?;
    let page = request.page(rows, |order| (order.order_id.clone(),));
    let now_unix_ms = app.store.now_unix_ms();
    let items = page
        .items
        .into_iter()
        .map(|order| order_shown(order, now_unix_ms))
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

impl App {
    /// Records a look at a customer before the answer leaves. Where there is nothing to show, the customer must at least exist for the
    /// caller.
    async fn about_to_show(
        &self,
        customer: &CustomerId,
        caller: &Caller,
        request_id: &RequestId,
        action: &'static str,
        is_empty: bool,
    ) -> Result<(), Problem> {
        if is_empty && !self.store.knows_customer(customer, caller).await? {
            return Err(customer_unknown());
        }
        self.personal_access
            .record(caller, customer, action, request_id)
            .await?;
        Ok(())
    }
}

fn filter_of(query: &ContactsQuery) -> Result<ContactFilter, Problem> {
    let unknown = |parameter: &str, words: &[&str]| {
        let words = words.join(", ");
        let detail = Name::new(
            format!("没有这个取值；可用的取值：{words}"),
            format!("Not a known word; one of {words}"),
        );
        invalid_query(parameter, detail)
    };
    let kinds = match query.kind.as_deref() {
        None => EventKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_contact())
            .collect(),
        Some("all") => Vec::new(),
        Some(words) => words
            .split(',')
            .take(EventKind::ALL.len())
            .map(|word| {
                word.trim()
                    .parse()
                    .map_err(|_| unknown("kind", EventKind::CODES))
            })
            .collect::<Result<_, _>>()?,
    };
    let channel = query
        .channel
        .as_deref()
        .map(|word| word.parse().map_err(|_| unknown("channel", Channel::CODES)))
        .transpose()?;
    let time = |parameter: &str, text: &Option<String>| {
        text.as_deref()
            .map(|text| {
                moment(text)
                    .ok_or_else(|| invalid_query(parameter, crate::fault::Fault::TimeForm.text()))
            })
            .transpose()
    };
    Ok(ContactFilter {
        kinds,
        channel,
        from_unix_ms: time("from", &query.from)?,
        to_unix_ms: time("to", &query.to)?,
    })
}

/// Whether this role serves customers and so sees what was said and by whom (PR-2).
const fn sees_words(role: Role) -> bool {
    matches!(role, Role::Hall | Role::Admin)
}

fn contact_shown(contact: Contact, sees_words: bool) -> Result<ContactAnswer, Problem> {
    let details = contact.details;
    let mut masked = Vec::new();
    let mut words = |name: &'static str, value: Option<String>| {
        if sees_words {
            return value;
        }
        if value.is_some() {
            masked.push(name);
        }
        None
    };
    let staff = words("staff", details.staff);
    let content = words("content", details.content);
    let reason = words("reason", details.reason);
    let keys = words("keys", details.keys);
    let page = words("page", details.page);
    Ok(ContactAnswer {
        at: rfc3339(contact.at_unix_ms)?,
        recorded_at: rfc3339(contact.recorded_unix_ms)?,
        kind: contact.kind,
        channel: contact.channel,
        outcome: contact.outcome,
        region: contact.region,
        business: contact.business,
        campaign: contact.campaign,
        batch: contact.batch,
        duration_s: contact.duration_s,
        order_id: details.order_id,
        message_id: details.message_id,
        menu: details.menu,
        staff,
        content,
        reason,
        keys,
        page,
        masked,
        flags: contact.flags.codes(),
    })
}

fn windowed(values: [Option<i64>; WINDOW_COUNT]) -> Windowed {
    const { assert!(WINDOWS_DAYS[0] == 30 && WINDOWS_DAYS[1] == 90 && WINDOWS_DAYS[2] == 365) };
    let [first, second, third, ever] = values;
    Windowed {
        first,
        second,
        third,
        ever,
    }
}

fn figures(
    channel: Option<Channel>,
    kind: Option<EventKind>,
    line: &Line,
) -> Result<FiguresAnswer, Problem> {
    Ok(FiguresAnswer {
        channel,
        kind,
        count: windowed(line.events.map(Some)),
        success_permille: windowed(line.success_permille()),
        reached_permille: windowed(line.reached_permille()),
        last_at: rfc3339(line.last_at_unix_ms)?,
    })
}

fn step_shown(step: &Step) -> Result<StepAnswer, Problem> {
    Ok(StepAnswer {
        at: rfc3339(step.at_unix_ms)?,
        channel: step.channel,
        way: step.way.map(|way| way.code()),
        cancelled_by: step.cancelled_by.map(|by| by.code()),
        expires_at: step.expires_at_unix_ms.map(rfc3339).transpose()?,
    })
}

fn order_shown(order: CustomerOrder, now_unix_ms: i64) -> Result<OrderAnswer, Problem> {
    let relation = order.relation;
    let shown = |step: &Option<Step>| step.as_ref().map(step_shown).transpose();
    let main = relation.main_step();
    Ok(OrderAnswer {
        business: main.and_then(|step| step.business.clone()),
        campaign: main.and_then(|step| step.campaign.clone()),
        standing: relation.standing_at(now_unix_ms).code(),
        trial: shown(&relation.trial)?,
        order: shown(&relation.order)?,
        cancellation: shown(&relation.cancellation)?,
        order_id: order.order_id,
    })
}
