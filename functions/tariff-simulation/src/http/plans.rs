//! Plans on sale.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::http::page::{Page, PageRequest};
use chudian_runtime::http::query::QueryOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Date, Language, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::problems::{catalogue_unknown, invalid_query};
use crate::compile::CompiledCatalogue;
use crate::plan::{Plan, Terms};
use crate::wire;

/// Query of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlansQuery {
    /// Day, `YYYY-MM-DD`; absent: today in China.
    on: Option<String>,
    /// Only plans of this brand.
    brand: Option<String>,
    /// Only plans that can be bought in this region.
    region: Option<String>,
    /// Plans on a page, 1 to 200.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A plan on sale.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanOnSale {
    /// Identifier.
    plan_id: String,
    /// What people call it.
    name: String,
    /// Brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Monthly fee, fen.
    monthly_fee_fen: i64,
    /// First day of sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_from: Option<String>,
    /// Last day of sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_until: Option<String>,
    /// Add-ons that can be taken with it.
    add_ons: Vec<String>,
}

/// Plans on sale on a day
#[utoipa::path(
    get, path = "/plans", tag = "catalogue", operation_id = "plans_on_sale", params(PlansQuery),
    responses((status = 200, description = "A page of plans, in the order of their ids", body = Page<PlanOnSale>))
)]
pub(super) async fn on_sale(
    State(app): State<App>,
    ReaderLanguage(language): ReaderLanguage,
    QueryOf(query): QueryOf<PlansQuery>,
) -> Result<Json<Page<PlanOnSale>>, Problem> {
    let request = PageRequest::<String>::new(query.limit, query.cursor.as_deref())?;
    let day = match &query.on {
        None => app.today()?,
        Some(text) => Date::parse(text).map_err(|_| {
            invalid_query(
                "/on",
                Name::new("日期应为 YYYY-MM-DD。", "A date has the form YYYY-MM-DD."),
            )
        })?,
    };
    let (_, compiled) = app.catalogue_in_force(day).await?;
    let mut plans: Vec<&Plan> = compiled
        .catalogue
        .plans
        .iter()
        .filter(|plan| is_on_sale(&plan.terms, day))
        .filter(|plan| query.brand.is_none() || query.brand == plan.brand)
        .filter(|plan| {
            query
                .region
                .as_ref()
                .is_none_or(|region| admits(&plan.terms.regions, region))
        })
        .filter(|plan| request.after.as_ref().is_none_or(|after| plan.id > *after))
        .collect();
    plans.sort_by(|left, right| left.id.cmp(&right.id));
    plans.truncate(usize::try_from(request.rows_to_read()).unwrap_or(usize::MAX));
    let page = request.page(plans, |plan| plan.id.clone());
    let items = page
        .items
        .into_iter()
        .map(|plan| shown(plan, &compiled, language))
        .collect();
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

fn is_on_sale(terms: &Terms, day: Date) -> bool {
    terms.sale_from.is_none_or(|from| from <= day)
        && terms.sale_until.is_none_or(|until| day <= until)
}

fn admits(list: &[String], word: &String) -> bool {
    list.is_empty() || list.contains(word)
}

fn shown(plan: &Plan, compiled: &CompiledCatalogue, language: Language) -> PlanOnSale {
    let add_on_id = |index: &usize| {
        compiled
            .catalogue
            .add_ons
            .get(*index)
            .map(|add_on| add_on.id.clone())
    };
    PlanOnSale {
        plan_id: plan.id.clone(),
        name: plan.name.in_language(language).to_owned(),
        brand: plan.brand.clone(),
        monthly_fee_fen: plan.monthly_fee_fen,
        sale_from: plan.terms.sale_from.map(|day| day.to_string()),
        sale_until: plan.terms.sale_until.map(|day| day.to_string()),
        add_ons: plan.add_ons.iter().filter_map(add_on_id).collect(),
    }
}

impl App {
    /// The catalogue in force on `day`, ready to price, with its version.
    pub(super) async fn catalogue_in_force(
        &self,
        day: Date,
    ) -> Result<(String, Arc<CompiledCatalogue>), Problem> {
        let version = self.store.version_in_force(day).await?.ok_or_else(|| {
            let detail = Name::new(
                format!("{day} 没有生效的资费目录；请先导入并设置生效日期。"),
                format!("No catalogue is in force on {day}; import one and activate it."),
            );
            Problem::new(catalogue::CATALOGUE_NOT_IN_FORCE, detail)
        })?;
        let compiled = self.compiled_catalogue(&version).await?;
        Ok((version, compiled))
    }

    /// A catalogue version, ready to price; compiled once by each instance.
    pub(super) async fn compiled_catalogue(
        &self,
        version: &str,
    ) -> Result<Arc<CompiledCatalogue>, Problem> {
        if let Some(compiled) = self.store.compiled(version) {
            return Ok(compiled);
        }
        let (document, _) = self
            .store
            .catalogue_document(version)
            .await?
            .ok_or_else(catalogue_unknown)?;
        let parsed = wire::parse_catalogue(&document).map_err(|errors| {
            Problem::internal(format!(
                "stored catalogue {version}: {} errors",
                errors.len()
            ))
        })?;
        let compiled = Arc::new(parsed.catalogue.compile());
        self.store.remember_compiled(version, Arc::clone(&compiled));
        Ok(compiled)
    }
}
