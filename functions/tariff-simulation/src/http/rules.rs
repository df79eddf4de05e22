//! The rule by which a region ranks plans (TS-4).

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problems::{not_found_region, region_in_path, with_errors};
use crate::wire;
use crate::wire::catalogue::RankingJson;

/// Largest rule.
const RULE_BYTES_MAX: usize = 16 * 1024;

/// A region's rule.
#[derive(Serialize, ToSchema)]
pub(super) struct RegionRule {
    /// The region.
    region: String,
    /// The rule that holds for it.
    rule: RankingJson,
}

/// The rule that holds for a region
///
/// Its own; where it has none, that of the region `default`; where there is none either, the catalogue's.
#[utoipa::path(
    get, path = "/rules/{region}", tag = "simulation", operation_id = "get_rule",
    params(("region" = String, Path, description = "Region, or `default`")),
    responses((status = 200, description = "The rule", body = RegionRule))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    PathOf(region): PathOf<String>,
) -> Result<Json<RegionRule>, Problem> {
    let region = region_in_path(&region)?;
    if !is_visible(&caller, &region) {
        return Err(not_found_region());
    }
    let rule = app.rule_in_force(&region).await?;
    Ok(Json(RegionRule {
        region: region.as_str().to_owned(),
        rule,
    }))
}

/// Set a region's rule
#[utoipa::path(
    put, path = "/rules/{region}", tag = "simulation", operation_id = "put_rule",
    params(("region" = String, Path, description = "Region, or `default`")),
    request_body = RankingJson,
    responses((status = 200, description = "The rule", body = RegionRule))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(region): PathOf<String>,
    JsonBody { value: rule, .. }: JsonBody<RankingJson, RULE_BYTES_MAX>,
) -> Result<Json<RegionRule>, Problem> {
    let region = region_in_path(&region)?;
    // The default rule is everybody's: a key of one region may read it, not change it.
    if !caller.sees_region(&region) {
        return Err(not_found_region());
    }
    wire::ranking_from(&rule).map_err(|errors| with_errors(catalogue::RULE_INVALID, errors))?;
    let document =
        serde_json::to_string(&rule).map_err(|error| Problem::internal(error.to_string()))?;
    app.store
        .set_rule(&region, &document, &caller.key_id)
        .await?;
    Ok(Json(RegionRule {
        region: region.as_str().to_owned(),
        rule,
    }))
}

fn is_visible(caller: &Caller, region: &chudian_vocabulary::Region) -> bool {
    caller.sees_region(region) || region.as_str() == crate::store::DEFAULT_REGION
}
