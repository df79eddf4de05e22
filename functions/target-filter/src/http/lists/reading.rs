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
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use chudian_vocabulary::{CustomerId, Name};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answers::AccessAnswer;
use super::life::state_for_use;
use super::problems::{is_contacted, layout_damaged, list_unknown, page_damaged, page_refused};
use super::{ListsApp, layout_of};
use crate::http::rfc3339;
use crate::lists::limits::{PAGE_MEMBERS, READS_PER_DAY_MAX, READS_PER_MINUTE_MAX};
use crate::lists::pages::{
    MemberPage, PageName, Partition, StoredMember, bucket_of, buckets_of, find_in_index,
};
use crate::lists::state::Action;
use crate::service::lists::layout::Layout;
use crate::store::lists::{StoredList, TimePlace};
use crate::store::lists_claims::Queue;

/// Largest body here.
const BODY_BYTES_MAX: usize = 1024;

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
    /// Whether this key took the customer.
    claimed_by_me: bool,
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
/// Each customer is handed out once. With an `Idempotency-Key` a repeated request gives the same customer again.
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
    let mut transaction = match app.lists.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let taken = match app
        .take_next(&mut transaction, &open, &caller, &request_id, &form)
        .await
    {
        Ok(None) => {
            // The queues stand at their ends now; that is kept, so that nobody walks them again.
            let problem = transaction
                .commit()
                .await
                .map_or_else(Problem::from, |()| exhausted());
            return Err(ticket.abandon(problem).await);
        }
        Ok(Some(customer)) => serde_json::to_string(&customer)
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

/// A customer of a list
///
/// For the counter: is the customer who stands here on the list? Customers of the control group are not.
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
    let mut transaction = app.lists.sql().begin().await?;
    let found = app
        .find(&mut transaction, &open, &caller, &request_id, &customer)
        .await;
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

fn exhausted() -> Problem {
    let detail = Name::new(
        "符合条件的客户已全部领取。",
        "Every customer of the list that fits was handed out.",
    );
    Problem::new(catalogue::LIST_EXHAUSTED, detail)
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
        caller: &Caller,
        request_id: &RequestId,
        form: &NextForm,
    ) -> Result<Option<CustomerOfList>, Problem> {
        self.check_rate(transaction, &open.list, caller).await?;
        let channel = form.channel.as_deref().unwrap_or_default();
        let known = self
            .lists
            .queues(transaction, &open.list.list_id, channel)
            .await?;
        let wanted = |partition: &Partition| {
            form.region
                .as_deref()
                .is_none_or(|region| region == partition.region)
        };
        for (number, partition) in open
            .partitions_for(caller)
            .filter(|(_, partition)| wanted(partition))
        {
            // A queue that is at its end stays there; it need not be locked to see that.
            if known
                .get(&number)
                .is_some_and(|next_index| *next_index >= partition.members)
            {
                continue;
            }
            let queue = Queue {
                list: &open.list.list_id,
                partition: number,
                channel,
            };
            if let Some((page, index)) = self
                .advance(transaction, open, queue, partition, caller)
                .await?
            {
                let customer = self
                    .show(transaction, open, partition, &page, index, caller)
                    .await?;
                self.record(
                    transaction,
                    open,
                    caller,
                    "next",
                    &customer.customer_id,
                    request_id,
                )
                .await?;
                return Ok(Some(customer));
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
        caller: &Caller,
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
                let fits = queue.channel.is_empty() || channel_of(open, &member) == queue.channel;
                let id = CustomerPseudonym(member.id).to_string();
                if fits
                    && self
                        .lists
                        .claim(transaction, &open.list.list_id, &id, caller.key_id.as_str())
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

    async fn find(
        &self,
        transaction: &mut Transaction,
        open: &OpenList,
        caller: &Caller,
        request_id: &RequestId,
        customer: &str,
    ) -> Result<Option<CustomerOfList>, Problem> {
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
        let page = self.member_page(open, number, u64::from(index)).await?;
        let index = usize::try_from(index).unwrap_or(usize::MAX) % PAGE_MEMBERS;
        let shown = self
            .show(transaction, open, partition, &page, index, caller)
            .await?;
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
            .claimed_by(transaction, &open.list.list_id, &customer_id)
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
                .map(|(_, at_unix_ms)| rfc3339(*at_unix_ms))
                .transpose()?,
            claimed_by_me: claimed.is_some_and(|(by, _)| by == caller.key_id.as_str()),
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
