//! From what the store, the service and the dataset find to what a client is told.

use chudian_dataset::column::DecodeError;
use chudian_dataset::page::PageError;
use chudian_dataset::version::SnapshotId;
use chudian_dataset::wire::WireError;
use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::Name;

use crate::limits::PART_RETRY_AFTER_S;
use crate::service::assemble::Gap;
use crate::service::distribution::DistributionError;
use crate::store::{ActivateError, PublishError, State, SweepError};

/// A part of the path that no such thing can have.
pub(super) fn invalid_path(zh: &str, en: &str) -> Problem {
    Problem::new(catalogue::INVALID_PATH, Name::new(zh, en))
}

/// A query parameter that cannot be right.
pub(super) fn invalid_query(parameter: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: format!("/{parameter}"),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_QUERY).with_errors([error])
}

/// A body with one field that is of the right shape but out of bounds.
pub(super) fn invalid_field(pointer: &str, detail: Name) -> Problem {
    let error = FieldError {
        pointer: pointer.to_owned(),
        code: "value-not-allowed".to_owned(),
        detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}

/// No such upload or snapshot.
pub(super) fn unknown() -> Problem {
    let detail = Name::new(
        "没有这个导入、快照或图层，或其数据已不再保留。",
        "There is no such import, snapshot or layer, or its values are no longer kept.",
    );
    Problem::new(catalogue::DATASET_UNKNOWN, detail)
}

/// No such column in the upload or the version.
pub(super) fn column_unknown(name: &str) -> Problem {
    let detail = Name::new(
        format!("没有列“{name}”，请对照数据集的列名。"),
        format!("There is no column `{name}`; compare with the columns of the dataset."),
    );
    Problem::new(catalogue::COLUMN_UNKNOWN, detail)
}

/// The upload is in a state in which this cannot be done.
pub(super) fn in_state(state: State) -> Problem {
    let detail = match state {
        State::Importing => Name::new(
            "尚未发布。请先发布。",
            "It is not published yet; publish it first.",
        ),
        State::Published => Name::new(
            "已经发布，内容不能再更改。请新建导入。",
            "It is published and does not change any more; begin a new import.",
        ),
        State::Retired | State::Removed => Name::new(
            "已停用，数据正在删除或已删除。",
            "It is retired; its values are being removed or are gone.",
        ),
    };
    Problem::new(catalogue::DATASET_STATE, detail)
}

/// Another request is writing the part with other bytes.
pub(super) fn part_busy() -> Problem {
    let detail = Name::new(
        "另一个请求正在写入这一部分的不同内容，请稍后重试。",
        "Another request is writing other bytes of this part; try again after the time in `Retry-After`.",
    );
    Problem::new(catalogue::DATASET_STATE, detail).with_retry_after_s(PART_RETRY_AFTER_S)
}

fn part(zh: impl Into<String>, en: impl Into<String>) -> Problem {
    Problem::new(catalogue::DATASET_PART_INVALID, Name::new(zh, en))
}

/// A column that cannot be read.
pub(super) fn column_refused(error: &DecodeError) -> Problem {
    let zh = match error {
        DecodeError::TooLarge => "一个分段的一列最多 8 MiB。".to_owned(),
        DecodeError::Truncated => "Arrow 数据流不完整，请检查是否被截断后重新发送。".to_owned(),
        DecodeError::Malformed(_) => "不是只含一列一批、未压缩的 Arrow IPC 流。".to_owned(),
        DecodeError::OtherColumn(name) => format!("数据流中的列是“{name}”，与路径不符。"),
        DecodeError::OtherType(kind) => format!("数据类型与列的种类 {kind} 不符。"),
        DecodeError::TooManyRows => "一个分段最多 131072 行。".to_owned(),
        DecodeError::Buffer => "缓冲区的长度与行数不符。".to_owned(),
        DecodeError::Words => "字典中的词须按字节严格升序，每个最多 256 字节 UTF-8。".to_owned(),
        DecodeError::Code => "有编码没有对应的词。".to_owned(),
        DecodeError::NullIdentity => "每个客户都必须有标识。".to_owned(),
        DecodeError::Score => "评分必须是有限的数。".to_owned(),
    };
    part(zh, format!("{error}."))
}

/// Row pages that cannot be read; `page` is the number of the first that is wrong.
pub(super) fn page_refused(error: PageError, page: u64) -> Problem {
    let zh = match error {
        PageError::Malformed => "不是完整的行页，或内容已被改动",
        PageError::Record => "有记录与列定义不符",
        PageError::OtherSchema => "列数与列定义不符",
        PageError::Repeated => "同一客户出现两次",
        PageError::OtherPage => "有客户不属于这一页",
        PageError::TooLarge => "客户过多或过大",
    };
    part(
        format!("第 {page} 页：{zh}。"),
        format!("Page {page}: {error}."),
    )
}

/// A part of another size than its place calls for.
pub(super) fn wrong_count(what_zh: &str, what_en: &str, expected: u64, found: u64) -> Problem {
    part(
        format!("{what_zh}应为 {expected}，实际为 {found}。"),
        format!("There must be {expected} {what_en}, and there are {found}."),
    )
}

/// A segment or page beyond the last.
pub(super) fn beyond_end() -> Problem {
    part(
        "超出了客户总数对应的范围，请检查编号和客户总数。",
        "It lies beyond the last one; compare the number with the number of customers.",
    )
}

/// The number of customers is not known, or was said otherwise before.
pub(super) fn rows_unclear(known: Option<u64>) -> Problem {
    match known {
        None => invalid_query(
            "rows",
            Name::new(
                "导入时没有说明客户总数，请用 rows 参数给出。",
                "The import did not say how many customers there are; give the parameter `rows`.",
            ),
        ),
        Some(known) => invalid_query(
            "rows",
            Name::new(
                format!("客户总数已定为 {known}。"),
                format!("The number of customers was set to {known} before."),
            ),
        ),
    }
}

/// What keeps an upload from being published.
pub(super) fn incomplete(gaps: &[Gap]) -> Problem {
    Problem::of_kind(catalogue::DATASET_INCOMPLETE).with_errors(gaps.iter().map(gap_error))
}

fn gap_error(gap: &Gap) -> FieldError {
    let (pointer, code, zh, en) = match gap {
        Gap::Empty => (
            String::new(),
            "missing-part",
            "没有任何客户。".to_owned(),
            "There is no customer.".to_owned(),
        ),
        Gap::TooManyRows => (
            String::new(),
            "value-not-allowed",
            "客户过多。".to_owned(),
            "There are too many customers.".to_owned(),
        ),
        Gap::Segment { column, segment } => (
            format!("/segments/{segment}/columns/{column}"),
            "missing-part",
            "这一部分还没有到达，请发送。".to_owned(),
            "This part has not arrived; send it.".to_owned(),
        ),
        Gap::BeyondEnd { column, segment } => (
            format!("/segments/{segment}/columns/{column}"),
            "value-not-allowed",
            "超出了最后一个分段。".to_owned(),
            "Lies beyond the last segment.".to_owned(),
        ),
        Gap::Rows {
            column,
            segment,
            expected,
            found,
        } => (
            format!("/segments/{segment}/columns/{column}"),
            "value-not-allowed",
            format!("应有 {expected} 行，实际为 {found} 行。"),
            format!("Must have {expected} rows and has {found}."),
        ),
        Gap::Pages { first } => (
            format!("/pages/{first}"),
            "missing-part",
            "这一组行页还没有到达，请发送。".to_owned(),
            "This group of row pages has not arrived; send it.".to_owned(),
        ),
        Gap::PagesBeyondEnd { first } => (
            format!("/pages/{first}"),
            "value-not-allowed",
            "超出了最后一页。".to_owned(),
            "Lies beyond the last page.".to_owned(),
        ),
        Gap::Customers { expected, found } => (
            "/pages".to_owned(),
            "value-not-allowed",
            format!("行页中有 {found} 个客户，应为 {expected} 个。"),
            format!("The row pages hold {found} customers, and there are {expected}."),
        ),
        Gap::Places => (
            "/pages".to_owned(),
            "value-not-allowed",
            "行页与客户标识列不一致，或有客户重复。".to_owned(),
            "The row pages and the identity column disagree, or a customer occurs twice."
                .to_owned(),
        ),
    };
    FieldError {
        pointer,
        code: code.to_owned(),
        detail: Name::new(zh, en),
    }
}

/// A publication that did not take place.
pub(super) fn not_published(error: PublishError) -> Problem {
    match error {
        PublishError::Changed => Problem::new(
            catalogue::DATASET_STATE,
            Name::new(
                "发布期间内容有变化，没有发布。请确认没有其他导入程序在运行后重试。",
                "Something changed while it was being published, so it was not. Make sure that no other import runs, and try again.",
            ),
        ),
        PublishError::SnapshotGone => in_state(State::Retired),
        PublishError::Layers(error) => too_many_layers(&error),
        PublishError::Sql(error) => error.into(),
    }
}

/// A roll-back that did not take place.
pub(super) fn not_activated(error: ActivateError) -> Problem {
    match error {
        ActivateError::Unknown => unknown(),
        ActivateError::NotPublished(state) => in_state(state),
        ActivateError::Layers(error) => too_many_layers(&error),
        ActivateError::Sql(error) => error.into(),
    }
}

fn too_many_layers(error: &impl std::fmt::Display) -> Problem {
    let detail = Name::new(
        format!(
            "一个快照最多 {} 个图层。请重新导入，或让新图层覆盖旧图层的全部列。",
            chudian_dataset::version::LAYERS_MAX
        ),
        format!(
            "{error}. Import again, or let the new layer replace all columns of an earlier one."
        ),
    );
    Problem::new(catalogue::DATASET_STATE, detail)
}

/// A removal that stopped.
pub(super) fn not_swept(error: SweepError) -> Problem {
    match error {
        SweepError::Sql(error) => error.into(),
        SweepError::KeyValue(error) => error.into(),
    }
}

/// A stored document that cannot be read.
pub(super) fn unreadable(error: &WireError) -> Problem {
    Problem::internal(error.to_string())
}

/// A column without distribution.
pub(super) fn no_distribution(error: DistributionError) -> Problem {
    match error {
        DistributionError::Identity => invalid_path(
            "客户标识没有分布。请选择其他列。",
            "The identity has no distribution; choose another column.",
        ),
        DistributionError::TooManyWords => Problem::new(
            catalogue::DATASET_STATE,
            Name::new(
                "这一列的不同取值过多，无法统计分布。",
                "The column has too many distinct words to be counted apart.",
            ),
        ),
    }
}

/// A snapshot in the path, `current` left aside.
pub(super) fn snapshot_in_path(text: &str) -> Result<SnapshotId, Problem> {
    text.parse().map_err(|_| {
        invalid_path(
            "快照标识是 ds_ 加 26 个字符，或 current。",
            "A snapshot is `ds_` and 26 characters, or `current`.",
        )
    })
}
