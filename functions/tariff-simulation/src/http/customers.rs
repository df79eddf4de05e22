//! Stored customers.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::{JsonBody, RawBody, parse_json, require_media_type};
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::language::ReaderLanguage;
use chudian_runtime::http::query::PathOf;
use chudian_runtime::ports::sql::SqlError;
use chudian_runtime::problem::{FieldError, FieldErrorBody, Problem, catalogue};
use chudian_vocabulary::{CustomerId, Language, Name, Region};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::problems::{
    customer_id_in_path, customer_refused, customer_unknown, field_error, invalid_field,
};
use crate::limits::USAGE_BYTES_MAX;
use crate::service::check;
use crate::service::forms::CustomerForm;

/// Largest import: some thousand customers with twelve months each.
const IMPORT_BYTES_MAX: usize = 8 << 20;

/// Lines of one import: each is a statement in one transaction, which others wait for.
const IMPORT_LINES_MAX: usize = 20_000;

/// What an import answers.
#[derive(Serialize, ToSchema)]
pub(super) struct CustomersImported {
    /// Customers stored or replaced.
    accepted: usize,
    /// Lines that were not, with every reason.
    rejected: Vec<RejectedLine>,
}

/// A line that was not stored.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectedLine {
    /// Number of the line, from 1.
    line: usize,
    /// What is wrong with it; pointers are into the line's document.
    errors: Vec<FieldErrorBody>,
}

/// Store or replace a customer
#[utoipa::path(
    put, path = "/customers/{customer_id}", tag = "customers", operation_id = "put_customer",
    params(("customer_id" = String, Path, description = "Pseudonym, never a telephone number")),
    request_body = CustomerForm,
    responses((status = 200, description = "Stored", body = CustomerForm))
)]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<CustomerForm, USAGE_BYTES_MAX>,
) -> Result<Json<CustomerForm>, Problem> {
    let id = customer_id_in_path(&id)?;
    if form
        .customer_id
        .as_deref()
        .is_some_and(|given| given != id.as_str())
    {
        let detail = Name::new(
            "与路径中的客户标识不同。",
            "Differs from the customer id in the path.",
        );
        return Err(invalid_field("/customer_id", detail));
    }
    let customer = CheckedCustomer::new(id, form, &caller)?;
    let mut transaction = app.store.sql().begin().await?;
    let stored = customer.store(&app, &mut transaction, &caller).await;
    let stored = transaction.end(stored).await?;
    if stored {
        Ok(Json(customer.form))
    } else {
        Err(customer_unknown())
    }
}

/// Store or replace many customers
///
/// One JSON object a line. Good lines are stored, in one transaction; the others are reported.
#[utoipa::path(
    post, path = "/customers/import", tag = "customers", operation_id = "import_customers",
    request_body(content = CustomerForm, content_type = "application/x-ndjson", description = "At most 8 MiB"),
    responses((status = 200, description = "What was stored and what was not", body = CustomersImported))
)]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    ReaderLanguage(language): ReaderLanguage,
    headers: HeaderMap,
    RawBody(bytes): RawBody<IMPORT_BYTES_MAX>,
) -> Result<Json<CustomersImported>, Problem> {
    require_media_type(&headers, &["application/x-ndjson", "application/jsonl"])?;
    let lines: Vec<(usize, &[u8])> = (1..)
        .zip(bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .collect();
    if lines.len() > IMPORT_LINES_MAX {
        let detail = Name::new(
            format!("一次最多 {IMPORT_LINES_MAX} 行，请分批发送。"),
            format!("At most {IMPORT_LINES_MAX} lines at a time; send them in parts."),
        );
        return Err(Problem::new(catalogue::PAYLOAD_TOO_LARGE, detail));
    }
    let (mut good, mut rejected) = (Vec::new(), Vec::new());
    for (line, text) in lines {
        match read_line(text, &caller) {
            Ok(customer) => good.push((line, customer)),
            Err(problem) => rejected.push(rejected_line(line, &problem, language)),
        }
    }
    let mut transaction = app.store.sql().begin().await?;
    let stored = store_all(&app, &mut transaction, &good, &caller).await;
    let foreign = transaction.end(stored).await?;
    let accepted = good.len() - foreign.len();
    rejected.extend(
        foreign
            .into_iter()
            .map(|line| rejected_line(line, &customer_unknown(), language)),
    );
    rejected.sort_by_key(|entry| entry.line);
    Ok(Json(CustomersImported { accepted, rejected }))
}

/// A stored customer
#[utoipa::path(
    get, path = "/customers/{customer_id}", tag = "customers", operation_id = "get_customer",
    params(("customer_id" = String, Path, description = "Pseudonym")),
    responses((status = 200, description = "What is stored", body = CustomerForm))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
) -> Result<Response, Problem> {
    let id = customer_id_in_path(&id)?;
    let customer = app
        .store
        .customer(&id, &caller)
        .await?
        .ok_or_else(customer_unknown)?;
    app.personal_access
        .record(&caller, &id, "read", &request_id)
        .await?;
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((content_type, customer.document).into_response())
}

/// Forget a customer
///
/// The customer's facts, usage and offers are removed.
#[utoipa::path(
    delete, path = "/customers/{customer_id}", tag = "customers", operation_id = "forget_customer",
    params(("customer_id" = String, Path, description = "Pseudonym")),
    responses((status = 204, description = "Forgotten"))
)]
pub(super) async fn forget(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<StatusCode, Problem> {
    let id = customer_id_in_path(&id)?;
    let mut transaction = app.store.sql().begin().await?;
    let forgotten = app
        .store
        .forget_customer(&mut transaction, &id, &caller)
        .await;
    if transaction.end(forgotten).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(customer_unknown())
    }
}

/// A customer that may be stored by its caller.
struct CheckedCustomer {
    id: CustomerId,
    region: Region,
    form: CustomerForm,
    document: String,
}

impl CheckedCustomer {
    fn new(id: CustomerId, mut form: CustomerForm, caller: &Caller) -> Result<Self, Problem> {
        let errors = check::customer_errors(&form);
        if !errors.is_empty() {
            return Err(customer_refused(errors));
        }
        let own_region = Region::new(form.region.as_str())
            .ok()
            .filter(|region| caller.sees_region(region));
        let region = own_region.ok_or_else(|| {
            let detail = Name::new(
                "这把密钥只能存放本地区的客户。",
                "This key stores customers of its own region only.",
            );
            let code = "value-not-allowed".to_owned();
            let error = FieldError {
                pointer: "/region".to_owned(),
                code,
                detail,
            };
            Problem::of_kind(catalogue::CUSTOMER_INVALID).with_errors([error])
        })?;
        // The id stands in its own column.
        form.customer_id = None;
        let document =
            serde_json::to_string(&form).map_err(|error| Problem::internal(error.to_string()))?;
        Ok(Self {
            id,
            region,
            form,
            document,
        })
    }

    async fn store(
        &self,
        app: &App,
        transaction: &mut chudian_runtime::ports::sql::Transaction,
        caller: &Caller,
    ) -> Result<bool, SqlError> {
        app.store
            .put_customer(transaction, &self.id, &self.region, &self.document, caller)
            .await
    }
}

/// Reads one line of an import.
fn read_line(text: &[u8], caller: &Caller) -> Result<CheckedCustomer, Problem> {
    let form: CustomerForm = parse_json(text)?;
    let at_id = |code: &str, detail: Name| {
        let error = FieldError {
            pointer: "/customer_id".to_owned(),
            code: code.to_owned(),
            detail,
        };
        Problem::of_kind(catalogue::CUSTOMER_INVALID).with_errors([error])
    };
    let Some(id) = &form.customer_id else {
        let detail = Name::new("缺少这个字段，请补上。", "This field is missing; add it.");
        return Err(at_id("missing-field", detail));
    };
    let id = check::customer_id(id).map_err(|fault| at_id("value-not-allowed", fault.text()))?;
    CheckedCustomer::new(id, form, caller)
}

/// Stores every good line; the numbers of those whose id belongs to another region's customer.
async fn store_all(
    app: &App,
    transaction: &mut chudian_runtime::ports::sql::Transaction,
    good: &[(usize, CheckedCustomer)],
    caller: &Caller,
) -> Result<Vec<usize>, SqlError> {
    let mut foreign = Vec::new();
    for (line, customer) in good {
        if !customer.store(app, transaction, caller).await? {
            foreign.push(*line);
        }
    }
    Ok(foreign)
}

fn rejected_line(line: usize, problem: &Problem, language: Language) -> RejectedLine {
    let mut errors: Vec<FieldErrorBody> = problem
        .errors()
        .iter()
        .map(|error| FieldErrorBody::of(error, language))
        .collect();
    if errors.is_empty() {
        // A line that cannot be read at all has no field to point to.
        let whole = crate::wire::FieldError {
            pointer: String::new(),
            code: problem.kind().code,
            message: problem.detail(),
        };
        errors.push(FieldErrorBody::of(&field_error(whole), language));
    }
    RejectedLine { line, errors }
}
