//! Comparisons and bills (TS-1 … TS-5, TS-7).

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::{Caller, CallerKind};
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::language::{ReaderLanguage, tag};
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{CustomerId, Date, Language, Name, Region};
use http::{HeaderName, header};

use super::App;
use super::problems::{customer_id_in_body, customer_unknown, invalid_field, service_problem};
use crate::limits::USAGE_BYTES_MAX;
use crate::service::answers::{BillAnswer, SimulationAnswer};
use crate::service::bills::bill as bill_of;
use crate::service::forms::{CustomerForm, Described, ProfileForm, UsageForm};
use crate::service::requests::{BillForm, SimulationForm};
use crate::service::rule::ranking_json;
use crate::service::simulate::{Subject, Version, day_asked, simulate as simulate_service};
use crate::store::StoredCustomer;
use crate::wire::catalogue::RankingJson;

/// Compare plans for a customer
///
/// Either a stored customer, or usage and profile inline.
#[utoipa::path(
    post, path = "/simulations", tag = "simulation", operation_id = "simulate",
    request_body = SimulationForm,
    responses((status = 200, description = "The comparison", body = SimulationAnswer))
)]
pub(super) async fn simulate(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    ReaderLanguage(language): ReaderLanguage,
    JsonBody {
        value: mut form, ..
    }: JsonBody<SimulationForm, USAGE_BYTES_MAX>,
) -> Result<InLanguage<SimulationAnswer>, Problem> {
    let language = form.language.map_or(language, Language::from);
    let asked = Asked {
        customer_id: form.customer_id.take(),
        usage: form.usage.take(),
        profile: form.profile.take(),
    };
    let on = match day_asked(&form).map_err(service_problem)? {
        Some(day) => day,
        None => app.today()?,
    };
    let (subject, _) = app.subject(asked, &caller, "simulate", &request_id).await?;
    let answer = app.comparison(&subject, &form, on, language).await?;
    Ok(in_language(language, answer))
}

/// One bill line by line
#[utoipa::path(
    post, path = "/bills", tag = "simulation", operation_id = "bill",
    request_body = BillForm,
    responses((status = 200, description = "The bill; its lines add up to the total", body = BillAnswer))
)]
pub(super) async fn bill(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    ReaderLanguage(language): ReaderLanguage,
    JsonBody {
        value: mut form, ..
    }: JsonBody<BillForm, USAGE_BYTES_MAX>,
) -> Result<InLanguage<BillAnswer>, Problem> {
    let language = form.language.map_or(language, Language::from);
    let asked = Asked {
        customer_id: form.customer_id.take(),
        usage: form.usage.take(),
        profile: form.profile.take(),
    };
    let (subject, _) = app.subject(asked, &caller, "bill", &request_id).await?;
    let (name, compiled) = app
        .catalogue_for(form.catalogue_version.as_deref(), app.today()?)
        .await?;
    let rule = app.rule(subject.region()).await?;
    let counts_introductory = rule.map_or(compiled.catalogue.ranking.count_introductory, |rule| {
        rule.count_introductory
    });
    let version = Version {
        name: &name,
        catalogue: &compiled,
    };
    let answer = bill_of(version, &subject, &form, counts_introductory, language)
        .map_err(service_problem)?;
    Ok(in_language(language, answer))
}

/// An answer that says which language its texts are in, since the question may have asked for another than its header.
type InLanguage<T> = ([(HeaderName, &'static str); 1], Json<T>);

fn in_language<T>(language: Language, answer: T) -> InLanguage<T> {
    ([(header::CONTENT_LANGUAGE, tag(language))], Json(answer))
}

/// The members of a question that say who the customer is.
pub(super) struct Asked {
    pub(super) customer_id: Option<String>,
    pub(super) usage: Option<UsageForm>,
    pub(super) profile: Option<ProfileForm>,
}

impl App {
    /// The customer of a question; a stored one with its id and region, after the access was recorded.
    pub(super) async fn subject(
        &self,
        asked: Asked,
        caller: &Caller,
        action: &'static str,
        request_id: &RequestId,
    ) -> Result<(Subject, Option<(CustomerId, Region)>), Problem> {
        match asked {
            Asked {
                customer_id: Some(id),
                usage: None,
                profile: None,
            } => {
                let id = customer_id_in_body(&id)?;
                let StoredCustomer {
                    region, document, ..
                } = self
                    .store
                    .customer(&id, caller)
                    .await?
                    .ok_or_else(customer_unknown)?;
                self.personal_access
                    .record(caller, &id, action, request_id)
                    .await?;
                let form: CustomerForm = serde_json::from_str(&document).map_err(|error| {
                    Problem::internal(format!("a stored customer cannot be read: {error}"))
                })?;
                let (profile, usage) = form.into_parts();
                Ok((
                    Subject::new(profile, usage, Described::Stored),
                    Some((id, region)),
                ))
            }
            Asked {
                customer_id: None,
                usage: Some(usage),
                profile,
            } => {
                if let CallerKind::Page(_) = caller.kind {
                    let detail = Name::new(
                        "页面令牌只能测算它所属的客户。",
                        "A page token compares plans for its own customer only.",
                    );
                    return Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail));
                }
                Ok((
                    Subject::new(profile.unwrap_or_default(), usage, Described::Inline),
                    None,
                ))
            }
            _ => {
                let detail = Name::new(
                    "请只给出 customer_id，或者只给出 usage 和 profile。",
                    "Give either `customer_id`, or `usage` and `profile`.",
                );
                Err(invalid_field("/customer_id", detail))
            }
        }
    }

    /// The answer to a question whose customer is known.
    pub(super) async fn comparison(
        &self,
        subject: &Subject,
        form: &SimulationForm,
        on: Date,
        language: Language,
    ) -> Result<SimulationAnswer, Problem> {
        let (name, compiled) = self
            .catalogue_for(form.catalogue_version.as_deref(), on)
            .await?;
        let rule = self.rule(subject.region()).await?;
        let version = Version {
            name: &name,
            catalogue: &compiled,
        };
        simulate_service(version, subject, form, on, rule, language).map_err(service_problem)
    }

    /// The version that a question names, or the one in force on `day`.
    pub(super) async fn catalogue_for(
        &self,
        version: Option<&str>,
        day: Date,
    ) -> Result<(String, std::sync::Arc<crate::compile::CompiledCatalogue>), Problem> {
        match version {
            Some(version) => Ok((version.to_owned(), self.compiled_catalogue(version).await?)),
            None => self.catalogue_in_force(day).await,
        }
    }

    /// The stored rule for a region, if there is one.
    pub(super) async fn rule(&self, region: Option<&str>) -> Result<Option<RankingJson>, Problem> {
        let Some(document) = self.store.rule_for(region).await? else {
            return Ok(None);
        };
        serde_json::from_str(&document)
            .map(Some)
            .map_err(|error| Problem::internal(format!("a stored rule cannot be read: {error}")))
    }

    /// The rule that holds for a region today: its own, the default one, the catalogue's, or the plain one.
    pub(super) async fn rule_in_force(&self, region: &Region) -> Result<RankingJson, Problem> {
        if let Some(rule) = self.rule(Some(region.as_str())).await? {
            return Ok(rule);
        }
        let Some(version) = self.store.version_in_force(self.today()?).await? else {
            return Ok(RankingJson::default());
        };
        Ok(ranking_json(
            &self.compiled_catalogue(&version).await?.catalogue.ranking,
        ))
    }
}
