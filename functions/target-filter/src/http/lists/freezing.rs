//! Freezing lists, looking at them, and proving that they come out the same.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chudian_runtime::dataset::ReservedMemory;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::Region;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answers::{ListAnswer, ListSummary};
use super::problems::{collect_refused, form_fault, freeze_refused};
use super::{ListsApp, layout_of};
use crate::fresh::FreshRules;
use crate::lists::freeze::memory_bytes;
use crate::lists::identity::LookalikeId;
use crate::lists::pages::{PageName, Pages};
use crate::lists::recipe::{Priority, Recipe};
use crate::lists::state::State as ListState;
use crate::lists::{FrozenList, ListId};
use crate::lookalike::score::Scorecard;
use crate::service::fresh;
use crate::service::lists::collect::{check_caps, collect};
use crate::service::lists::forms::ListForm;
use crate::service::lists::layout::{AccountForm, Layout, hexadecimal};
use crate::service::selector::{Selection, select};
use crate::store::fresh::{LeftOut, Stretch};
use crate::store::lists::{StoredList, TimePlace};

/// Largest request: two thousand caps, and an expression at its limits.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Query of the lists.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListsQuery {
    /// Lists on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Whether a list comes out the same.
#[derive(Serialize, ToSchema)]
pub(super) struct VerificationAnswer {
    /// The hash that the list has.
    hash: String,
    /// The hash of the list that was made again just now.
    hash_again: String,
    /// Whether both are the same: then every member, its group and its batch are.
    identical: bool,
    /// Stored pages that were read, each with the hash that the registry holds.
    pages_checked: usize,
}

/// What is known of contacts when a list is frozen.
enum Basis {
    /// What is known now.
    Now,
    /// What was known when the list was frozen for the first time.
    Then {
        /// The layer of contact features.
        horizon: Option<String>,
        /// Whom events left out that were fresh then.
        left_out: LeftOut,
    },
}

/// A list on its way into the registry.
struct Frozen {
    /// The fresh events that were looked at, and whom they left out; nothing where no events are kept.
    fresh: Option<(Stretch, LeftOut)>,
    form: ListForm,
    selection: Selection,
    recipe: Recipe,
    list: FrozenList,
    /// What the list takes of the instance's memory.
    _memory: ReservedMemory,
}

/// Freeze a list
///
/// Selects, orders, holds against the caps, keeps the control group back and cuts into batches. When it is refused, nothing is stored. With
/// an `Idempotency-Key` a repeated request makes no second list.
#[utoipa::path(
    post, path = "/lists", tag = "lists", operation_id = "freeze_list",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this attempt")),
    request_body = ListForm,
    responses((status = 201, description = "The frozen list, a draft", body = ListAnswer))
)]
pub(super) async fn freeze_list(
    State(app): State<ListsApp>,
    caller: Caller,
    attempt: Attempt,
    JsonBody { value: form, bytes }: JsonBody<ListForm, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    form.check().map_err(form_fault)?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let frozen = match app.frozen(form, &caller, Basis::Now).await {
        Ok(frozen) => frozen,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let id = ListId::from_random_bytes(app.lists.random_bytes());
    let fresh = frozen.fresh.clone();
    let (stored, names) = match app.write(&id, frozen, &caller).await {
        Ok(written) => written,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let transaction = match app.lists.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => {
            app.forget(&id, &names).await;
            return Err(ticket.abandon(error.into()).await);
        }
    };
    let mut transaction = transaction;
    let answer = app.register(&mut transaction, &stored, fresh).await;
    let finished = ticket.finish(transaction, answer).await;
    if finished.is_err() {
        app.forget(&id, &names).await;
    }
    finished
}

/// Lists, newest first
#[utoipa::path(
    get, path = "/lists", tag = "lists", operation_id = "lists", params(ListsQuery),
    responses((status = 200, description = "A page of lists", body = Page<ListSummary>))
)]
pub(super) async fn lists(
    State(app): State<ListsApp>,
    caller: Caller,
    QueryOf(query): QueryOf<ListsQuery>,
) -> Result<Json<Page<ListSummary>>, Problem> {
    let request = PageRequest::<TimePlace>::new(query.limit, query.cursor.as_deref())?;
    let rows = app
        .lists
        .page(
            caller.region.as_ref(),
            request.after.as_ref(),
            request.rows_to_read(),
        )
        .await?;
    let page = request.page(rows, |list| {
        (list.frozen_at_unix_ms, list.list_id.as_str().to_owned())
    });
    let now_unix_s = app.lists.now_unix_s();
    let items = page
        .items
        .iter()
        .map(|list| ListSummary::new(list, now_unix_s))
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// A list with its account and history
#[utoipa::path(
    get, path = "/lists/{list_id}", tag = "lists", operation_id = "list",
    params(("list_id" = String, Path, description = "Id of the list")),
    responses((status = 200, description = "The list", body = ListAnswer))
)]
pub(super) async fn list(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<ListAnswer>, Problem> {
    let list = app.visible(&id, &caller).await?;
    app.answer(&list).await.map(Json)
}

/// Make a list again and compare
///
/// Freezes from the stored recipe and the same versions, compares the hashes, and reads every stored page. Needs the dataset version to be
/// kept still.
#[utoipa::path(
    post, path = "/lists/{list_id}/verification", tag = "lists", operation_id = "verify_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    responses((status = 200, description = "Whether it comes out the same", body = VerificationAnswer))
)]
pub(super) async fn verify(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<VerificationAnswer>, Problem> {
    let list = app.visible(&id, &caller).await?;
    let form: ListForm = serde_json::from_str(&list.recipe)
        .map_err(|error| Problem::internal(format!("a stored recipe cannot be read: {error}")))?;
    let region = list.region.clone().map(Region::new).transpose();
    let region = region.map_err(|error| Problem::internal(format!("a stored region: {error}")))?;
    let basis = Basis::Then {
        horizon: list.contact_horizon.clone(),
        left_out: app.lists.fresh_left_out(&list.list_id).await?,
    };
    let again = app
        .frozen(form, &Caller { region, ..caller }, basis)
        .await?;
    let hash_again = hexadecimal(&again.list.hash);
    let pages = layout_of(&list)
        .and_then(|layout| layout.pages())
        .map_err(super::problems::layout_damaged)?;
    for (name, hash) in &pages {
        app.lists
            .read_page(&list.list_id, *name, hash)
            .await
            .map_err(super::problems::page_refused)?;
    }
    Ok(Json(VerificationAnswer {
        identical: hash_again == list.hash,
        hash: list.hash,
        hash_again,
        pages_checked: pages.len(),
    }))
}

impl ListsApp {
    pub(super) async fn answer(&self, list: &StoredList) -> Result<ListAnswer, Problem> {
        let events = self.lists.events(&list.list_id).await?;
        let fresh = self.lists.fresh_stretch(&list.list_id).await?;
        ListAnswer::new(list, events, fresh, self.lists.now_unix_s())
    }

    /// Selects and freezes, without storing anything. A rerun has the basis of the first freezing.
    async fn frozen(
        &self,
        mut form: ListForm,
        caller: &Caller,
        basis: Basis,
    ) -> Result<Frozen, Problem> {
        let mut selection = select(&self.filter, &form.selection, caller, "/selection").await?;
        let is_first = matches!(basis, Basis::Now);
        let fresh = match basis {
            Basis::Now => self.leave_out_by_fresh_events(&mut selection).await?,
            Basis::Then { horizon, left_out } => {
                if horizon.is_some() {
                    selection.versions.contact_horizon = horizon;
                }
                fresh::leave_out(&mut selection, &left_out, &[]).await?;
                None
            }
        };
        form.selection = selection.form.clone();
        let region_scope = caller
            .region
            .as_ref()
            .map(|region| region.as_str().to_owned());
        let recipe = form.recipe(&selection, region_scope).map_err(form_fault)?;
        if is_first {
            check_caps(&selection, &recipe)
                .await
                .map_err(|error| collect_refused(error, &recipe))?;
        }
        let scorecard = match &recipe.priority {
            Priority::Lookalike { run_id } => Some(self.scorecard(run_id, caller).await?),
            Priority::Draw | Priority::Column { .. } => None,
        };
        // The columns that the instance keeps and a large list are together more than it may use.
        let count = selection.segments.iter().map(|rows| rows.count() as u64);
        let memory = memory_bytes(count.sum(), recipe.columns.len());
        let memory = selection.reader.reserve_memory(memory);
        let candidates = collect(&selection, &recipe, scorecard.as_ref())
            .await
            .map_err(|error| collect_refused(error, &recipe))?;
        let list = crate::lists::freeze::freeze(&recipe, candidates)
            .map_err(|error| freeze_refused(error, &recipe))?;
        Ok(Frozen {
            fresh,
            form,
            selection,
            recipe,
            list,
            _memory: memory,
        })
    }

    /// Takes whom events that the dataset does not know leave out of a selection, and who refuses by the ledger; nothing where neither is kept.
    async fn leave_out_by_fresh_events(
        &self,
        selection: &mut Selection,
    ) -> Result<Option<(Stretch, LeftOut)>, Problem> {
        let published = self.fresh.published().await?;
        if !published.is_any() {
            return Ok(None);
        }
        let rules = FreshRules::new(&selection.set, &selection.campaign, selection.today);
        let stretch = fresh::unknown_stretch(&selection.reader, self.lists.now_unix_ms());
        let left_out = if published.events && !rules.is_empty() {
            fresh::left_out(&self.fresh, &rules, stretch).await?
        } else {
            LeftOut::new()
        };
        let refusals = if published.refusals && rules.keep_refusals() {
            fresh::refusals(&self.fresh).await?
        } else {
            Vec::new()
        };
        let removed = fresh::leave_out(selection, &left_out, &refusals).await?;
        Ok(Some((stretch, removed)))
    }

    async fn scorecard(&self, run_id: &str, caller: &Caller) -> Result<Scorecard, Problem> {
        let run = match LookalikeId::parse(run_id) {
            Some(id) => self.lists.lookalike(&id).await?,
            None => None,
        };
        let run = run
            .filter(|run| run.is_visible_to(caller))
            .ok_or_else(crate::http::lookalikes::lookalike_unknown)?;
        crate::http::lookalikes::scorecard_of(&run)
    }

    /// Writes the pages, which nobody sees before the registry has the list.
    async fn write(
        &self,
        id: &ListId,
        frozen: Frozen,
        caller: &Caller,
    ) -> Result<(StoredList, Vec<PageName>), Problem> {
        let Frozen {
            fresh: _,
            form,
            selection,
            recipe,
            list,
            _memory,
        } = frozen;
        let pages = Pages::new(&list);
        let hashes = match self.lists.write_pages(id, &pages).await {
            Ok(hashes) => hashes,
            Err(error) => {
                self.forget(id, &crate::lists::pages::page_names(pages.partitions()))
                    .await;
                return Err(error.into());
            }
        };
        let layout = Layout::new(
            pages.partitions(),
            list.channels.clone(),
            recipe.columns.clone(),
            &hashes,
        );
        let account = AccountForm::new(&list.account, &recipe, &selection.waterfall);
        let json = |text: Result<String, serde_json::Error>| {
            text.map_err(|error| Problem::internal(error.to_string()))
        };
        let now_unix_s = self.lists.now_unix_s();
        let stored = StoredList {
            list_id: id.clone(),
            state: ListState::Draft,
            region: recipe.region_scope.clone(),
            recipe: json(serde_json::to_string(&form))?,
            rule: recipe.rule.clone(),
            rule_version: recipe.rule_version.clone(),
            exclusion_version: recipe.exclusion_version.clone(),
            dataset_version: recipe.dataset_version.clone(),
            contact_horizon: recipe.contact_horizon.clone(),
            model_version: match &recipe.priority {
                Priority::Lookalike { run_id } => Some(run_id.clone()),
                Priority::Draw | Priority::Column { .. } => None,
            },
            as_of: selection.today.to_string(),
            hash: hexadecimal(&list.hash),
            members: i64::try_from(list.members.len()).unwrap_or(i64::MAX),
            account: json(serde_json::to_string(&account))?,
            layout: json(serde_json::to_string(&layout))?,
            frozen_at_unix_ms: self.lists.now_unix_ms(),
            frozen_by: caller.key_id.as_str().to_owned(),
            submitted_by: None,
            decided_by: None,
            expires_at_unix_s: now_unix_s + i64::from(form.life_days()) * DAY_S,
            name: form.name,
            purpose: form.purpose,
        };
        Ok((stored, hashes.into_iter().map(|(name, _)| name).collect()))
    }

    async fn register(
        &self,
        transaction: &mut chudian_runtime::ports::sql::Transaction,
        stored: &StoredList,
        fresh: Option<(Stretch, LeftOut)>,
    ) -> Result<Answer, Problem> {
        self.lists.add(transaction, stored).await?;
        if let Some((stretch, left_out)) = &fresh {
            self.lists
                .add_fresh(transaction, &stored.list_id, *stretch, left_out)
                .await?;
        }
        let fresh = fresh.map(|(stretch, left_out)| (stretch, left_out.len() as u64));
        // The event just written is not visible outside the transaction yet; the answer tells the list itself.
        let answer = ListAnswer::new(stored, Vec::new(), fresh, self.lists.now_unix_s())?;
        let body =
            serde_json::to_string(&answer).map_err(|error| Problem::internal(error.to_string()))?;
        let location = format!("/filter/v1/lists/{}", stored.list_id.as_str());
        Ok(Answer {
            status: StatusCode::CREATED,
            location: Some(location),
            body,
        })
    }

    /// Removes pages that no list will ever name. When even this fails they stay unreachable: their id is random and nowhere kept.
    pub(super) async fn forget(&self, id: &ListId, names: &[PageName]) {
        let _ = self.lists.remove_pages(id, names).await;
    }
}
