//! Which catalogue version is in force from which day on (TS-6).

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::Name;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::catalogue_unknown;
use super::{App, date_in_path, rfc3339};
use crate::store;

/// Largest body here: a version.
const BODY_BYTES_MAX: usize = 1024;

/// A version and the first day on which it is in force.
#[derive(Serialize, ToSchema)]
pub(super) struct Activation {
    /// First day, `YYYY-MM-DD`.
    from: String,
    /// The version.
    version: String,
    /// When this was decided, RFC 3339.
    set_at: String,
    /// Id of the key that decided it.
    set_by: String,
}

/// The version to put in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewActivation {
    /// A version that was imported.
    version: String,
}

/// All activations.
#[derive(Serialize, ToSchema)]
pub(super) struct Activations {
    /// By day, earliest first.
    items: Vec<Activation>,
}

/// Put a version in force from a day on
///
/// Today at the earliest; what was planned for that day is replaced.
#[utoipa::path(
    put, path = "/activations/{from}", tag = "catalogue", operation_id = "activate_catalogue",
    params(("from" = String, Path, description = "First day, `YYYY-MM-DD`, in China")),
    request_body = NewActivation,
    responses((status = 200, description = "The activation", body = Activation))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(from): PathOf<String>,
    JsonBody {
        value: NewActivation { version },
        ..
    }: JsonBody<NewActivation, BODY_BYTES_MAX>,
) -> Result<Json<Activation>, Problem> {
    let from = date_in_path(&from)?;
    if from < app.today()? {
        return Err(in_the_past());
    }
    if app.store.catalogue_facts(&version).await?.is_none() {
        return Err(catalogue_unknown());
    }
    let set_at_unix_ms = app.store.activate(from, &version, &caller.key_id).await?;
    Ok(Json(Activation {
        from: from.to_string(),
        version,
        set_at: rfc3339(set_at_unix_ms)?,
        set_by: caller.key_id.to_string(),
    }))
}

/// Take back an activation whose day has not come
#[utoipa::path(
    delete, path = "/activations/{from}", tag = "catalogue", operation_id = "take_activation_back",
    params(("from" = String, Path, description = "First day, `YYYY-MM-DD`")),
    responses((status = 204, description = "Taken back"))
)]
pub(super) async fn delete(
    State(app): State<App>,
    PathOf(from): PathOf<String>,
) -> Result<StatusCode, Problem> {
    let from = date_in_path(&from)?;
    if from <= app.today()? {
        return Err(in_the_past());
    }
    if app.store.deactivate(from).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        let detail = Name::new(
            "该日期没有安排生效的目录。",
            "Nothing is planned to come into force on that day.",
        );
        Err(Problem::new(catalogue::NOT_FOUND, detail))
    }
}

/// What is in force from when
#[utoipa::path(
    get, path = "/activations", tag = "catalogue", operation_id = "list_activations",
    responses((status = 200, description = "Every activation, past and planned", body = Activations))
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Activations>, Problem> {
    let shown = |activation: store::Activation| {
        Ok::<_, Problem>(Activation {
            from: activation.from.to_string(),
            version: activation.version,
            set_at: rfc3339(activation.set_at_unix_ms)?,
            set_by: activation.set_by,
        })
    };
    let activations = app.store.activations().await?;
    Ok(Json(Activations {
        items: activations
            .into_iter()
            .map(shown)
            .collect::<Result<_, _>>()?,
    }))
}

fn in_the_past() -> Problem {
    let detail = Name::new(
        "生效日期必须是今天或以后；已经生效的不能更改，因为账单要能重新证明。",
        "A version comes into force today or later; what has been in force is not changed, because bills must be provable.",
    );
    Problem::new(catalogue::ACTIVATION_IN_THE_PAST, detail)
}
