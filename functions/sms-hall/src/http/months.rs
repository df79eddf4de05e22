//! Retention: the months of the hall's traffic, and forgetting one.

use axum::Json;
use axum::extract::State;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Month, Name};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::province_only;
use super::{App, rfc3339};
use crate::limits::MONTHS_KEPT_MIN;

/// A month of the hall's traffic.
#[derive(Serialize, ToSchema)]
pub(super) struct SmsMonth {
    /// `YYYY-MM`.
    month: String,
    /// Messages from customers that are kept.
    inbound: i64,
    /// Messages to customers that are kept.
    messages: i64,
    /// When it was forgotten, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    forgotten_at: Option<String>,
}

/// The months of the hall's traffic.
#[derive(Serialize, ToSchema)]
pub(super) struct SmsMonths {
    /// Oldest first.
    items: Vec<SmsMonth>,
}

/// How far a month is forgotten.
#[derive(Serialize, ToSchema)]
pub(super) struct ForgottenSmsMonth {
    /// The month.
    month: String,
    /// Whether nothing is left of it but what is under way; when not, ask again.
    done: bool,
}

/// Months of messages
#[utoipa::path(
    get, path = "/months", tag = "retention", operation_id = "list_sms_months",
    responses((status = 200, description = "Every month from the first with messages to this one", body = SmsMonths))
)]
pub(super) async fn list(State(app): State<App>) -> Result<Json<SmsMonths>, Problem> {
    let months = app.store().months().await?;
    let shown = |month: crate::store::MonthOfMessages| {
        Ok::<_, Problem>(SmsMonth {
            month: month.month.to_string(),
            inbound: month.inbound,
            messages: month.messages,
            forgotten_at: month.forgotten_at_unix_ms.map(rfc3339).transpose()?,
        })
    };
    Ok(Json(SmsMonths {
        items: months.into_iter().map(shown).collect::<Result<_, _>>()?,
    }))
}

/// Forget the messages of a month
///
/// Messages in both directions, receipts, the identities of pushes, rejected callbacks, offers. Consent and its proofs stay, and what is under way.
/// A large month takes several requests; `done` says when it is over.
#[utoipa::path(
    delete, path = "/months/{month}", tag = "retention", operation_id = "forget_sms_month",
    params(("month" = String, Path, description = "`YYYY-MM`, not this month and not the last")),
    responses((status = 200, description = "How far it is", body = ForgottenSmsMonth))
)]
pub(super) async fn forget(
    State(app): State<App>,
    caller: Caller,
    PathOf(text): PathOf<String>,
) -> Result<Json<ForgottenSmsMonth>, Problem> {
    province_only(&caller)?;
    let month = Month::parse(&text).map_err(|_| {
        let detail = Name::new("月份应为 YYYY-MM。", "A month has the form YYYY-MM.");
        Problem::new(catalogue::INVALID_PATH, detail)
    })?;
    let today = app
        .store()
        .today()
        .ok_or_else(|| Problem::internal("the clock is outside the calendar"))?;
    if today.month().ordinal() - month.ordinal() < MONTHS_KEPT_MIN {
        let detail = Name::new(
            "本月和上月的短信不能删除。",
            "The messages of this month and the last are not forgotten.",
        );
        return Err(Problem::new(catalogue::MONTH_NOT_OVER, detail));
    }
    let done = app
        .store()
        .forget_month(month, caller.key_id.as_str())
        .await?;
    Ok(Json(ForgottenSmsMonth {
        month: month.to_string(),
        done,
    }))
}
