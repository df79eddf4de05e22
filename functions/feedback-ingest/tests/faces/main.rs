//! The function natively: the HTTP router over real SQLite and PostgreSQL.
//!
//! The end-to-end suite tries every route against a running host; here stands what needs a clock that can be moved, a look into the
//! tables, several instances on one database, or requests that go away in the middle.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod features;
mod hostile;
mod laws;
mod queue;
mod scenarios;
mod view;
mod world;

use world::World;

macro_rules! scenarios {
    ($($module:ident::$name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::$module::$name(super::World::on_sqlite().await).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn every_scenario_on_postgres() {
            let cluster = chudian_test_support::postgres::Postgres::start().unwrap();
            $(
                println!("{}", stringify!($name));
                let address = cluster.new_database(stringify!($name)).unwrap();
                $module::$name(World::on_postgres(&address).await).await;
            )+
        }
    };
}

scenarios! {
    scenarios::three_modes_carry_one_event,
    scenarios::one_bad_event_costs_one_event,
    scenarios::the_same_identity_with_other_content_is_a_conflict,
    scenarios::late_events_count_on_their_own_day,
    scenarios::every_kind_agrees_with_its_schema,
    scenarios::orders_are_one_record_whatever_came_first,
    scenarios::a_rejected_event_is_repaired_and_replayed,
    scenarios::events_of_a_type_that_became_known_are_replayed_together,
    scenarios::a_month_is_forgotten_and_its_events_stay_known,
    scenarios::two_instances_count_each_event_once,
    scenarios::a_full_batch_of_rejected_events_is_kept,
    hostile::bad_input_gets_its_own_answer,
    hostile::no_number_is_stored_anywhere,
    hostile::rejected_events_are_bounded,
    view::a_time_line_is_paged_and_filtered,
    view::roles_and_regions_see_what_they_may,
    view::figures_are_those_of_the_events,
    queue::a_full_queue_refuses_and_nothing_else_suffers,
    queue::whoever_leaves_takes_only_its_own_events_along,
    queue::many_requests_share_commits,
    laws::tables_do_not_depend_on_how_events_came,
    features::features_are_those_of_the_events,
    features::a_layout_names_what_occurred,
    features::a_refusal_outlives_its_month,
}

/// Goal: what the component serves, and looks schemas up in, is what the routes say of themselves.
#[tokio::test]
async fn the_finished_document_is_that_of_the_routes() {
    let router = World::on_sqlite().await.router;
    let about = &chudian_feedback_ingest::http::ABOUT;
    chudian_test_frame::assert_finished(&router, about, env!("CARGO_MANIFEST_DIR")).await;
}
