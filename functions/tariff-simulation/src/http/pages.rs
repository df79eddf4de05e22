//! What a customer's own page needs: a token, and the first facts.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chudian_runtime::http::auth::{Caller, CallerKind};
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::page_token::{
    PAGE_TOKEN_TTL_S_DEFAULT, PAGE_TOKEN_TTL_S_MAX, PageGrant,
};
use chudian_runtime::problem::Problem;
use chudian_vocabulary::Name;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::{customer_id_in_body, customer_unknown, invalid_field};
use super::simulations::Asked;
use super::{App, rfc3339};
use crate::cells::Kind;
use crate::plan::Catalogue;

/// Largest body here.
const BODY_BYTES_MAX: usize = 1024;

/// Where the page is served, by the `console` component.
const PAGE_PATH: &str = "/tariff/";

/// Characters of a pseudonym that a page shows at each end.
const SHOWN_CHARACTERS: usize = 3;

/// Milliseconds of a second.
const MS_PER_S: i64 = 1000;

/// A request for a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// Whose page.
    customer_id: String,
    /// How long it lives, 1 to 3600 seconds; absent: 900.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3_600)]
    ttl_s: Option<i64>,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// The token.
    token: String,
    /// The page with the token in its fragment, which browsers do not send.
    url: String,
    /// When it ends, RFC 3339.
    expires_at: String,
}

/// The first facts of a page.
#[derive(Serialize, ToSchema)]
pub(super) struct PageFacts {
    /// Whose page: the pseudonym that the page's own questions need.
    customer_id: String,
    /// The pseudonym as it may be shown.
    customer_shown: String,
    /// Kinds of usage that the catalogue in force prices.
    kinds: Vec<&'static str>,
    /// The present plan; absent for a new customer, or when the catalogue does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    present_plan: Option<PagePlan>,
    /// When the token ends, RFC 3339: from then on the page can ask nothing more.
    expires_at: String,
}

/// A plan with its name in both languages, since a page can be switched.
#[derive(Serialize, ToSchema)]
pub(super) struct PagePlan {
    /// Identifier.
    plan_id: String,
    /// What people call it.
    name: Name,
}

/// Make a token for one customer's page
#[utoipa::path(
    post, path = "/page-tokens", tag = "page", operation_id = "new_page_token",
    request_body = TokenRequest,
    responses((status = 201, description = "The token", body = TokenAnswer))
)]
pub(super) async fn new_token(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<TokenRequest, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let ttl_s = request.ttl_s.unwrap_or(PAGE_TOKEN_TTL_S_DEFAULT);
    if !(1..=PAGE_TOKEN_TTL_S_MAX).contains(&ttl_s) {
        let detail = Name::new(
            format!("应为 1 到 {PAGE_TOKEN_TTL_S_MAX} 秒。"),
            format!("Must be 1 to {PAGE_TOKEN_TTL_S_MAX} seconds."),
        );
        return Err(invalid_field("/ttl_s", detail));
    }
    let customer_id = customer_id_in_body(&request.customer_id)?;
    app.store
        .customer(&customer_id, &caller)
        .await?
        .ok_or_else(customer_unknown)?;
    let expires_at_unix_s = app.store.now_unix_ms().div_euclid(MS_PER_S) + ttl_s;
    let grant = PageGrant {
        customer_id,
        region: caller.region,
        issuer: caller.key_id,
        expires_at_unix_s,
    };
    let token = app.guard.page_tokens().issue(&grant).await?;
    let answer = TokenAnswer {
        url: format!("{PAGE_PATH}#token={token}"),
        token,
        expires_at: rfc3339(expires_at_unix_s * MS_PER_S)?,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// First facts of the page
#[utoipa::path(
    get, path = "/page", tag = "page", operation_id = "page",
    responses((status = 200, description = "The facts", body = PageFacts))
)]
pub(super) async fn page(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
) -> Result<Json<PageFacts>, Problem> {
    let CallerKind::Page(PageGrant {
        customer_id,
        expires_at_unix_s,
        ..
    }) = caller.kind.clone()
    else {
        return Err(Problem::internal(
            "the guard admitted a key to a page's route",
        ));
    };
    let asked = Asked {
        customer_id: Some(customer_id.as_str().to_owned()),
        usage: None,
        profile: None,
    };
    let (subject, _) = app.subject(asked, &caller, "page", &request_id).await?;
    let (_, compiled) = app.catalogue_in_force(app.today()?).await?;
    let catalogue = &compiled.catalogue;
    let present = subject
        .document
        .customer
        .plan
        .as_deref()
        .and_then(|id| catalogue.plan_index(id));
    Ok(Json(PageFacts {
        customer_shown: shown(customer_id.as_str()),
        customer_id: customer_id.as_str().to_owned(),
        kinds: kinds(catalogue),
        present_plan: present.map(|plan| PagePlan {
            plan_id: catalogue.plans[plan].id.clone(),
            name: catalogue.plans[plan].name.clone(),
        }),
        expires_at: rfc3339(expires_at_unix_s * MS_PER_S)?,
    }))
}

fn kinds(catalogue: &Catalogue) -> Vec<&'static str> {
    let is_on = |kind: &Kind| {
        let index = kind.index();
        !catalogue.switched_off[index] && !catalogue.cells.categories[index].is_empty()
    };
    Kind::ALL
        .iter()
        .filter(|kind| is_on(kind))
        .map(|kind| kind.id())
        .collect()
}

/// A pseudonym with its middle hidden: enough for its owner to recognise it, not enough to look it up.
fn shown(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    if characters.len() <= 2 * SHOWN_CHARACTERS {
        return "***".to_owned();
    }
    let first: String = characters[..SHOWN_CHARACTERS].iter().collect();
    let last: String = characters[characters.len() - SHOWN_CHARACTERS..]
        .iter()
        .collect();
    format!("{first}***{last}")
}
