//! Lookalikes over HTTP: `/filter/v1/lookalikes` (TF-6).
//!
//! A run is kept with its request, its dataset version and what it found, so that a list ordered by it names the model that decided.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chudian_dataset::schema::{Column, Kind};
use chudian_runtime::http::auth::{Admission, Caller, Guard, guarded};
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::query::{PathOf, QueryOf};
use chudian_runtime::http::routes::Routes;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_runtime::routes;
use chudian_vocabulary::access::Role::{Admin, Analyst, Approver};
use chudian_vocabulary::{CustomerId, Language, Name};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::lists::ListsApp;
use super::{REQUEST_BYTES_MAX, invalid_field, rfc3339};
use crate::lists::identity::LookalikeId;
use crate::lookalike::characteristic::Characteristic;
use crate::lookalike::limits::COLUMNS_MAX;
use crate::lookalike::rule::ProposedRule;
use crate::lookalike::score::Scorecard;
use crate::lookalike::{self, Counts, Findings, LookalikeError, ScoreFindings};
use crate::service::forms::SelectionForm;
use crate::service::lists::forms::{TEXT_LETTERS_MAX, check_text};
use crate::service::lookalike::{Drawn, class_label, draw, expression_of};
use crate::store::lists::StoredLookalike;
use crate::text;
use crate::wire;

/// The seed when a request names none.
const SEED_DEFAULT: &str = "standard";

/// Longest seed.
const SEED_BYTES_MAX: usize = 128;

/// A request for lookalikes.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookalikeForm {
    /// What the prospects are wanted for; kept with every use.
    purpose: String,
    /// The present users of the business: a flag (`has_ring_tone = yes`), a saved group, any condition.
    users: SelectionForm,
    /// With whom they are compared; absent: with everyone else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    among: Option<SelectionForm>,
    /// Columns to look at; absent: all. Those by which the users are told are never looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    /// Columns not to look at: what follows from the business instead of leading to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    leave_out: Vec<String>,
    /// Decides who is drawn and who is held out; the same seed gives the same result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

/// Users and others.
#[derive(Serialize, ToSchema)]
struct CountsAnswer {
    /// Who uses the business.
    users: u64,
    /// Who does not.
    others: u64,
}

impl From<Counts> for CountsAnswer {
    fn from(counts: Counts) -> Self {
        Self {
            users: counts.users,
            others: counts.others,
        }
    }
}

/// What a run found.
#[derive(Serialize, ToSchema)]
pub(super) struct LookalikeAnswer {
    /// Its id; lists may be ordered by it.
    run_id: String,
    /// What it was made for.
    purpose: String,
    /// Version of the dataset.
    dataset_version: String,
    /// The seed.
    seed: String,
    /// When it was made, RFC 3339.
    made_at: String,
    /// By which key.
    made_by: String,
    /// Users and others of the dataset.
    population: CountsAnswer,
    /// Customers learned from.
    learned_from: CountsAnswer,
    /// Customers held out; every claim of rule and score is made from them.
    held_out: CountsAnswer,
    /// What sets users apart, the supported and most telling first.
    characteristics: Vec<CharacteristicAnswer>,
    /// A readable rule; absent when none stands up on the held-out customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleAnswer>,
    /// A score; absent when no characteristic is supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<ScoreAnswer>,
}

/// How a column tells users from others.
#[derive(Serialize, ToSchema)]
struct CharacteristicAnswer {
    /// Name of the column.
    column: String,
    /// Its title.
    title: Name,
    /// Whether the difference is more than chance, given how many columns were looked at, and is there again in the held-out customers.
    is_supported: bool,
    /// Sum over the classes of difference of shares times weight of evidence; under 0.02 next to nothing, over 0.3 much.
    information_value: f64,
    /// The same on the held-out customers.
    information_value_held_out: f64,
    /// Largest difference of the cumulative distributions, where the column has an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    kolmogorov_smirnov: Option<f64>,
    /// Association, 0 to 1.
    cramers_v: f64,
    /// Correlation of rank and use, where the column has an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_correlation: Option<f64>,
    /// Probability of such a difference by chance, for this column alone.
    chance: f64,
    /// Its classes.
    classes: Vec<ClassAnswer>,
}

/// One class of a column, on the customers learned from.
#[derive(Serialize, ToSchema)]
struct ClassAnswer {
    /// Which values; `–` for none, `*` for all other words.
    label: String,
    /// Share of the users in it.
    share_of_users: f64,
    /// Share of the others in it.
    share_of_others: f64,
    /// Weight of evidence: positive speaks for a user.
    weight: f64,
    /// Points of the score; absent when the column is not part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<i32>,
}

/// A rule with what it is worth on the held-out customers.
#[derive(Serialize, ToSchema)]
struct RuleAnswer {
    /// The rule as text, in both languages.
    text: Name,
    /// The rule as a JSON expression, to be used as a selection.
    #[schema(value_type = Object)]
    expression: Value,
    /// Share of the users for whom it holds.
    coverage: f64,
    /// Share of all customers for whom it holds.
    share: f64,
    /// Share of users where it holds, over the share of users among all.
    lift: f64,
    /// How much more often it holds for users than for others, 95 % interval.
    ratio_interval: [f64; 2],
    /// Held-out customers for whom it holds.
    held_out: CountsAnswer,
}

/// A score with how well it does on the held-out customers.
#[derive(Serialize, ToSchema)]
struct ScoreAnswer {
    /// Chance that a user has more points than another customer; a half says nothing.
    area_under_curve: f64,
    /// Its 95 % interval.
    area_interval: [f64; 2],
    /// How many times more users there are among the tenth with most points than among all.
    lift_of_top_tenth: f64,
    /// Share of users to expect by points.
    bands: Vec<BandAnswer>,
    /// The score's columns, classes and points; [`CharacteristicAnswer::classes`] shows the points in words.
    #[schema(value_type = Object)]
    card: Scorecard,
}

/// A band of points.
#[derive(Serialize, ToSchema)]
struct BandAnswer {
    /// Fewest points.
    points_min: i64,
    /// Most points.
    points_max: i64,
    /// Share of users to expect.
    expected_share: f64,
    /// Held-out customers in it.
    held_out: CountsAnswer,
}

/// The part of a stored document that a list needs.
#[derive(Deserialize)]
struct StoredScore {
    score: Option<StoredCard>,
}

#[derive(Deserialize)]
struct StoredCard {
    card: Scorecard,
}

/// Every route of lookalikes with those who may call it.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(guard: &Guard, app: ListsApp) -> Routes<S> {
    let with = |admission: Admission, routes: Routes<ListsApp>| guarded(guard, admission, routes);
    Routes::new()
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(find_lookalikes)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Approver, Admin]),
            Routes::new().routes(routes!(lookalike_run)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Admin]),
            Routes::new().routes(routes!(points)),
        ))
        .with_state(app)
}

/// Find prospects
///
/// Ranks what sets the present users apart and proposes a rule and a score, both tried on customers that were held out.
#[utoipa::path(
    post, path = "/lookalikes", tag = "lookalikes", operation_id = "find_lookalikes",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this attempt")),
    request_body = LookalikeForm,
    responses((status = 201, description = "What was found", body = LookalikeAnswer))
)]
pub(super) async fn find_lookalikes(
    State(app): State<ListsApp>,
    caller: Caller,
    attempt: Attempt,
    JsonBody { value: form, bytes }: JsonBody<LookalikeForm, REQUEST_BYTES_MAX>,
) -> Result<Response, Problem> {
    let seed = checked(&form)?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let run = match app.run(form, seed, &caller).await {
        Ok(run) => run,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let mut transaction = match app.lists.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let stored = app.lists.add_lookalike(&mut transaction, &run).await;
    let answer = stored.map_err(Problem::from).map(|()| Answer {
        status: StatusCode::CREATED,
        location: Some(format!("/filter/v1/lookalikes/{}", run.run_id)),
        body: run.document.clone(),
    });
    ticket.finish(transaction, answer).await
}

/// A run and what it found
#[utoipa::path(
    get, path = "/lookalikes/{run_id}", tag = "lookalikes", operation_id = "lookalike_run",
    params(("run_id" = String, Path, description = "Id of the run")),
    responses((status = 200, description = "What was found", body = LookalikeAnswer))
)]
pub(super) async fn lookalike_run(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<Value>, Problem> {
    let run = match LookalikeId::parse(&id) {
        Some(id) => app.lists.lookalike(&id).await?,
        None => None,
    };
    let run = run
        .filter(|run| run.is_visible_to(&caller))
        .ok_or_else(lookalike_unknown)?;
    let document = serde_json::from_str(&run.document).map_err(damaged)?;
    Ok(Json(document))
}

/// Which version is scored.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PointsQuery {
    /// Dataset version; the one in force unless stated. Every column of the score must be in it.
    dataset: Option<String>,
}

/// The points of a segment's customers.
#[derive(Serialize, ToSchema)]
pub(super) struct PointsAnswer {
    /// The run whose score it is.
    run_id: String,
    /// The version that was scored.
    dataset_version: String,
    /// Number of the segment, from 0.
    segment: usize,
    /// Points, in the order of the segment's customers.
    points: Vec<i64>,
}

/// Points of every customer of a segment
///
/// For the batch that publishes the score as columns of the dataset (`chudian batch lookalike`). Keys of the whole province only; the access
/// is recorded.
#[utoipa::path(
    get, path = "/lookalikes/{run_id}/segments/{segment}/points", tag = "lookalikes", operation_id = "lookalike_points",
    params(
        ("run_id" = String, Path, description = "Id of the run"),
        ("segment" = u64, Path, description = "Number of the segment, from 0"),
        PointsQuery,
    ),
    responses((status = 200, description = "The points", body = PointsAnswer))
)]
pub(super) async fn points(
    State(app): State<ListsApp>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, segment)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<PointsQuery>,
) -> Result<Json<PointsAnswer>, Problem> {
    if caller.region.is_some() {
        let detail = Name::new(
            "此操作涉及全省客户，需要不限地区的密钥。",
            "This concerns the customers of the whole province; it needs a key that is not bound to a region.",
        );
        return Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail));
    }
    let run = match LookalikeId::parse(&id) {
        Some(id) => app.lists.lookalike(&id).await?,
        None => None,
    };
    let run = run.ok_or_else(lookalike_unknown)?;
    let card = card_of(&run)?.ok_or_else(|| Problem::of_kind(catalogue::LOOKALIKE_NO_SCORE))?;
    let reader = app.filter.reader(query.dataset.as_deref(), "").await?;
    let segment = segment
        .parse()
        .ok()
        .filter(|segment| *segment < reader.segment_count())
        .ok_or_else(|| segment_unknown(reader.segment_count()))?;
    let mut columns = Vec::with_capacity(card.columns.len());
    for name in card.columns() {
        columns.push(reader.column(segment, name).await?);
    }
    let points = (0..reader.segment_rows(segment)).map(|row| {
        let values: Vec<_> = columns.iter().map(|column| column.value(row)).collect();
        card.points(values.iter().map(Option::as_ref))
    });
    let points = points.collect();
    let everybody = format!("all:{}:s{segment}", reader.version().snapshot());
    let everybody =
        CustomerId::new(everybody).map_err(|error| Problem::internal(error.to_string()))?;
    app.personal_access
        .record(&caller, &everybody, "lookalike-points", &request_id)
        .await?;
    Ok(Json(PointsAnswer {
        run_id: run.run_id,
        dataset_version: reader.version().to_string(),
        segment,
        points,
    }))
}

fn segment_unknown(count: usize) -> Problem {
    let detail = Name::new(
        format!("该版本有 {count} 个分段，从 0 编号。"),
        format!("The version has {count} segments, numbered from 0."),
    );
    Problem::new(catalogue::INVALID_PATH, detail)
}

/// No such run for this caller.
pub(super) fn lookalike_unknown() -> Problem {
    let detail = Name::new(
        "没有这次相似人群分析，请检查标识。",
        "There is no such lookalike run; check its id.",
    );
    Problem::new(catalogue::LOOKALIKE_UNKNOWN, detail)
}

/// The score of a run, for a list that is ordered by it.
pub(super) fn scorecard_of(run: &StoredLookalike) -> Result<Scorecard, Problem> {
    card_of(run)?.ok_or_else(|| {
        let detail = Name::new(
            "这次分析没有得出可用的评分，不能用于排序。",
            "That run found no score, so nothing can be ordered by it.",
        );
        invalid_field("/priority/lookalike", detail)
    })
}

fn card_of(run: &StoredLookalike) -> Result<Option<Scorecard>, Problem> {
    let stored: StoredScore = serde_json::from_str(&run.document).map_err(damaged)?;
    Ok(stored.score.map(|score| score.card))
}

fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal(format!("a stored lookalike run cannot be read: {error}"))
}

fn checked(form: &LookalikeForm) -> Result<String, Problem> {
    check_text("/purpose", &form.purpose, TEXT_LETTERS_MAX).map_err(super::lists::form_fault)?;
    let seed = form.seed.clone().unwrap_or_else(|| SEED_DEFAULT.to_owned());
    if seed.is_empty() || seed.len() > SEED_BYTES_MAX {
        let detail = Name::new(
            format!("须为 1 至 {SEED_BYTES_MAX} 个字节。"),
            format!("Must have 1 to {SEED_BYTES_MAX} bytes."),
        );
        return Err(invalid_field("/seed", detail));
    }
    Ok(seed)
}

impl ListsApp {
    async fn run(
        &self,
        form: LookalikeForm,
        seed: String,
        caller: &Caller,
    ) -> Result<StoredLookalike, Problem> {
        let drawn = draw(
            &self.filter,
            &form.users,
            form.among.as_ref(),
            &seed,
            caller,
        )
        .await?;
        drawn.sample.check().map_err(too_few)?;
        let columns = columns_to_look_at(&form, &drawn)?;
        let mut learned = Vec::with_capacity(columns.len());
        for column in &columns {
            learned.extend(drawn.learn(column).await?);
        }
        let findings = lookalike::find(&drawn.sample, learned).map_err(too_few)?;
        let run_id = LookalikeId::from_random_bytes(self.lists.random_bytes())
            .as_str()
            .to_owned();
        let made_at_unix_ms = self.lists.now_unix_ms();
        let made_by = caller.key_id.as_str().to_owned();
        let dataset_version = drawn.reader.version().to_string();
        let request = LookalikeForm {
            users: drawn.users.clone(),
            seed: Some(seed.clone()),
            ..form
        };
        let answer = LookalikeAnswer {
            run_id: run_id.clone(),
            purpose: request.purpose.clone(),
            dataset_version: dataset_version.clone(),
            seed,
            made_at: rfc3339(made_at_unix_ms)?,
            made_by: made_by.clone(),
            population: drawn.sample.population.into(),
            learned_from: findings.learned_from.into(),
            held_out: findings.held_out.into(),
            characteristics: characteristics(&findings, &columns),
            rule: findings
                .rule
                .as_ref()
                .map(|rule| rule_answer(rule, &drawn, &columns))
                .transpose()?
                .flatten(),
            score: findings.score.map(score_answer),
        };
        let json = |text: Result<String, serde_json::Error>| {
            text.map_err(|error| Problem::internal(error.to_string()))
        };
        Ok(StoredLookalike {
            run_id,
            purpose: request.purpose.clone(),
            region: caller
                .region
                .as_ref()
                .map(|region| region.as_str().to_owned()),
            dataset_version,
            request: json(serde_json::to_string(&request))?,
            document: json(serde_json::to_string(&answer))?,
            made_at_unix_ms,
            made_by,
        })
    }
}

fn too_few(error: LookalikeError) -> Problem {
    let LookalikeError::TooFew { users, others } = error;
    let needed = (lookalike::limits::USERS_MIN, lookalike::limits::OTHERS_MIN);
    let detail = Name::new(
        format!(
            "学习与留出两部分中较少的一部分只有 {users} 个用户和 {others} 个其他客户，至少需要 {} 个和 {} 个。请放宽 users 或 among。",
            needed.0, needed.1
        ),
        format!(
            "The smaller of the two parts, learned from and held out, has {users} users and {others} others; {} and {} are needed. Widen `users` or `among`.",
            needed.0, needed.1
        ),
    );
    Problem::new(catalogue::LOOKALIKE_TOO_FEW, detail)
}

fn columns_to_look_at(form: &LookalikeForm, drawn: &Drawn) -> Result<Vec<Column>, Problem> {
    for (pointer, names) in [("/columns", &form.columns), ("/leave_out", &form.leave_out)] {
        if let Some((place, name)) = names
            .iter()
            .enumerate()
            .find(|(_, name)| drawn.reader.describe(name).is_none())
        {
            let detail = Name::new(
                format!("数据集没有列“{name}”。"),
                format!("The dataset has no column `{name}`."),
            );
            return Err(invalid_field(&format!("{pointer}/{place}"), detail));
        }
    }
    let is_wanted = |column: &&Column| {
        let name = column.name.as_str();
        let is_named = |names: &[String]| names.iter().any(|other| other == name);
        column.kind != Kind::Identity
            && (form.columns.is_empty() || is_named(&form.columns))
            && !is_named(&form.leave_out)
            && !is_named(&drawn.columns_of_users)
    };
    let columns: Vec<Column> = drawn.reader.columns().filter(is_wanted).cloned().collect();
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        let found = columns.len();
        let detail = Name::new(
            format!("可分析的列有 {found} 个，应为 1 至 {COLUMNS_MAX} 个。请用 columns 指定。"),
            format!(
                "There are {found} columns to look at; there must be 1 to {COLUMNS_MAX}. Name them in `columns`."
            ),
        );
        return Err(invalid_field("/columns", detail));
    }
    Ok(columns)
}

fn characteristics(findings: &Findings, columns: &[Column]) -> Vec<CharacteristicAnswer> {
    let points_of = |name: &str| {
        let card = findings.score.as_ref().map(|score| &score.card);
        card.and_then(|card| card.columns.iter().find(|column| column.column == name))
            .map(|column| column.points.as_slice())
    };
    let described = findings.characteristics.iter().filter_map(|found| {
        columns
            .iter()
            .find(|column| column.name.as_str() == found.column)
            .map(|column| (found, column))
    });
    described
        .map(|(found, column)| {
            characteristic(
                found,
                column,
                points_of(&found.column),
                findings.learned_from,
            )
        })
        .collect()
}

fn characteristic(
    found: &Characteristic,
    column: &Column,
    points: Option<&[i32]>,
    total: Counts,
) -> CharacteristicAnswer {
    let share = |count: u64, of: u64| {
        lookalike::statistics::real(count) / lookalike::statistics::real(of).max(1.0)
    };
    let classes = found
        .classes
        .iter()
        .enumerate()
        .map(|(class, counts)| ClassAnswer {
            label: class_label(column, &found.bins, class),
            share_of_users: share(counts.learned.users, total.users),
            share_of_others: share(counts.learned.others, total.others),
            weight: counts.weight,
            points: points.and_then(|points| points.get(class).copied()),
        });
    CharacteristicAnswer {
        column: found.column.clone(),
        title: column.title.clone(),
        is_supported: found.is_supported,
        information_value: found.information_value,
        information_value_held_out: found.information_value_held_out,
        kolmogorov_smirnov: found.kolmogorov_smirnov,
        cramers_v: found.cramers_v,
        rank_correlation: found.rank_correlation,
        chance: found.chance,
        classes: classes.collect(),
    }
}

/// Nothing when a condition has no text, such as a score with more digits than the language reads.
fn rule_answer(
    rule: &ProposedRule,
    drawn: &Drawn,
    columns: &[Column],
) -> Result<Option<RuleAnswer>, Problem> {
    let Some(expression) = expression_of(&rule.conditions, &drawn.reader) else {
        return Ok(None);
    };
    let json = serde_json::to_value(wire::expression::write(&expression));
    Ok(Some(RuleAnswer {
        text: Name::new(
            text::print(&expression, columns, Language::Chinese),
            text::print(&expression, columns, Language::English),
        ),
        expression: json.map_err(|error| Problem::internal(error.to_string()))?,
        coverage: rule.coverage,
        share: rule.share,
        lift: rule.lift,
        ratio_interval: [rule.odds_interval.0, rule.odds_interval.1],
        held_out: rule.held_out.into(),
    }))
}

fn score_answer(score: ScoreFindings) -> ScoreAnswer {
    let ScoreFindings { card, quality } = score;
    let bands = quality.bands.into_iter().map(|band| BandAnswer {
        points_min: band.points_min,
        points_max: band.points_max,
        expected_share: band.expected_share,
        held_out: band.held_out.into(),
    });
    ScoreAnswer {
        area_under_curve: quality.area_under_curve,
        area_interval: [quality.area_interval.0, quality.area_interval.1],
        lift_of_top_tenth: quality.lift_of_top_tenth,
        bands: bands.collect(),
        card,
    }
}
