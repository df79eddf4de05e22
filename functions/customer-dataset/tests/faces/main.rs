//! The function's HTTP face natively, over real SQLite and PostgreSQL, with a clock that can be moved and a look into the tables.
//!
//! The end-to-end suite tries the routes against a running host; here stands what needs the clock, two requests at once, a host
//! that dies in the middle, or bytes that no honest client sends.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod bad_input;
mod layers;
mod lifecycle;
mod reading;
mod table;
mod world;

use world::World;

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        mod on_sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$module::$name(super::World::on_sqlite().await).await;
                }
            )+)+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn every_scenario_on_postgres() {
            let cluster = chudian_test_support::postgres::Postgres::start().unwrap();
            $($(
                println!("{}", stringify!($name));
                let address = cluster.new_database(stringify!($name)).unwrap();
                $module::$name(World::on_postgres(&address).await).await;
            )+)+
        }
    };
}

scenarios! {
    lifecycle: an_import_is_published_and_every_customer_is_found, a_half_done_import_leaves_the_old_in_force,
        an_import_goes_on_where_it_was_killed, two_imports_at_once_do_not_mix, the_last_snapshots_are_kept,
        a_part_that_changes_while_it_is_published_stops_the_publication, a_repeated_begin_is_one_import,
        an_abandoned_import_is_given_up;
    layers: a_layer_adds_columns_to_the_version, a_later_layer_replaces_an_earlier_one,
        a_layer_that_another_instance_published_is_in_force, a_layer_must_fit_its_snapshot;
    bad_input: broken_columns_are_refused, broken_pages_are_refused, broken_schemas_are_refused, absurd_sizes_are_refused;
    reading: roles_and_regions_hold, a_distribution_counts_every_row, small_groups_stay_hidden, a_preview_shows_nobody,
        the_description_tells_what_changed, every_look_is_recorded,
        many_looks_at_once_are_each_recorded;
}

/// Goal: what the component serves, and looks schemas up in, is what the routes say of themselves.
#[tokio::test]
async fn the_finished_document_is_that_of_the_routes() {
    let router = World::on_sqlite().await.router;
    let about = &chudian_customer_dataset::http::ABOUT;
    chudian_test_frame::assert_finished(&router, about, env!("CARGO_MANIFEST_DIR")).await;
}
