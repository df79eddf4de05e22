//! Retention: the months of the event log, and forgetting one.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Month, Name};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, rfc3339};
use crate::limits::MONTHS_KEPT_MIN;

/// A month of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct MonthAnswer {
    /// `YYYY-MM`, in which events came.
    month: String,
    /// Events that came in it, forgotten or not.
    events: i64,
    /// When they were forgotten, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    forgotten_at: Option<String>,
}

/// The months of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct Months {
    /// Oldest first.
    items: Vec<MonthAnswer>,
}

/// How far a month is forgotten.
#[derive(Serialize, ToSchema)]
pub(super) struct Forgotten {
    /// The month.
    month: String,
    /// Whether nothing is left of it; when not, ask again.
    done: bool,
}

/// Months of the event log
#[utoipa::path(
    get, path = "/months", tag = "retention", operation_id = "list_months",
    responses((status = 200, description = "Every month in which events came", body = Months))
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Months>, Problem> {
    let months = app.store.months().await?;
    let shown = |month: crate::store::MonthOfEvents| {
        Ok::<_, Problem>(MonthAnswer {
            month: month.month,
            events: month.events,
            forgotten_at: month.forgotten_unix_ms.map(rfc3339).transpose()?,
        })
    };
    Ok(Json(Months {
        items: months.into_iter().map(shown).collect::<Result<_, _>>()?,
    }))
}

/// Forget the events of a month
///
/// Their identities, the daily sums and the orders stay. A large month on SQLite takes several requests; `done` says when it is over.
#[utoipa::path(
    delete, path = "/months/{month}", tag = "retention", operation_id = "forget_month",
    params(("month" = String, Path, description = "`YYYY-MM`, not this month and not the last")),
    responses((status = 200, description = "How far it is", body = Forgotten))
)]
pub(super) async fn forget(
    State(app): State<App>,
    caller: Caller,
    PathOf(text): PathOf<String>,
) -> Result<Json<Forgotten>, Problem> {
    if caller.region.is_some() {
        let detail = Name::new(
            "只有全省的管理员密钥可以删除一个月的事件。",
            "Only an administrator's key for the whole province forgets a month.",
        );
        return Err(Problem::new(catalogue::ROLE_NOT_ALLOWED, detail));
    }
    let month = Month::parse(&text).map_err(|_| {
        let detail = Name::new("月份应为 YYYY-MM。", "A month has the form YYYY-MM.");
        Problem::new(catalogue::INVALID_PATH, detail)
    })?;
    let today = app
        .store
        .today()
        .ok_or_else(|| Problem::internal("the clock is outside the calendar"))?;
    if today.month().ordinal() - month.ordinal() < MONTHS_KEPT_MIN {
        let detail = Name::new(
            "本月和上月的事件不能删除。",
            "The events of this month and the last are not forgotten.",
        );
        return Err(Problem::new(catalogue::MONTH_NOT_OVER, detail));
    }
    let done = app
        .store
        .forget_month(month, caller.key_id.as_str())
        .await?;
    Ok(Json(Forgotten {
        month: month.to_string(),
        done,
    }))
}
