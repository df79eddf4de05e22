//! The function natively: its language, and the HTTP router over real SQLite and PostgreSQL with a small dataset in the key-value double.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod customers;
mod fresh_scenarios;
mod language;
mod list_scenarios;
mod scenarios;
mod world;

use world::World;

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::scenarios::$name(super::World::on_sqlite().await).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn every_scenario_on_postgres() {
            let cluster = chudian_test_support::postgres::Postgres::start().unwrap();
            $(
                println!("{}", stringify!($name));
                let address = cluster.new_database(stringify!($name)).unwrap();
                scenarios::$name(World::on_postgres(&address).await).await;
            )+
        }
    };
}

scenarios! {
    a_condition_counts_the_same_in_every_form,
    the_waterfall_adds_up,
    unset_and_zero_are_told_apart,
    a_service_message_is_touched_by_nothing,
    missing_columns_are_refused_or_reported,
    a_refusal_is_never_dropped_in_silence,
    a_key_of_a_region_sees_its_customers_only,
    groups_have_versions_and_no_circles,
    exclusion_sets_have_versions,
    small_groups_are_hidden,
    a_preview_names_nobody,
    one_customer_is_explained_and_recorded,
    each_channel_has_its_reach,
    mistakes_are_told_with_their_place,
    roles_are_kept_apart,
    a_frozen_list_comes_out_the_same,
    what_is_refused_leaves_nothing,
    four_eyes_decide,
    an_export_opens_for_the_custodian_only,
    each_customer_is_handed_out_once,
    a_claim_is_a_lease,
    a_key_reads_so_many_a_minute,
    an_expired_list_gives_nothing,
    a_message_of_today_counts_today,
    a_refusal_by_message_is_obeyed_without_its_event,
    a_refusal_that_was_taken_back_stands_no_more,
    who_was_contacted_is_passed_over,
    prospects_are_found_and_order_a_list,
}

/// Goal: what the component serves, and looks schemas up in, is what the routes say of themselves.
#[tokio::test]
async fn the_finished_document_is_that_of_the_routes() {
    let router = World::on_sqlite().await.router;
    let about = &chudian_target_filter::http::ABOUT;
    chudian_test_frame::assert_finished(&router, about, env!("CARGO_MANIFEST_DIR")).await;
}
