//! Expressions between their two forms.

use axum::Json;
use axum::extract::State;
use chudian_dataset::expression::ast::Expression;
use chudian_dataset::expression::bind::{Context, bind};
use chudian_dataset::expression::canonical::canonical;
use chudian_dataset::schema::Column;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::problem::shape::Shapes;
use chudian_runtime::problem::{Problem, catalogue};
use chudian_vocabulary::{Language, Name};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::counts::{NoticeBody, notice_body};
use super::{App, REQUEST_BYTES_MAX};
use crate::service::forms::ExpressionForm;
use crate::service::prepare::{expression_invalid, unbound};
use crate::text;
use crate::wire;
use crate::wire::expression::ExpressionJson;

/// An expression to be read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpressionRequest {
    /// The expression, in either form.
    expression: ExpressionForm,
}

/// An expression in every form.
#[derive(Serialize, ToSchema)]
pub(super) struct ExpressionAnswer {
    /// The JSON form; titles are replaced by names of columns and by group codes.
    expression: ExpressionJson,
    /// The text form in both languages.
    text: Name,
    /// What is doubtful.
    notices: Vec<NoticeBody>,
}

/// Read an expression and check it against the dataset in force
///
/// Errors say where in the text or in the document, and what was expected there.
#[utoipa::path(
    post, path = "/expressions/parse", tag = "expressions", operation_id = "parse_expression", request_body = ExpressionRequest,
    responses((status = 200, description = "The expression in every form", body = ExpressionAnswer))
)]
pub(super) async fn parse(
    State(app): State<App>,
    caller: Caller,
    JsonBody { value: request, .. }: JsonBody<ExpressionRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<ExpressionAnswer>, Problem> {
    let written = request
        .expression
        .read("/expression")
        .map_err(expression_invalid)?;
    let reader = app.filter.reader(None, "").await?;
    let columns: Vec<Column> = reader.columns().cloned().collect();
    let groups = app.filter.groups(&written.expression, &caller).await?;
    let today = app
        .store
        .today()
        .ok_or_else(|| Problem::internal("the clock is outside the calendar"))?;
    let context = Context {
        columns: &columns,
        groups: &groups.bodies,
        today: today.unix_days(),
    };
    let binding = bind(&written.expression, &context)
        .map_err(|errors| unbound(&errors, &written, "/expression"))?;
    let expression = canonical(&written.expression, &columns);
    Ok(Json(ExpressionAnswer {
        text: in_both(&expression, &columns),
        expression: wire::expression::write(&expression),
        notices: binding
            .notices
            .iter()
            .map(|notice| notice_body(&notice.doubt))
            .collect(),
    }))
}

fn in_both(expression: &Expression, columns: &[Column]) -> Name {
    Name::new(
        text::print(expression, columns, Language::Chinese),
        text::print(expression, columns, Language::English),
    )
}

/// The text form of an expression in both languages.
#[derive(Serialize, ToSchema)]
pub(super) struct PrintAnswer {
    /// The text.
    text: Name,
}

/// Write an expression as text
///
/// Titles are taken from the dataset in force where there is one; an expression that names no column of it is written as it is.
#[utoipa::path(
    post, path = "/expressions/print", tag = "expressions", operation_id = "print_expression", request_body = ExpressionRequest,
    responses((status = 200, description = "The text", body = PrintAnswer))
)]
pub(super) async fn print(
    State(app): State<App>,
    JsonBody { value: request, .. }: JsonBody<ExpressionRequest, REQUEST_BYTES_MAX>,
) -> Result<Json<PrintAnswer>, Problem> {
    let written = request
        .expression
        .read("/expression")
        .map_err(expression_invalid)?;
    let columns: Vec<Column> = match app.filter.reader(None, "").await {
        Ok(reader) => reader.columns().cloned().collect(),
        Err(problem) if problem.kind() == catalogue::DATASET_NOT_PUBLISHED => Vec::new(),
        Err(problem) => return Err(problem),
    };
    let expression = canonical(&written.expression, &columns);
    Ok(Json(PrintAnswer {
        text: in_both(&expression, &columns),
    }))
}

/// The JSON Schema of expressions
#[utoipa::path(
    get, path = "/schemas/expression", tag = "expressions", operation_id = "expression_schema",
    responses((status = 200, description = "JSON Schema, 2020-12", content_type = "application/schema+json"))
)]
pub(super) async fn schema() -> ([(http::HeaderName, HeaderValue); 1], String) {
    let document = Shapes::of::<ExpressionJson>().document("chudian-expression/1");
    (
        [(
            CONTENT_TYPE,
            HeaderValue::from_static("application/schema+json"),
        )],
        document.to_string(),
    )
}
