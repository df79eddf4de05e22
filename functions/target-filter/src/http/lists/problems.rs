//! From what lists find to what a client is told.

use chudian_runtime::problem::{FieldError, Problem, catalogue};
use chudian_vocabulary::Name;

use crate::lists::freeze::FreezeError;
use crate::lists::limits::{
    BATCHES_MAX, CANDIDATES_MAX, CELL_BYTES_MAX, CHANNELS_MAX, MEMBERS_MAX, REGIONS_MAX,
};
use crate::lists::pages::DamagedPage;
use crate::lists::recipe::Recipe;
use crate::lists::state::{Action, IllegalTransition, State};
use crate::lists::{Account, Group};
use crate::service::lists::collect::{CapSide, CollectError, ColumnRole, WORDS_TOLD_MAX};
use crate::service::lists::forms::FormFault;
use crate::service::lists::layout::LayoutError;
use crate::service::lists::seal::SealError;
use crate::store::lists_pages::PageReadError;

/// No such list for this caller; another region's list is told in the same words.
pub(super) fn list_unknown() -> Problem {
    let detail = Name::new(
        "没有这个名单，请检查名单标识。",
        "There is no such list; check its id.",
    );
    Problem::new(catalogue::LIST_UNKNOWN, detail)
}

/// The list has expired.
pub(super) fn list_expired() -> Problem {
    let detail = Name::new(
        "名单已过期，不再提供客户。请按当前数据重新冻结名单。",
        "The list has expired and gives no customers any more; freeze a new one from current data.",
    );
    Problem::new(catalogue::LIST_EXPIRED, detail)
}

/// Someone else changed the list at the same moment.
pub(super) fn changed_meanwhile() -> Problem {
    let detail = Name::new(
        "名单刚刚被他人更改，请刷新后重试。",
        "Someone else changed the list at the same moment; look at it again.",
    );
    Problem::new(catalogue::LIST_STATE, detail)
}

/// A member of the request that cannot be used.
pub(in crate::http) fn form_fault(fault: FormFault) -> Problem {
    let error = FieldError {
        pointer: fault.pointer,
        code: "value-not-allowed".to_owned(),
        detail: fault.detail,
    };
    Problem::of_kind(catalogue::INVALID_BODY).with_errors([error])
}

fn state_name(state: State) -> Name {
    match state {
        State::Draft => Name::new("草稿", "a draft"),
        State::Submitted => Name::new("待审批", "submitted"),
        State::Approved => Name::new("已批准", "approved"),
        State::Rejected => Name::new("已驳回", "rejected"),
        State::InUse => Name::new("使用中", "in use"),
        State::Expired => Name::new("已过期", "expired"),
    }
}

fn action_name(action: Action) -> Name {
    match action {
        Action::Submit => Name::new("提交审批", "submitted"),
        Action::Approve => Name::new("批准", "approved"),
        Action::Reject => Name::new("驳回", "rejected"),
        Action::Export => Name::new("导出", "exported"),
        Action::Open => Name::new("查看客户", "opened"),
        Action::Expire => Name::new("终止", "ended"),
    }
}

/// The state does not allow the action.
pub(super) fn illegal(error: IllegalTransition) -> Problem {
    if error.state == State::Expired {
        return list_expired();
    }
    let (state, action) = (state_name(error.state), action_name(error.action));
    let detail = Name::new(
        format!("名单当前为“{}”，不能{}。", state.zh, action.zh),
        format!("The list is {} and cannot be {}.", state.en, action.en),
    );
    Problem::new(catalogue::LIST_STATE, detail)
}

/// Whoever froze or submitted a list does not decide on it.
pub(super) fn four_eyes() -> Problem {
    let detail = Name::new(
        "冻结或提交名单的密钥不能审批该名单，请由另一位审批人处理。",
        "The key that froze or submitted the list may not decide on it; another approver has to.",
    );
    Problem::new(catalogue::LIST_FOUR_EYES, detail)
}

fn too_large(zh: String, en: String) -> Problem {
    Problem::new(catalogue::LIST_TOO_LARGE, Name::new(zh, en))
}

/// Why no list was made.
pub(super) fn freeze_refused(error: FreezeError, recipe: &Recipe) -> Problem {
    match error {
        FreezeError::Empty(account) => {
            let detail = Name::new(
                "没有可以接触的客户：请放宽条件、排除规则或上限。errors 列出各上限去掉的人数。",
                "Nobody is left to be contacted; widen the condition, the exclusions or the caps. `errors` tells what each cap removed.",
            );
            Problem::new(catalogue::LIST_EMPTY, detail).with_errors(cap_errors(&account, recipe))
        }
        FreezeError::OverCap(account) => {
            let detail = Name::new(
                "名单超过上限，没有冻结。请提高上限、缩小条件，或把 over_cap 设为 cut。",
                "The list is over its caps and was not frozen. Raise them, narrow the condition, or set `over_cap` to `cut`.",
            );
            Problem::new(catalogue::LIST_OVER_CAP, detail).with_errors(cap_errors(&account, recipe))
        }
        FreezeError::TooManyCandidates { candidates } => too_large(
            format!(
                "条件选中 {candidates} 个客户，一个名单最多从 {CANDIDATES_MAX} 个中产生。请缩小条件或按地区拆分。"
            ),
            format!(
                "{candidates} customers are selected; a list can be made from {CANDIDATES_MAX}. Narrow the condition or split it by region."
            ),
        ),
        FreezeError::TooManyMembers { members } => too_large(
            format!(
                "名单有 {members} 个客户，最多 {MEMBERS_MAX} 个。请设置上限、缩小条件或按地区拆分。"
            ),
            format!(
                "The list has {members} customers, of which there may be {MEMBERS_MAX}. Set a cap, narrow the condition, or split it by region."
            ),
        ),
        FreezeError::TooManyRegions => too_large(
            format!("名单最多 {REGIONS_MAX} 个地区。"),
            format!("A list may have {REGIONS_MAX} regions."),
        ),
        FreezeError::TooManyChannels => too_large(
            format!("名单最多 {CHANNELS_MAX} 个渠道。"),
            format!("A list may have {CHANNELS_MAX} channels."),
        ),
        FreezeError::CellsTooLarge => too_large(
            format!("随名单携带的列共超过 {CELL_BYTES_MAX} 字节，请减少 columns。"),
            format!(
                "The columns that the list carries take more than {CELL_BYTES_MAX} bytes; carry fewer of them."
            ),
        ),
        FreezeError::TooManyBatches(error) => too_large(
            format!(
                "会分成 {} 批，最多 {BATCHES_MAX} 批。请加大每批人数。",
                error.batches
            ),
            format!(
                "There would be {} batches, of which there may be {BATCHES_MAX}; make them larger.",
                error.batches
            ),
        ),
        FreezeError::ServiceWithControl | FreezeError::ControlTooLarge { .. } => {
            Problem::internal(format!("a request was checked and still refused: {error}"))
        }
    }
}

fn cap_errors(account: &Account, recipe: &Recipe) -> Vec<FieldError> {
    let removed = account
        .removed_by_cap
        .iter()
        .enumerate()
        .zip(recipe.caps.as_slice());
    removed
        .filter(|((_, removed), _)| **removed > 0)
        .map(|((place, removed), rule)| FieldError {
            pointer: format!("/caps/{place}"),
            code: "cap-reached".to_owned(),
            detail: Name::new(
                format!("上限 {}，另有 {removed} 个客户超出。", rule.members_max),
                format!(
                    "Lets {} through; {removed} more customers are beyond it.",
                    rule.members_max
                ),
            ),
        })
        .collect()
}

/// Why candidates cannot be had.
pub(super) fn collect_refused(error: CollectError, recipe: &Recipe) -> Problem {
    match error {
        CollectError::Dataset(error) => error.into(),
        CollectError::Freeze(error) => freeze_refused(error, recipe),
        CollectError::CapOfNobody {
            rule,
            side,
            word,
            words,
        } => {
            let (member, zh, en) = match side {
                CapSide::Channel => ("channel", "渠道", "channel"),
                CapSide::Region => ("region", "地区", "region"),
            };
            let there_are = |and: &str, none: &str| match words.get(..WORDS_TOLD_MAX) {
                _ if words.is_empty() => none.to_owned(),
                Some(told) if told.len() < words.len() => format!("{}{and}", told.join(", ")),
                _ => words.join(", "),
            };
            form_fault(FormFault::new(
                format!("/caps/{rule}/{member}"),
                format!(
                    "没有客户的{zh}是“{word}”，这条上限不会起作用。现有：{}。",
                    there_are(" 等", "无")
                ),
                format!(
                    "No customer has the {en} `{word}`, so this cap would hold nobody back. There are: {}.",
                    there_are(" and others", "none")
                ),
            ))
        }
        CollectError::WrongKind { column, role } => {
            let (pointer, zh, en) = match role {
                ColumnRole::Channel => (
                    "/channel/column",
                    "渠道列须为文字",
                    "The channel's column must be one of words",
                ),
                ColumnRole::Priority => (
                    "/priority/column/name",
                    "排序列须为数量、金额、评分或日期",
                    "The column that orders must be one of numbers, money, scores or dates",
                ),
                ColumnRole::Shown => (
                    "/columns",
                    "客户标识不能作为携带列",
                    "The customers' ids cannot be carried as a column",
                ),
            };
            form_fault(FormFault::new(
                pointer,
                format!("{zh}：{column}。"),
                format!("{en}: `{column}`."),
            ))
        }
    }
}

/// A page that cannot be had.
pub(super) fn page_refused(error: PageReadError) -> Problem {
    match error {
        PageReadError::Store(error) => error.into(),
        PageReadError::Missing(_) | PageReadError::Changed(_) => {
            Problem::internal(error.to_string())
        }
    }
}

/// A stored form that cannot be read: our own defect.
pub(super) fn layout_damaged(error: LayoutError) -> Problem {
    Problem::internal(error.to_string())
}

/// A page whose inside cannot be read although its hash is right: our own defect.
pub(super) fn page_damaged(error: DamagedPage) -> Problem {
    Problem::internal(error.to_string())
}

/// Encryption failed: our own defect.
pub(super) fn seal_failed(error: SealError) -> Problem {
    Problem::internal(error.to_string())
}

/// Whether a partition is one that is contacted.
pub(super) fn is_contacted(group: Group) -> bool {
    group == Group::Contacted
}
