//! Offers for channels to show (TS-8): the best plans for a customer, with before and after.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::QueryOf;
use chudian_runtime::problem::Problem;
use chudian_vocabulary::{CustomerId, Language, Name, Region, check_identifier};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::problems::{invalid_field, invalid_query};
use super::simulations::Asked;
use super::{App, rfc3339};
use crate::compile::CompiledCatalogue;
use crate::service::answers::{ChosenAddOn, PresentPlan, RankedPlan, SimulationAnswer};
use crate::service::check;
use crate::service::requests::SimulationForm;
use crate::store::{NewOffer, Offer, OfferFilter, OfferPlace};
use crate::wire::usage::CustomerJson;

/// Largest body here.
const BODY_BYTES_MAX: usize = 4096;

/// Offers made at a time when the request does not say.
const OFFERS_DEFAULT: u64 = 3;

/// Most offers made at a time: more than a customer can compare.
const OFFERS_MAX: u64 = 10;

/// Random bytes of an offer's id.
const OFFER_ID_BYTES: usize = 16;

/// A request for offers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOffers {
    /// To whom.
    customer_id: String,
    /// The channel that is to show them.
    channel: String,
    /// How many, 1 to 10; absent: 3. There may be fewer plans worth offering.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    limit: Option<u64>,
}

/// An offer.
#[derive(Serialize, ToSchema)]
pub(super) struct OfferAnswer {
    /// Its id.
    offer_id: String,
    /// To whom.
    customer_id: String,
    /// The channel that is to show it.
    channel: String,
    /// The plan.
    plan_id: String,
    /// The catalogue version from which it was computed.
    catalogue_version: String,
    /// When it was made, RFC 3339.
    created_at: String,
    /// What the channel shows.
    #[schema(value_type = OfferDocument)]
    offer: Value,
}

/// What a channel shows (TS-8): the plan, the customer, and what changes. It is stored as it was made: the figures are those of
/// `catalogue_version` and of the usage of that day.
#[derive(Serialize, ToSchema)]
struct OfferDocument {
    /// The offered plan.
    plan: OfferedPlan,
    /// Who is to have it.
    customer: OfferCustomer,
    /// The months, `YYYY-MM`, that were compared; every list by month is in this order.
    months: Vec<String>,
    /// The present plan, as in a simulation; absent for a new customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<PresentPlan>,
    /// The offered plan, as in a simulation, with texts in the language of who made the offer.
    after: RankedPlan,
    /// Proof of the simulation.
    proof: String,
}

/// The offered plan, with names in both languages: who shows it may speak another than who made it.
#[derive(Serialize, ToSchema)]
struct OfferedPlan {
    /// Identifier.
    plan_id: String,
    /// What people call it.
    name: Name,
    /// Brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Monthly fee of the plan alone, fen.
    monthly_fee_fen: i64,
    /// Add-ons with it.
    add_ons: Vec<OfferedAddOn>,
}

/// An add-on of an offer.
#[derive(Serialize, ToSchema)]
struct OfferedAddOn {
    /// Identifier.
    id: String,
    /// What people call it.
    name: Name,
    /// How many.
    quantity: u32,
    /// Monthly fee of one, fen.
    monthly_fee_fen: i64,
}

/// What a channel needs to know of the customer; the usage is not repeated.
#[derive(Serialize, ToSchema)]
struct OfferCustomer {
    /// Region.
    region: String,
    /// Brand, when it is not that of the present plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Customer type.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_type: Option<String>,
    /// Present plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<String>,
    /// Day on which the present plan began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    plan_since: Option<String>,
    /// First day of the running contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    contract_since: Option<String>,
}

/// Offers that were made.
#[derive(Serialize, ToSchema)]
pub(super) struct OffersMade {
    /// Best first.
    items: Vec<OfferAnswer>,
}

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OffersQuery {
    /// Only offers for this channel.
    channel: Option<String>,
    /// Only offers to this customer.
    customer_id: Option<String>,
    /// Offers on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Make offers for a customer
///
/// Simulates, and stores the best plans that save something. With an `Idempotency-Key` a repeated request makes nothing new.
#[utoipa::path(
    post, path = "/offers", tag = "offers", operation_id = "make_offers",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this attempt")),
    request_body = NewOffers,
    responses((status = 201, description = "The offers", body = OffersMade))
)]
pub(super) async fn make(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    ReaderLanguage(language): ReaderLanguage,
    attempt: Attempt,
    JsonBody {
        value: request,
        bytes,
    }: JsonBody<NewOffers, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let limit = checked_limit(&request)?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let simulated = app
        .simulated(&request, &caller, &request_id, limit, language)
        .await;
    let simulated = match simulated {
        Ok(simulated) => simulated,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let mut transaction = match app.store.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let stored = app
        .store_offers(&mut transaction, simulated, &request.channel)
        .await;
    ticket.finish(transaction, stored).await
}

/// List offers, oldest first
#[utoipa::path(
    get, path = "/offers", tag = "offers", operation_id = "list_offers", params(OffersQuery),
    responses((status = 200, description = "A page of offers", body = Page<OfferAnswer>))
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    QueryOf(query): QueryOf<OffersQuery>,
) -> Result<Json<Page<OfferAnswer>>, Problem> {
    let request = PageRequest::<OfferPlace>::new(query.limit, query.cursor.as_deref())?;
    let customer_id = match &query.customer_id {
        None => None,
        Some(id) => Some(
            check::customer_id(id).map_err(|fault| invalid_query("/customer_id", fault.text()))?,
        ),
    };
    let filter = OfferFilter {
        channel: query.channel.as_deref(),
        customer_id: customer_id.as_ref(),
    };
    let rows = app
        .store
        .offers(
            &filter,
            &caller,
            request.after.as_ref(),
            request.rows_to_read(),
        )
        .await?;
    let page = request.page(rows, |offer| {
        (offer.created_at_unix_ms, offer.offer_id.clone())
    });
    app.record_offers_seen(&page.items, &caller, &request_id)
        .await?;
    let items = page
        .items
        .into_iter()
        .map(shown)
        .collect::<Result<_, _>>()?;
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

fn checked_limit(request: &NewOffers) -> Result<u64, Problem> {
    let limit = request.limit.unwrap_or(OFFERS_DEFAULT);
    if !(1..=OFFERS_MAX).contains(&limit) {
        let detail = Name::new(
            format!("应为 1 到 {OFFERS_MAX}。"),
            format!("Must be 1 to {OFFERS_MAX}."),
        );
        return Err(invalid_field("/limit", detail));
    }
    if check_identifier(&request.channel).is_err() {
        let detail = Name::new(
            "渠道标识须为 1 至 64 个字符，限 A-Z a-z 0-9 - _ . :",
            "A channel has 1 to 64 characters of A-Z a-z 0-9 - _ . :",
        );
        return Err(invalid_field("/channel", detail));
    }
    Ok(limit)
}

/// A comparison from which offers are made.
struct Simulated {
    answer: SimulationAnswer,
    customer_id: CustomerId,
    region: Region,
    facts: CustomerJson,
    compiled: Arc<CompiledCatalogue>,
}

impl Simulated {
    fn offer(&self, after: RankedPlan) -> Result<OfferDocument, Problem> {
        let catalogue = &self.compiled.catalogue;
        let plan = catalogue
            .plan_index(&after.priced.plan_id)
            .and_then(|index| catalogue.plans.get(index))
            .ok_or_else(|| Problem::internal("a ranked plan that is not in its catalogue"))?;
        let add_on = |chosen: &ChosenAddOn| {
            let index = catalogue.add_on_index(&chosen.id)?;
            catalogue.add_ons.get(index).map(|add_on| OfferedAddOn {
                id: add_on.id.clone(),
                name: add_on.name.clone(),
                quantity: chosen.quantity,
                monthly_fee_fen: add_on.monthly_fee_fen,
            })
        };
        let facts = &self.facts;
        Ok(OfferDocument {
            plan: OfferedPlan {
                plan_id: plan.id.clone(),
                name: plan.name.clone(),
                brand: plan.brand.clone(),
                monthly_fee_fen: plan.monthly_fee_fen,
                add_ons: after.priced.add_ons.iter().filter_map(add_on).collect(),
            },
            customer: OfferCustomer {
                region: self.region.as_str().to_owned(),
                brand: facts.brand.clone(),
                customer_type: facts.customer_type.clone(),
                plan_id: facts.plan.clone(),
                plan_since: facts.plan_since.clone(),
                contract_since: facts.contract_since.clone(),
            },
            months: self.answer.months.clone(),
            before: self.answer.present.clone(),
            after,
            proof: self.answer.proof.clone(),
        })
    }
}

impl App {
    /// Simulates for the customer of a request.
    async fn simulated(
        &self,
        request: &NewOffers,
        caller: &Caller,
        request_id: &RequestId,
        limit: u64,
        language: Language,
    ) -> Result<Simulated, Problem> {
        let asked = Asked {
            customer_id: Some(request.customer_id.clone()),
            usage: None,
            profile: None,
        };
        let (subject, stored) = self.subject(asked, caller, "offer", request_id).await?;
        let (customer_id, region) =
            stored.ok_or_else(|| Problem::internal("a stored customer without its id"))?;
        let form = SimulationForm {
            limit: Some(limit),
            ..SimulationForm::default()
        };
        let answer = self
            .comparison(&subject, &form, self.today()?, language)
            .await?;
        let compiled = self.compiled_catalogue(&answer.catalogue_version).await?;
        Ok(Simulated {
            answer,
            customer_id,
            region,
            facts: subject.document.customer,
            compiled,
        })
    }

    /// Stores the plans of an answer that save something.
    async fn store_offers(
        &self,
        transaction: &mut chudian_runtime::ports::sql::Transaction,
        mut simulated: Simulated,
        channel: &str,
    ) -> Result<Answer, Problem> {
        let mut items = Vec::new();
        let created_at_unix_ms = self.store.now_unix_ms();
        // A new customer has nothing to save against; then the best plans are worth offering as they are.
        let is_worth = |plan: &RankedPlan| {
            plan.saving
                .as_ref()
                .is_none_or(|saving| saving.total_fen > 0)
        };
        for plan in std::mem::take(&mut simulated.answer.ranking) {
            if !is_worth(&plan) {
                continue;
            }
            let plan_id = plan.priced.plan_id.clone();
            let document = simulated.offer(plan)?;
            let offer = serde_json::to_value(&document)
                .map_err(|error| Problem::internal(error.to_string()))?;
            let (offer_id, text) = (self.new_offer_id(), offer.to_string());
            let new = NewOffer {
                offer_id: &offer_id,
                customer_id: &simulated.customer_id,
                region: &simulated.region,
                channel,
                plan_id: &plan_id,
                catalogue_version: &simulated.answer.catalogue_version,
                document: &text,
                created_at_unix_ms,
            };
            self.store.add_offer(transaction, &new).await?;
            items.push(OfferAnswer {
                offer_id,
                customer_id: simulated.customer_id.as_str().to_owned(),
                channel: channel.to_owned(),
                plan_id,
                catalogue_version: simulated.answer.catalogue_version.clone(),
                created_at: rfc3339(created_at_unix_ms)?,
                offer,
            });
        }
        let body = serde_json::to_string(&OffersMade { items })
            .map_err(|error| Problem::internal(error.to_string()))?;
        Ok(Answer {
            status: StatusCode::CREATED,
            location: None,
            body,
        })
    }

    fn new_offer_id(&self) -> String {
        let mut bytes = [0; OFFER_ID_BYTES];
        self.random.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Records whose offers a page of the list shows, each customer once.
    async fn record_offers_seen(
        &self,
        offers: &[Offer],
        caller: &Caller,
        request_id: &RequestId,
    ) -> Result<(), Problem> {
        let mut customers: Vec<&str> = offers
            .iter()
            .map(|offer| offer.customer_id.as_str())
            .collect();
        customers.sort_unstable();
        customers.dedup();
        for customer in customers {
            let customer = CustomerId::new(customer)
                .map_err(|error| Problem::internal(format!("a stored customer id: {error}")))?;
            self.personal_access
                .record(caller, &customer, "list-offers", request_id)
                .await?;
        }
        Ok(())
    }
}

fn shown(offer: Offer) -> Result<OfferAnswer, Problem> {
    let document = serde_json::from_str(&offer.document)
        .map_err(|error| Problem::internal(format!("a stored offer cannot be read: {error}")))?;
    Ok(OfferAnswer {
        offer_id: offer.offer_id,
        customer_id: offer.customer_id,
        channel: offer.channel,
        plan_id: offer.plan_id,
        catalogue_version: offer.catalogue_version,
        created_at: rfc3339(offer.created_at_unix_ms)?,
        offer: document,
    })
}
