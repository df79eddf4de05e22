//! Encrypted exports (TF-5): made by the custodian after approval, opened by nobody but the holders of the named keys.

use std::collections::VecDeque;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chudian_runtime::http::auth::Caller;
use chudian_runtime::http::body::JsonBody;
use chudian_runtime::http::edge::RequestId;
use chudian_runtime::http::idempotency::{Answer, Attempt, Claim};
use chudian_runtime::http::query::PathOf;
use chudian_runtime::ports::sql::Transaction;
use chudian_runtime::problem::Problem;
use chudian_vocabulary::pseudonym::CustomerPseudonym;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::ExportAnswer;
use super::life::state_for_use;
use super::problems::{
    changed_meanwhile, form_fault, is_contacted, layout_damaged, list_unknown, page_damaged,
    page_refused, seal_failed,
};
use super::{ListsApp, layout_of};
use crate::lists::limits::{EXPORTS_MAX, RECIPIENTS_MAX, TRACE_LINES_MAX};
use crate::lists::pages::{MemberPage, PageName};
use crate::lists::state::Action;
use crate::lists::table::TableEncoding;
use crate::lists::watermark::{LeakedLine, MARK_BYTES, Mark};
use crate::lists::{ExportId, ListId};
use crate::service::lists::export::ExportTable;
use crate::service::lists::forms::{FormFault, NAME_LETTERS_MAX, check_text};
use crate::service::lists::layout::AccountForm;
use crate::service::lists::seal::{Recipient, Seal};
use crate::store::lists::{StoredExport, StoredList};

/// Largest request for an export: eight public keys and two names.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// Largest leaked file: [`TRACE_LINES_MAX`] lines with pseudonym and reference.
const TRACE_BYTES_MAX: usize = 4 << 20;

/// Media type of an age file.
const AGE_MEDIA_TYPE: &str = "application/octet-stream";

/// A request for an export.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportForm {
    /// Who receives the file: a person or a system. The watermark leads back to this name.
    receiver: String,
    /// Public keys `age1…` of those who may open it, 1 to 8.
    recipients: Vec<String>,
    /// `csv-utf8` or `csv-gb18030`; absent: `csv-utf8`.
    #[serde(default)]
    encoding: Option<String>,
    /// Only this batch, from 1; absent: all.
    #[serde(default)]
    batch: Option<u32>,
}

/// The exports of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ExportsAnswer {
    /// Oldest first.
    items: Vec<ExportAnswer>,
}

/// Lines of a file that was found outside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceForm {
    /// In the order of the file.
    lines: Vec<TraceLine>,
}

/// One line.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceLine {
    /// The customer's pseudonym.
    customer_id: String,
    /// What stands in the column `reference`, if it is still there.
    #[serde(default)]
    reference: Option<String>,
}

/// What a leaked file says.
#[derive(Serialize, ToSchema)]
pub(super) struct TraceAnswer {
    /// Every export of the list with how it agrees, oldest first.
    exports: Vec<TracedExport>,
}

/// How a leaked file agrees with one export.
#[derive(Serialize, ToSchema)]
pub(super) struct TracedExport {
    /// Its id.
    export_id: String,
    /// Who received it.
    receiver: String,
    /// Whether the file comes from this export.
    is_source: bool,
    /// Lines with a reference.
    references: u64,
    /// Of these, lines with this export's reference.
    references_matching: u64,
    /// Pairs of lines that follow one another.
    neighbours: u64,
    /// Of these, pairs in this export's order; half of them by chance.
    neighbours_in_order: u64,
}

/// Make an export
///
/// After approval. The file is fetched from `file`; the server keeps no key that opens it.
#[utoipa::path(
    post, path = "/lists/{list_id}/exports", tag = "lists", operation_id = "export_list",
    params(
        ("list_id" = String, Path, description = "Id of the list"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names this attempt"),
    ),
    request_body = ExportForm,
    responses((status = 201, description = "The export", body = ExportAnswer))
)]
pub(super) async fn make(
    State(app): State<ListsApp>,
    caller: Caller,
    request_id: RequestId,
    PathOf(id): PathOf<String>,
    attempt: Attempt,
    JsonBody { value: form, bytes }: JsonBody<ExportForm, BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let encoding = checked(&form).map_err(form_fault)?;
    let ticket = match app
        .idempotency
        .claim(attempt, &caller.key_id, &bytes)
        .await?
    {
        Claim::Answered(response) => return Ok(response),
        Claim::Granted(ticket) => ticket,
    };
    let list = match app.visible(&id, &caller).await {
        Ok(list) => list,
        Err(problem) => return Err(ticket.abandon(problem).await),
    };
    let mut transaction = match app.lists.sql().begin().await {
        Ok(transaction) => transaction,
        Err(error) => return Err(ticket.abandon(error.into()).await),
    };
    let made = app
        .make_export(
            &mut transaction,
            &list,
            &caller,
            &request_id,
            form,
            encoding,
        )
        .await;
    ticket.finish(transaction, made).await
}

/// Exports of a list
#[utoipa::path(
    get, path = "/lists/{list_id}/exports", tag = "lists", operation_id = "list_exports",
    params(("list_id" = String, Path, description = "Id of the list")),
    responses((status = 200, description = "The exports", body = ExportsAnswer))
)]
pub(super) async fn exports(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
) -> Result<Json<ExportsAnswer>, Problem> {
    let list = app.visible(&id, &caller).await?;
    let exports = app.lists.exports(&list.list_id).await?;
    let items = exports
        .iter()
        .map(ExportAnswer::new)
        .collect::<Result<_, _>>()?;
    Ok(Json(ExportsAnswer { items }))
}

/// The encrypted file of an export
///
/// An age file (age-encryption.org/v1) with a CSV table inside. Each fetch encrypts anew under a fresh key, so the bytes differ and the
/// table is the same.
#[utoipa::path(
    get, path = "/lists/{list_id}/exports/{export_id}/file", tag = "lists", operation_id = "list_export_file",
    params(
        ("list_id" = String, Path, description = "Id of the list"),
        ("export_id" = String, Path, description = "Id of the export"),
    ),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>))
)]
pub(super) async fn file(
    State(app): State<ListsApp>,
    caller: Caller,
    request_id: RequestId,
    PathOf((id, export_id)): PathOf<(String, String)>,
) -> Result<Response, Problem> {
    let list = app.visible(&id, &caller).await?;
    state_for_use(list.state_at(app.lists.now_unix_s()), Action::Export)?;
    let export = match ExportId::parse(&export_id) {
        Some(export_id) => app.lists.export(&list.list_id, &export_id).await?,
        None => None,
    };
    let export = export.ok_or_else(list_unknown)?;
    let file = EncryptedFile::new(&app, &list, &export)?;
    let mut transaction = app.lists.sql().begin().await?;
    let by = caller.key_id.as_str();
    let recorded = app
        .lists
        .record_look(
            &mut transaction,
            &list.list_id,
            by,
            "download",
            None,
            request_id.as_str(),
        )
        .await;
    transaction.end(recorded).await?;
    let pieces = stream::try_unfold(file, |mut file| async move {
        let piece = file.next_piece().await.map_err(|problem| {
            // The answer has begun: all that is left is to break it off, which every reader of age notices.
            std::io::Error::other(problem.cause().unwrap_or(problem.kind().code).to_owned())
        })?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, file)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(AGE_MEDIA_TYPE),
    );
    let name = format!(
        "attachment; filename=\"{}.{}.csv.age\"",
        list.list_id.as_str(),
        export.export_id
    );
    let name =
        HeaderValue::from_str(&name).map_err(|error| Problem::internal(error.to_string()))?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Find out from which export a leaked file comes
#[utoipa::path(
    post, path = "/lists/{list_id}/traces", tag = "lists", operation_id = "trace_list",
    params(("list_id" = String, Path, description = "Id of the list")),
    request_body = TraceForm,
    responses((status = 200, description = "How the file agrees with each export", body = TraceAnswer))
)]
pub(super) async fn trace(
    State(app): State<ListsApp>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody { value: form, .. }: JsonBody<TraceForm, TRACE_BYTES_MAX>,
) -> Result<Json<TraceAnswer>, Problem> {
    let list = app.visible(&id, &caller).await?;
    let lines = leaked_lines(form).map_err(form_fault)?;
    let exports = app.lists.exports(&list.list_id).await?;
    let exports = exports
        .into_iter()
        .map(|export| {
            let evidence = Mark::new(&export.mark).compare(&lines);
            TracedExport {
                export_id: export.export_id,
                receiver: export.receiver,
                is_source: evidence.names_the_export(),
                references: evidence.references,
                references_matching: evidence.references_matching,
                neighbours: evidence.neighbours,
                neighbours_in_order: evidence.neighbours_in_order,
            }
        })
        .collect();
    Ok(Json(TraceAnswer { exports }))
}

fn checked(form: &ExportForm) -> Result<TableEncoding, FormFault> {
    check_text("/receiver", &form.receiver, NAME_LETTERS_MAX)?;
    if form.recipients.is_empty() || form.recipients.len() > RECIPIENTS_MAX {
        return Err(FormFault::new(
            "/recipients",
            format!("须填写 1 至 {RECIPIENTS_MAX} 个公钥。"),
            format!("Give 1 to {RECIPIENTS_MAX} public keys."),
        ));
    }
    let wrong = form
        .recipients
        .iter()
        .position(|recipient| Recipient::parse(recipient).is_none());
    if let Some(place) = wrong {
        return Err(FormFault::new(
            format!("/recipients/{place}"),
            "须为保管员的 age 公钥（age1 开头）；切勿发送以 AGE-SECRET-KEY- 开头的私钥。",
            "Must be the custodian's age public key, which begins with age1; never send the one that begins with AGE-SECRET-KEY-.",
        ));
    }
    match form.encoding.as_deref() {
        None => Ok(TableEncoding::Utf8WithMark),
        Some(word) => TableEncoding::parse(word).ok_or_else(|| {
            FormFault::new(
                "/encoding",
                "可用的取值：csv-utf8、csv-gb18030。",
                "Allowed values: csv-utf8, csv-gb18030.",
            )
        }),
    }
}

fn leaked_lines(form: TraceForm) -> Result<Vec<LeakedLine>, FormFault> {
    if form.lines.is_empty() || form.lines.len() > TRACE_LINES_MAX {
        return Err(FormFault::new(
            "/lines",
            format!("须有 1 至 {TRACE_LINES_MAX} 行；整份文件过大时取连续的一段。"),
            format!(
                "Give 1 to {TRACE_LINES_MAX} lines; of a larger file, a part that is in one piece."
            ),
        ));
    }
    let line =
        |(place, line): (usize, TraceLine)| match line.customer_id.parse::<CustomerPseudonym>() {
            Ok(customer) => Ok(LeakedLine {
                customer: customer.0,
                reference: line.reference,
            }),
            Err(_) => Err(FormFault::new(
                format!("/lines/{place}/customer_id"),
                "不是本系统的客户标识。",
                "Not a pseudonym of this system.",
            )),
        };
    form.lines.into_iter().enumerate().map(line).collect()
}

impl ListsApp {
    async fn make_export(
        &self,
        transaction: &mut Transaction,
        list: &StoredList,
        caller: &Caller,
        request_id: &RequestId,
        form: ExportForm,
        encoding: TableEncoding,
    ) -> Result<Answer, Problem> {
        let after = state_for_use(list.state_at(self.lists.now_unix_s()), Action::Export)?;
        let rows = rows_of(list, form.batch)?;
        if self.lists.exports(&list.list_id).await?.len() >= EXPORTS_MAX {
            return Err(form_fault(FormFault::new(
                "",
                format!("一个名单最多导出 {EXPORTS_MAX} 次，请使用已有的导出。"),
                format!("A list has at most {EXPORTS_MAX} exports; use one that there is."),
            )));
        }
        let by = caller.key_id.as_str();
        if after != list.state {
            let reason = format!("export to {}", form.receiver);
            if !self
                .lists
                .change_state(transaction, list, Action::Export, after, by, &reason)
                .await?
            {
                return Err(changed_meanwhile());
            }
        }
        let export = StoredExport {
            export_id: ExportId::from_random_bytes(self.lists.random_bytes())
                .as_str()
                .to_owned(),
            list_id: list.list_id.as_str().to_owned(),
            receiver: form.receiver,
            recipients: form.recipients.join(" "),
            encoding: encoding.as_str().to_owned(),
            batch: form.batch.map(i64::from),
            rows_exported: i64::try_from(rows).unwrap_or(i64::MAX),
            mark: self.lists.random_bytes::<MARK_BYTES>().to_vec(),
            made_at_unix_ms: self.lists.now_unix_ms(),
            made_by: by.to_owned(),
        };
        self.lists.add_export(transaction, &export).await?;
        self.lists
            .record_look(
                transaction,
                &list.list_id,
                by,
                "export",
                None,
                request_id.as_str(),
            )
            .await?;
        let answer = ExportAnswer::new(&export)?;
        let body =
            serde_json::to_string(&answer).map_err(|error| Problem::internal(error.to_string()))?;
        let location = format!("/filter/v1/lists/{}/exports", list.list_id.as_str());
        Ok(Answer {
            status: StatusCode::CREATED,
            location: Some(location),
            body,
        })
    }
}

/// Lines of an export.
fn rows_of(list: &StoredList, batch: Option<u32>) -> Result<u64, Problem> {
    let account: AccountForm = serde_json::from_str(&list.account)
        .map_err(|error| Problem::internal(format!("a stored account cannot be read: {error}")))?;
    let Some(batch) = batch else {
        return Ok(account.contacted);
    };
    let place = usize::try_from(batch)
        .ok()
        .and_then(|batch| batch.checked_sub(1));
    let rows = place.and_then(|place| account.batches.get(place).copied());
    rows.ok_or_else(|| {
        let last = account.batches.len();
        form_fault(FormFault::new(
            "/batch",
            format!("批次须为 1 至 {last}。"),
            format!("The batch must be 1 to {last}."),
        ))
    })
}

/// A file on its way out: one page at a time.
struct EncryptedFile {
    app: ListsApp,
    list_id: ListId,
    table: ExportTable,
    columns: Vec<String>,
    pages: VecDeque<(PageName, [u8; 32], String)>,
    seal: Option<Seal>,
    has_begun: bool,
}

impl EncryptedFile {
    fn new(app: &ListsApp, list: &StoredList, export: &StoredExport) -> Result<Self, Problem> {
        let layout = layout_of(list).map_err(layout_damaged)?;
        let partitions = layout.partitions();
        let contacted = |name: &PageName| match name {
            PageName::Members { partition, .. } => partitions
                .get(usize::from(*partition))
                .filter(|partition| is_contacted(partition.group)),
            PageName::Index { .. } => None,
        };
        let pages = layout.pages().map_err(layout_damaged)?;
        let pages = pages.into_iter().filter_map(|(name, hash)| {
            contacted(&name).map(|partition| (name, hash, partition.region.clone()))
        });
        let pages: VecDeque<_> = pages.collect();
        let recipients: Option<Vec<Recipient>> =
            export.recipients.split(' ').map(Recipient::parse).collect();
        let recipients =
            recipients.ok_or_else(|| Problem::internal("a stored public key cannot be read"))?;
        let encoding = TableEncoding::parse(&export.encoding)
            .ok_or_else(|| Problem::internal("a stored encoding is unknown"))?;
        let batch = export.batch.map(u32::try_from).transpose();
        let batch = batch.map_err(|_| Problem::internal("a stored batch is out of range"))?;
        let table = ExportTable {
            encoding,
            mark: Mark::new(&export.mark),
            channels: layout.channels.clone(),
            batch,
        };
        Ok(Self {
            app: app.clone(),
            list_id: list.list_id.clone(),
            table,
            columns: layout.columns,
            pages,
            seal: Some(Seal::new(&recipients).map_err(seal_failed)?),
            has_begun: false,
        })
    }

    /// The next piece of ciphertext; nothing after the end. A piece may be empty while a chunk fills.
    async fn next_piece(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        if !self.has_begun {
            self.has_begun = true;
            let head = self.table.head(&self.columns);
            return seal.write(&head).map(Some).map_err(seal_failed);
        }
        if let Some((name, hash, region)) = self.pages.pop_front() {
            let bytes = self
                .app
                .lists
                .read_page(&self.list_id, name, &hash)
                .await
                .map_err(page_refused)?;
            let page = MemberPage::read(bytes).map_err(page_damaged)?;
            let lines = self.table.lines(&page, &region).map_err(page_damaged)?;
            return seal.write(&lines).map(Some).map_err(seal_failed);
        }
        match self.seal.take() {
            Some(seal) => seal.finish().map(Some).map_err(seal_failed),
            None => Ok(None),
        }
    }
}
