//! From what is wrong with an event or a request to what a client is told.

use chudian_runtime::http::auth::{Caller, CallerKind};
use chudian_runtime::problem::{FieldError, FieldErrorBody, Problem, catalogue};
use chudian_vocabulary::access::Role;
use chudian_vocabulary::{CustomerId, Language, Name};

use crate::fault::{Fault, Finding};
use crate::limits::{BATCH_EVENTS_MAX, QUEUE_RETRY_AFTER_S};
use crate::reading::check_pseudonym;
use crate::service::{EventResult, Refusal, Told};

/// What is wrong, as the edge knows it.
pub(super) fn field_error(finding: &Finding) -> FieldError {
    FieldError {
        pointer: finding.pointer.clone(),
        code: finding.fault.code().to_owned(),
        detail: finding.fault.text(),
    }
}

/// What is wrong, in the reader's language.
pub(super) fn field_errors_shown(findings: &[Finding], language: Language) -> Vec<FieldErrorBody> {
    findings
        .iter()
        .map(|finding| FieldErrorBody::of(&field_error(finding), language))
        .collect()
}

/// The problem that a request with one event gets when the event was rejected.
pub(super) fn rejected_alone(result: EventResult) -> Result<EventResult, Problem> {
    let Told::Rejected {
        findings,
        rejected_id,
    } = &result.told
    else {
        return Ok(result);
    };
    let kind = match findings.as_slice() {
        [only] if only.fault == Fault::IdentityConflict => catalogue::EVENT_CONFLICT,
        _ => catalogue::EVENT_REJECTED,
    };
    let detail = match rejected_id {
        Some(id) => Name::new(
            format!("事件未被接受，已保存为 {id}；修正后可重新处理。"),
            format!("The event was rejected and is kept as {id}; repair and replay it."),
        ),
        None => Name::new(
            "事件仍不能被接受，请修正后再试。",
            "The event still cannot be accepted; repair it and try again.",
        ),
    };
    Err(Problem::new(kind, detail).with_errors(findings.iter().map(field_error)))
}

/// Why a request's events were not committed.
pub(super) fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Full => {
            let detail = Name::new(
                "等待写入的事件过多，本次请求没有生效；请按 Retry-After 稍后重发。",
                "Too many events wait to be stored; nothing was done. Send again after the time in `Retry-After`.",
            );
            Problem::new(catalogue::INGEST_BUSY, detail).with_retry_after_s(QUEUE_RETRY_AFTER_S)
        }
        Refusal::Sql(error) => error.into(),
    }
}

/// More events than a batch may have.
pub(super) fn too_many_events() -> Problem {
    let detail = Name::new(
        format!("一批最多 {BATCH_EVENTS_MAX} 个事件，请分批发送。"),
        format!("A batch may have at most {BATCH_EVENTS_MAX} events; send them in parts."),
    );
    Problem::new(catalogue::PAYLOAD_TOO_LARGE, detail)
}

/// A query with a parameter that cannot be right.
pub(super) fn invalid_query(parameter: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: format!("/{parameter}"),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_QUERY).with_errors([error])
}

/// Reads the customer's pseudonym from the path.
pub(super) fn customer_in_path(text: &str) -> Result<CustomerId, Problem> {
    check_pseudonym(text).map_err(|fault| match fault {
        Fault::LooksLikeANumber => {
            Problem::new(catalogue::CUSTOMER_ID_LOOKS_LIKE_A_NUMBER, fault.text())
        }
        other => Problem::new(catalogue::INVALID_PATH, other.text()),
    })?;
    CustomerId::new(text).map_err(|error| Problem::internal(format!("a checked id: {error}")))
}

/// No such customer for this caller; another region's customer is told in the same words.
pub(super) fn customer_unknown() -> Problem {
    let detail = Name::new(
        "没有这个客户的接触记录，请检查客户标识。",
        "There are no contacts of such a customer; check the customer id.",
    );
    Problem::new(catalogue::CUSTOMER_UNKNOWN, detail)
}

/// No such rejected event for this caller.
pub(super) fn rejected_unknown() -> Problem {
    let detail = Name::new(
        "没有这个被拒绝的事件，或它已被清理。",
        "There is no such rejected event, or it is no longer kept.",
    );
    Problem::new(catalogue::NOT_FOUND, detail)
}

/// The role of the key; page tokens are let in nowhere here.
pub(super) fn role_of(caller: &Caller) -> Result<Role, Problem> {
    match caller.kind {
        CallerKind::Key(role) => Ok(role),
        CallerKind::Page(_) => Err(Problem::internal("a page token was let in")),
    }
}
