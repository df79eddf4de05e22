//! Frozen lists over HTTP: `/filter/v1/lists` (TF-4, TF-5).
//!
//! Who may do what: an analyst freezes and submits, an approver decides (never on what they froze or submitted), a custodian exports, a hall
//! or a channel reads one customer at a time. Every look at customers is recorded before the answer leaves. A list of another region does
//! not exist.

mod answers;
mod exports;
mod freezing;
mod life;
mod problems;
mod reading;

use chudian_runtime::http::auth::{Admission, Caller, Guard, guarded};
use chudian_runtime::http::idempotency::Idempotency;
use chudian_runtime::http::personal_access::PersonalAccess;
use chudian_runtime::http::routes::Routes;
use chudian_runtime::problem::Problem;
use chudian_runtime::routes;
use chudian_vocabulary::access::Role::{Admin, Analyst, Approver, Channel, Custodian, Hall};

pub(super) use self::problems::form_fault;
use self::problems::list_unknown;
use crate::lists::ListId;
use crate::service::lists::layout::{Layout, LayoutError};
use crate::service::prepare::Filter;
use crate::store::fresh::FreshEvents;
use crate::store::lists::{Lists, StoredList};

/// What the handlers of lists and lookalikes share.
#[derive(Clone)]
pub(super) struct ListsApp {
    /// Registry and pages.
    pub(super) lists: Lists,
    /// Events that the dataset does not know yet.
    pub(super) fresh: FreshEvents,
    /// Selections.
    pub(super) filter: Filter,
    /// Attempts.
    pub(super) idempotency: Idempotency,
    /// The record of looks at customers.
    pub(super) personal_access: PersonalAccess,
}

/// Every route of lists with those who may call it.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(guard: &Guard, app: ListsApp) -> Routes<S> {
    let with = |admission: Admission, routes: Routes<ListsApp>| guarded(guard, admission, routes);
    let planners = Admission::of(&[Analyst, Admin]);
    let watchers = Admission::of(&[Analyst, Approver, Custodian, Admin]);
    let deciders = Admission::of(&[Approver]);
    let auditors = Admission::of(&[Approver, Admin]);
    let keepers = Admission::of(&[Custodian]);
    let readers = Admission::of(&[Hall, Channel]);
    Routes::new()
        .merge(with(
            planners,
            Routes::new().routes(routes!(freezing::freeze_list)),
        ))
        .merge(with(
            watchers,
            Routes::new().routes(routes!(freezing::lists)),
        ))
        .merge(with(
            watchers,
            Routes::new().routes(routes!(freezing::list)),
        ))
        .merge(with(
            Admission::of(&[Analyst, Approver, Admin]),
            Routes::new().routes(routes!(freezing::verify)),
        ))
        .merge(with(planners, Routes::new().routes(routes!(life::submit))))
        .merge(with(deciders, Routes::new().routes(routes!(life::approve))))
        .merge(with(deciders, Routes::new().routes(routes!(life::reject))))
        .merge(with(
            Admission::of(&[Analyst, Approver, Admin]),
            Routes::new().routes(routes!(life::expire)),
        ))
        .merge(with(keepers, Routes::new().routes(routes!(exports::make))))
        .merge(with(
            Admission::of(&[Approver, Custodian, Admin]),
            Routes::new().routes(routes!(exports::exports)),
        ))
        .merge(with(keepers, Routes::new().routes(routes!(exports::file))))
        .merge(with(
            auditors,
            Routes::new().routes(routes!(exports::trace)),
        ))
        .merge(with(readers, Routes::new().routes(routes!(reading::next))))
        .merge(with(
            readers,
            Routes::new().routes(routes!(reading::customer)),
        ))
        .merge(with(
            readers,
            Routes::new().routes(routes!(reading::result)),
        ))
        .merge(with(
            auditors,
            Routes::new().routes(routes!(reading::accesses)),
        ))
        .with_state(app)
}

impl ListsApp {
    /// The list of the path, whoever asks.
    async fn stored(&self, id: &str) -> Result<StoredList, Problem> {
        let id = ListId::parse(id).ok_or_else(list_unknown)?;
        self.lists.list(&id).await?.ok_or_else(list_unknown)
    }

    /// The list of the path, for those who plan, decide and keep.
    async fn visible(&self, id: &str, caller: &Caller) -> Result<StoredList, Problem> {
        let list = self.stored(id).await?;
        if list.is_visible_to(caller) {
            Ok(list)
        } else {
            Err(list_unknown())
        }
    }
}

fn layout_of(list: &StoredList) -> Result<Layout, LayoutError> {
    Layout::read(&list.layout)
}
