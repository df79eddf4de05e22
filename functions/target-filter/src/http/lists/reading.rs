//! One customer at a time, for halls and agents (TF-5).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::ports::sql::Transaction;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::contact::Outcome;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use chudian_vocabulary::{CustomerId, Name, Region};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answers::AccessAnswer;
use super::life::state_for_use;
use super::problems::{
    form_fault, is_contacted, layout_damaged, list_unknown, page_damaged, page_refused,
};
use super::{ListsApp, layout_of};
use crate::exclusions::Rule;
use crate::fresh::FreshRules;
use crate::http::rfc3339;
use crate::lists::limits::{
    CLAIM_LEASE_S_DEFAULT, CLAIM_LEASE_S_MAX, CLAIM_LEASE_S_MIN, PAGE_MEMBERS, READS_PER_DAY_MAX,
    READS_PER_MINUTE_MAX,
};
use crate::lists::pages::{
    MemberPage, PageName, Partition, StoredMember, bucket_of, buckets_of, find_in_index,
};
use crate::lists::state::Action;
use crate::service::fresh::since_freezing;
use crate::service::lists::forms::FormFault;
use crate::service::lists::forms::ListForm;
use crate::service::lists::layout::Layout;
use crate::store::fresh::Published;
use crate::store::lists::{StoredList, TimePlace};
use crate::store::lists_claims::{Place, Queue};

/// Largest body here.
const BODY_BYTES_MAX: usize = 1024;

/// Customers in a row that one request passes over because of what happened since the list was frozen.
const PASSED_OVER_MAX: usize = 64;

/// Seconds to wait when so many were passed over: at once, the queue stands behind them.
const RETRY_AFTER_PASSED_OVER_S: u32 = 1;

/// What is noted of a customer who is passed over, in the place of an outcome.
const LEFT_OUT: &str = "left-out";

/// Seconds to wait when the minute's reads are used up, and when the day's are.
const RETRY_AFTER_MINUTE_S: u32 = 60;
const RETRY_AFTER_DAY_S: u32 = 3_600;

/// Whom to hand out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextForm {
    /// Only customers of this channel.
    #[serde(default)]
    channel: Option<String>,
    /// Only customers of this region; a key of one region gets its own in any case.
    #[serde(default)]
    region: Option<String>,
    /// Seconds for which the customer stays with this key, 60 to 172,800; 1,800 unless stated. Reading the customer again begins them anew.
    #[serde(default)]
    lease_s: Option<u32>,
}

impl NextForm {
    fn lease_ms(&self) -> Result<i64, Problem> {
        let lease_s = self.lease_s.unwrap_or(CLAIM_LEASE_S_DEFAULT);
        if (CLAIM_LEASE_S_MIN..=CLAIM_LEASE_S_MAX).contains(&lease_s) {
            return Ok(i64::from(lease_s) * 1_000);
        }
        let detail = Name::new(
            format!("保留时间应为 {CLAIM_LEASE_S_MIN} 至 {CLAIM_LEASE_S_MAX} 秒。"),
            format!("A lease is {CLAIM_LEASE_S_MIN} to {CLAIM_LEASE_S_MAX} seconds."),
        );
        Err(form_fault(FormFault {
            pointer: "/lease_s".to_owned(),
            detail,
        }))
    }
}

/// How the contact with a customer ended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResultForm {
    /// The outcome, in the words of the contact view.
    outcome: Outcome,
}

/// A result that was noted.
#[derive(Serialize, ToSchema)]
pub(super) struct ResultAnswer {
    /// The list.
    list_id: String,
    /// The customer's pseudonym.
    customer_id: String,
    /// The outcome.
    outcome: Outcome,
    /// When it was noted, RFC 3339.
    done_at: String,
}

/// A customer of a list, for whoever contacts them.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomerOfList {
    /// The list.
    list_id: String,
    /// The customer's pseudonym.
    customer_id: String,
    /// The customer's region; empty without one.
    region: String,
    /// The channel that is to contact the customer.
    channel: String,
    /// Batch, from 1.
    batch: u32,
    /// The columns that the list carries.
    columns: Vec<ColumnOfCustomer>,
    /// When the customer was handed out, RFC 3339; absent when nobody took them yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_at: Option<String>,
    /// When the lease of whoever took the customer ends, RFC 3339; absent when nobody did, and after a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_until: Option<String>,
    /// Whether the customer is with this key.
    claimed_by_me: bool,
    /// The outcome that was reported, or `left-out` when events after the freezing left the customer out; such a customer is not handed out again.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The exclusion that events after the freezing fulfil: the customer is not to be approached now.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out_by: Option<&'static str>,
}

/// One column of a customer.
#[derive(Serialize, ToSchema)]
pub(super) struct ColumnOfCustomer {
    /// Its name.
    name: String,
    /// Its value as people read it; empty without one.
    value: String,
}

/// Query of the looks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AccessesQuery {
    /// Looks on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Take the next customer of a list
///
/// A customer whom events after the freezing leave out (approached elsewhere, complained, refused) is passed over. A customer is with one key at a time, until the lease ends; without a result by then the customer goes to whoever asks next. With an
/// `Idempotency-Key` a repeated request gives the same customer again.
#[utoipa::path(
    post, path = "/lists/{list_id}/next", tag = "lists", operation_id = "next_of_list",
    params(
        ("list_id" = String, Path, description = "Id of the list"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this attempt"),
    ),
    request_body = NextForm,
    responses((status = 200, description = "A customer", body = CustomerOfList))
)]
pub(super) async fn next(
    State(app): State<ListsApp>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
    attempt: Attempt,
    JsonBody { value: form, bytes }: JsonBody<NextForm, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let lease_ms = form.lease_ms()?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let open = match app.open(&id, &caller).await {
        Ok(open) => open,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    // Read before the transaction: within it a second connection might not be had.
    let at_contact = match app.at_contact(&open, &caller).await {
        Ok(at_contact) => at_contact,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let mut transaction = match app.lists.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let asking = Asking {
        caller: &caller,
        at_contact: at_contact.as_ref(),
        request_id: &request_id,
        form: &form,
        lease_ms,
    };
    let taken = match app.take_next(&mut transaction, &open, &asking).await {
        Ok(Next::Nobody(why)) => {
            // How far the queues stand is kept, so that nobody walks them again.
            let problem = transaction
                .commit()
                .await
                .map_or_else(Problem::from, |()| why);
            return Err(ticket.abandon(problem).await);
        }
        Ok(Next::Customer(customer)) => serde_json::to_string(&customer)
            .map(|body| Answer {
                status: StatusCode::OK,
                location: None,
                body,
            })
            .map_err(|error| Problem::internal(error.to_string())),
        Err(problem) => Err(problem),
    };
    ticket.finish(transaction, taken).await
}

/// Report how the contact with a customer ended
///
/// Of a customer whom this key took; the customer is not handed out again. It says no more than that the list is done with the customer: the
/// contact itself belongs to the contact view.
#[utoipa::path(
    put, path = "/lists/{list_id}/customers/{customer_id}/result", tag = "lists", operation_id = "result_of_customer",
    params(
        ("list_id" = String, Path, description = "Id of the list"),
        ("customer_id" = String, Path, description = "Pseudonym"),
    ),
    request_body = ResultForm,
    responses((status = 200, description = "Noted", body = ResultAnswer))
)]
pub(super) async fn result(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf((id, customer)): PathOf<(String, String)>,
    JsonBody { value: form, .. }: JsonBody<ResultForm, BODY_BYTES_MAX>,
) -> Result<Json<ResultAnswer>, Problem> {
    let open = app.open(&id, &caller).await?;
    let mut transaction = app.lists.sql().begin().await?;
    let noted = app
        .note_result(&mut transaction, &open, &caller, &customer, form.outcome)
        .await;
    transaction.end(noted).await.map(Json)
}

/// A customer of a list
///
/// For the counter: is the customer who stands here on the list? Customers of the control group are not. Reading a customer whom this key
/// took begins the lease anew.
#[utoipa::path(
    get, path = "/lists/{list_id}/customers/{customer_id}", tag = "lists", operation_id = "customer_of_list",
    params(
        ("list_id" = String, Path, description = "Id of the list"),
        ("customer_id" = String, Path, description = "Pseudonym"),
    ),
    responses((status = 200, description = "The customer", body = CustomerOfList))
)]
pub(super) async fn customer(
    State(app): State<ListsApp>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, customer)): PathOf<(String, String)>,
) -> Result<Json<CustomerOfList>, Problem> {
    let open = app.open(&id, &caller).await?;
    let at_contact = app.at_contact(&open, &caller).await?;
    let mut transaction = app.lists.sql().begin().await?;
    let reading = Reading {
        caller: &caller,
        request_id: &request_id,
        at_contact: at_contact.as_ref(),
    };
    let found = app.find(&mut transaction, &open, &reading, &customer).await;
    // That someone asked is on record also when there was nothing to see.
    transaction
        .end(found)
        .await?
        .map(Json)
        .ok_or_else(customer_unknown)
}

/// Who looked at a list's customers, oldest first
#[utoipa::path(
    get, path = "/lists/{list_id}/accesses", tag = "lists", operation_id = "list_accesses",
    params(("list_id" = String, Path, description = "Id of the list"), AccessesQuery),
    responses((status = 200, description = "A page of looks", body = Page<AccessAnswer>))
)]
pub(super) async fn accesses(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(query): QueryOf<AccessesQuery>,
) -> Result<Json<Page<AccessAnswer>>, Problem> {
    let list = app.visible(&id, &caller).await?;
    let request = PageRequest::<TimePlace>::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .lists
        .accesses(
            &list.list_id,
            request.after.as_ref(),
            request.rows_to_read(),
        )
        .await?;
    let page = request.page(rows, |access| (access.at_unix_ms, access.access_id.clone()));
    let items = page
        .items
        .into_iter()
        .map(AccessAnswer::new)
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A customer who was taken: the partition, and the page and place there.
type Taken<'a> = (&'a Partition, MemberPage, usize);

/// What comes next.
enum Next {
    Customer(Box<CustomerOfList>),
    /// Nobody, and what to say of it.
    Nobody(Problem),
}

/// What is asked of events when a customer is contacted.
struct AtContact {
    published: Published,
    rules: FreshRules,
    from_unix_ms: i64,
}

/// A list that may be read, with its pages.
struct OpenList {
    list: StoredList,
    layout: Layout,
    partitions: Vec<Partition>,
    pages: BTreeMap<PageName, [u8; 32]>,
}

impl OpenList {
    /// Contacted partitions that exist for a caller, with their numbers.
    fn partitions_for<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> impl Iterator<Item = (u16, &'a Partition)> {
        (0_u16..).zip(&self.partitions).filter(|(_, partition)| {
            let own = caller
                .region
                .as_ref()
                .is_none_or(|region| region.as_str() == partition.region);
            own && is_contacted(partition.group)
        })
    }
}

/// Who reads a customer.
struct Reading<'a> {
    caller: &'a Caller,
    request_id: &'a RequestId,
    at_contact: Option<&'a AtContact>,
}

/// Who asks for a customer, and for which.
struct Asking<'a> {
    caller: &'a Caller,
    at_contact: Option<&'a AtContact>,
    request_id: &'a RequestId,
    form: &'a NextForm,
    lease_ms: i64,
}

fn exhausted() -> Problem {
    let detail = Name::new(
        "符合条件的客户已全部领取；到期仍无结果的客户会重新分配，请稍后再试。",
        "Every customer of the list that fits was handed out; those without a result when their lease ends come back, so ask again later.",
    );
    Problem::new(catalogue::LIST_EXHAUSTED, detail)
}

fn passed_over() -> Problem {
    let detail = Name::new(
        format!(
            "接下来的 {PASSED_OVER_MAX} 个客户在名单冻结后已被接触或不宜接触，均已跳过；请再次领取。"
        ),
        format!(
            "The next {PASSED_OVER_MAX} customers were passed over because of what happened since the list was frozen; ask again."
        ),
    );
    Problem::new(catalogue::LIST_READ_LIMIT, detail).with_retry_after_s(RETRY_AFTER_PASSED_OVER_S)
}

fn customer_unknown() -> Problem {
    let detail = Name::new("名单中没有这个客户。", "The customer is not on the list.");
    Problem::new(catalogue::CUSTOMER_UNKNOWN, detail)
}

impl ListsApp {
    /// The list for reading: one without any customer of the caller's region does not exist for the caller.
    async fn open(&self, id: &str, caller: &Caller) -> Result<OpenList, Problem> {
        let list = self.stored(id).await?;
        let layout = layout_of(&list).map_err(layout_damaged)?;
        let pages = layout
            .pages()
            .map_err(layout_damaged)?
            .into_iter()
            .collect();
        let open = OpenList {
            partitions: layout.partitions(),
            pages,
            layout,
            list,
        };
        if open.partitions_for(caller).next().is_none() {
            return Err(list_unknown());
        }
        state_for_use(open.list.state_at(self.lists.now_unix_s()), Action::Open)?;
        Ok(open)
    }

    /// Refuses a key that reads too much of a list.
    async fn check_rate(
        &self,
        transaction: &mut Transaction,
        list: &StoredList,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let looks = self
            .lists
            .looks(transaction, &list.list_id, caller.key_id.as_str())
            .await?;
        let (limit, zh, en, wait_s) = if looks.in_day >= READS_PER_DAY_MAX {
            (
                READS_PER_DAY_MAX,
                "每 24 小时",
                "in 24 hours",
                RETRY_AFTER_DAY_S,
            )
        } else if looks.in_minute >= READS_PER_MINUTE_MAX {
            (
                READS_PER_MINUTE_MAX,
                "每分钟",
                "in a minute",
                RETRY_AFTER_MINUTE_S,
            )
        } else {
            return Ok(());
        };
        let detail = Name::new(
            format!("一把密钥{zh}最多读取名单中的 {limit} 个客户，请稍后再试。"),
            format!("A key may read {limit} customers of a list {en}; try again later."),
        );
        Err(Problem::new(catalogue::LIST_READ_LIMIT, detail).with_retry_after_s(wait_s))
    }

    async fn take_next(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        asking: &Asking<'_>,
    ) -> Result<Next, Problem> {
        let caller = asking.caller;
        self.check_rate(transaction, &open.list, caller).await?;
        // A channel that the list does not have would be looked for through all its pages, and leave a queue behind for every name.
        let channel = asking.form.channel.as_ref();
        if channel.is_some_and(|channel| !open.layout.channels.contains(channel)) {
            return Ok(Next::Nobody(exhausted()));
        }
        let wanted: Vec<(u16, &Partition)> = open
            .partitions_for(caller)
            .filter(|(_, partition)| {
                let region = asking.form.region.as_deref();
                region.is_none_or(|region| region == partition.region)
            })
            .collect();
        for _ in 0..PASSED_OVER_MAX {
            let taken = match self.take_lapsed(transaction, open, asking, &wanted).await? {
                Some(taken) => Some(taken),
                None => self.take_fresh(transaction, open, asking, &wanted).await?,
            };
            let Some((partition, page, index)) = taken else {
                return Ok(Next::Nobody(exhausted()));
            };
            let customer = self
                .show(transaction, open, partition, &page, index, caller)
                .await?;
            let id = &customer.customer_id;
            let list = &open.list.list_id;
            match self.left_out_by(transaction, asking.at_contact, id).await? {
                Some(_) => {
                    let key_id = caller.key_id.as_str();
                    self.lists
                        .finish(transaction, list, id, key_id, LEFT_OUT)
                        .await?;
                }
                None => {
                    self.record(transaction, open, caller, "next", id, asking.request_id)
                        .await?;
                    return Ok(Next::Customer(Box::new(customer)));
                }
            }
        }
        Ok(Next::Nobody(passed_over()))
    }

    /// What is asked of events; nothing where none are kept or none could leave anybody out.
    async fn at_contact(
        &self,
        open: &OpenList,
        caller: &Caller,
    ) -> Result<Option<AtContact>, Problem> {
        let published = self.fresh.published().await?;
        if !published.is_any() {
            return Ok(None);
        }
        let list = &open.list;
        let form: ListForm = serde_json::from_str(&list.recipe).map_err(|error| {
            Problem::internal(format!("a stored recipe cannot be read: {error}"))
        })?;
        // The exclusions are those that existed for whoever froze the list.
        let region = list.region.clone().map(Region::new).transpose();
        let freezer = Caller {
            region: region
                .map_err(|error| Problem::internal(format!("a stored region: {error}")))?,
            ..caller.clone()
        };
        let (set, campaign) = self.filter.exclusions_of(&form.selection, &freezer).await?;
        let today = self
            .filter
            .store
            .today()
            .ok_or_else(|| Problem::internal("the clock is outside the calendar"))?;
        let rules = FreshRules::at_contact(&set, &campaign, today);
        let stretch = self.lists.fresh_stretch(&list.list_id).await?;
        let stretch = stretch.map(|(stretch, _)| stretch);
        let from_unix_ms = since_freezing(stretch, list.frozen_at_unix_ms);
        Ok((!rules.is_empty()).then_some(AtContact {
            published,
            rules,
            from_unix_ms,
        }))
    }

    /// The exclusion that events after the freezing fulfil for a customer.
    async fn left_out_by(
        &self,
        transaction: &mut Transaction,
        at_contact: Option<&AtContact>,
        customer: &str,
    ) -> Result<Option<Rule>, Problem> {
        let Some(AtContact {
            published,
            rules,
            from_unix_ms,
        }) = at_contact
        else {
            return Ok(None);
        };
        let events = self
            .fresh
            .of_customer(transaction, *published, customer, *from_unix_ms)
            .await?;
        Ok(events.iter().filter_map(|event| rules.hit(event)).min())
    }

    /// A customer whom somebody took and did not come back for: they stand before all who were never handed out.
    async fn take_lapsed<'a>(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        asking: &Asking<'_>,
        wanted: &[(u16, &'a Partition)],
    ) -> Result<Option<Taken<'a>>, Problem> {
        let list = &open.list.list_id;
        let numbers: Vec<u16> = wanted.iter().map(|(number, _)| *number).collect();
        if numbers.is_empty() {
            return Ok(None);
        }
        let channel = asking.form.channel.as_deref().unwrap_or_default();
        let lapsed = self
            .lists
            .lapsed(transaction, list, channel, &numbers)
            .await?;
        for claim in lapsed {
            let key_id = asking.caller.key_id.as_str();
            let mine = self
                .lists
                .take_over(
                    transaction,
                    list,
                    &claim.customer_id,
                    key_id,
                    asking.lease_ms,
                )
                .await?;
            let partition = wanted.iter().find(|(number, _)| *number == claim.partition);
            if let (true, Some((number, partition))) = (mine, partition) {
                let page = self.member_page(open, *number, claim.index).await?;
                let index = usize::try_from(claim.index).unwrap_or(usize::MAX) % PAGE_MEMBERS;
                return Ok(Some((partition, page, index)));
            }
        }
        Ok(None)
    }

    /// The next customer whom nobody ever took.
    async fn take_fresh<'a>(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        asking: &Asking<'_>,
        wanted: &[(u16, &'a Partition)],
    ) -> Result<Option<Taken<'a>>, Problem> {
        let channel = asking.form.channel.as_deref().unwrap_or_default();
        let known = self
            .lists
            .queues(transaction, &open.list.list_id, channel)
            .await?;
        for (number, partition) in wanted {
            // A queue that is at its end stays there; it need not be locked to see that.
            if known
                .get(number)
                .is_some_and(|next_index| *next_index >= partition.members)
            {
                continue;
            }
            let queue = Queue {
                list: &open.list.list_id,
                partition: *number,
                channel,
            };
            if let Some((page, index)) = self
                .advance(transaction, open, queue, partition, asking)
                .await?
            {
                return Ok(Some((partition, page, index)));
            }
        }
        Ok(None)
    }

    /// Moves a queue to the next customer that nobody has, and takes them; nothing at the queue's end.
    async fn advance(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        queue: Queue<'_>,
        partition: &Partition,
        asking: &Asking<'_>,
    ) -> Result<Option<(MemberPage, usize)>, Problem> {
        let mut next_index = self.lists.lock_queue(transaction, queue).await?;
        let mut taken = None;
        while taken.is_none() && next_index < partition.members {
            let page = self.member_page(open, queue.partition, next_index).await?;
            let first = usize::try_from(next_index).unwrap_or(usize::MAX) % PAGE_MEMBERS;
            for index in first..page.len() {
                next_index += 1;
                let Some(member) = page.member(index) else {
                    continue;
                };
                let channel = channel_of(open, &member);
                let fits = queue.channel.is_empty() || channel == queue.channel;
                let id = CustomerPseudonym(member.id).to_string();
                let place = Place {
                    customer_id: &id,
                    partition: queue.partition,
                    index: next_index - 1,
                    channel,
                };
                let key_id = asking.caller.key_id.as_str();
                if fits
                    && self
                        .lists
                        .claim(transaction, queue.list, &place, key_id, asking.lease_ms)
                        .await?
                {
                    taken = Some((page.clone(), index));
                    break;
                }
            }
        }
        self.lists
            .move_queue(transaction, queue, next_index)
            .await?;
        Ok(taken)
    }

    /// Notes the result of whoever has the customer. Who had them and was too late is told so; of anybody else the customer does not exist.
    async fn note_result(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        caller: &Caller,
        customer: &str,
        outcome: Outcome,
    ) -> Result<ResultAnswer, Problem> {
        let (list, by) = (&open.list.list_id, caller.key_id.as_str());
        let noted = self
            .lists
            .finish(transaction, list, customer, by, outcome.code())
            .await?;
        if noted {
            return Ok(ResultAnswer {
                list_id: list.as_str().to_owned(),
                customer_id: customer.to_owned(),
                outcome,
                done_at: rfc3339(self.lists.now_unix_ms())?,
            });
        }
        let claim = self.lists.claimed(transaction, list, customer).await?;
        match claim {
            Some(claim) if self.lists.was_with(transaction, list, customer, by).await? => {
                let since = rfc3339(claim.at_unix_ms)?;
                let detail = Name::new(
                    format!(
                        "保留时间已过，该客户已于 {since} 分配给其他密钥，名单未记录此结果；请把接触情况上报到接触视图。"
                    ),
                    format!(
                        "The lease had ended and the customer went to another key at {since}, so the list did not note the result; report the contact to the contact view."
                    ),
                );
                Err(Problem::new(catalogue::LIST_CLAIM_LOST, detail))
            }
            _ => {
                let detail = Name::new(
                    "此密钥没有领取过名单中的这个客户。",
                    "This key took no such customer of the list.",
                );
                Err(Problem::new(catalogue::CUSTOMER_UNKNOWN, detail))
            }
        }
    }

    async fn find(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        reading: &Reading<'_>,
        customer: &str,
    ) -> Result<Option<CustomerOfList>, Problem> {
        let (caller, request_id) = (reading.caller, reading.request_id);
        self.check_rate(transaction, &open.list, caller).await?;
        let id: CustomerPseudonym = customer.parse().map_err(|_| customer_unknown())?;
        let members = open
            .partitions
            .iter()
            .map(|partition| partition.members)
            .sum();
        let bucket = PageName::Index {
            bucket: bucket_of(&id.0, buckets_of(members)),
        };
        let page = self.page(open, bucket).await?;
        let place = find_in_index(&page, &id.0).map_err(page_damaged)?;
        let found = place.and_then(|(number, index)| {
            let partition = open
                .partitions_for(caller)
                .find(|(own, _)| *own == number)?
                .1;
            Some((number, index, partition))
        });
        let Some((number, index, partition)) = found else {
            // The answer is the same for a stranger, another region's customer and one of the control group.
            let (list, by) = (&open.list.list_id, caller.key_id.as_str());
            self.lists
                .record_look(
                    transaction,
                    list,
                    by,
                    "read",
                    Some(customer),
                    request_id.as_str(),
                )
                .await?;
            return Ok(None);
        };
        // Who has the customer is still there.
        let by = caller.key_id.as_str();
        self.lists
            .renew(transaction, &open.list.list_id, customer, by)
            .await?;
        let page = self.member_page(open, number, u64::from(index)).await?;
        let index = usize::try_from(index).unwrap_or(usize::MAX) % PAGE_MEMBERS;
        let mut shown = self
            .show(transaction, open, partition, &page, index, caller)
            .await?;
        shown.left_out_by = self
            .left_out_by(transaction, reading.at_contact, customer)
            .await?
            .map(Rule::word);
        self.record(
            transaction,
            open,
            caller,
            "read",
            &shown.customer_id,
            request_id,
        )
        .await?;
        Ok(Some(shown))
    }

    async fn page(&self, open: &OpenList, name: PageName) -> Result<std::sync::Arc<[u8]>, Problem> {
        let hash = open
            .pages
            .get(&name)
            .ok_or_else(|| Problem::internal("a list has no such page"))?;
        self.lists
            .read_page(&open.list.list_id, name, hash)
            .await
            .map_err(page_refused)
    }

    async fn member_page(
        &self,
        open: &OpenList,
        partition: u16,
        index: u64,
    ) -> Result<MemberPage, Problem> {
        let page = u32::try_from(index.div_euclid(PAGE_MEMBERS as u64)).unwrap_or(u32::MAX);
        let bytes = self
            .page(open, PageName::Members { partition, page })
            .await?;
        MemberPage::read(bytes).map_err(page_damaged)
    }

    async fn show(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        partition: &Partition,
        page: &MemberPage,
        index: usize,
        caller: &Caller,
    ) -> Result<CustomerOfList, Problem> {
        let member = page.member(index).ok_or_else(customer_unknown)?;
        let cells = page.cells(index).map_err(page_damaged)?;
        let customer_id = CustomerPseudonym(member.id).to_string();
        let claimed = self
            .lists
            .claimed(transaction, &open.list.list_id, &customer_id)
            .await?;
        let column = |(name, value): (&String, &str)| ColumnOfCustomer {
            name: name.clone(),
            value: value.to_owned(),
        };
        Ok(CustomerOfList {
            list_id: open.list.list_id.as_str().to_owned(),
            region: partition.region.clone(),
            channel: channel_of(open, &member).to_owned(),
            batch: member.batch,
            columns: open.layout.columns.iter().zip(cells).map(column).collect(),
            claimed_at: claimed
                .as_ref()
                .map(|claim| rfc3339(claim.at_unix_ms))
                .transpose()?,
            claimed_until: claimed
                .as_ref()
                .filter(|claim| claim.done_at_unix_ms.is_none())
                .map(|claim| rfc3339(claim.until_unix_ms))
                .transpose()?,
            claimed_by_me: claimed
                .as_ref()
                .is_some_and(|claim| claim.key_id == caller.key_id.as_str()),
            outcome: claimed.and_then(|claim| claim.outcome),
            left_out_by: None,
            customer_id,
        })
    }

    /// Records a look, with the list and with the customer, and the first use of the list.
    async fn record(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        caller: &Caller,
        action: &'static str,
        customer: &str,
        request_id: &RequestId,
    ) -> Result<(), Problem> {
        let (list, by) = (&open.list, caller.key_id.as_str());
        self.lists
            .record_look(
                transaction,
                &list.list_id,
                by,
                action,
                Some(customer),
                request_id.as_str(),
            )
            .await?;
        if let Ok(customer) = CustomerId::new(customer) {
            self.personal_access
                .record_in(transaction, caller, &customer, "list", request_id)
                .await?;
        }
        let after = state_for_use(list.state, Action::Open)?;
        if after != list.state {
            // Someone else may have been first at the same moment: then the list is in use already.
            self.lists
                .change_state(
                    transaction,
                    list,
                    Action::Open,
                    after,
                    by,
                    "first customer read",
                )
                .await?;
        }
        Ok(())
    }
}

fn channel_of<'a>(open: &'a OpenList, member: &StoredMember) -> &'a str {
    open.layout
        .channels
        .get(usize::from(member.channel))
        .map_or("", String::as_str)
}
