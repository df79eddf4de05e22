//! The runtime over real databases: every scenario runs on SQLite and on PostgreSQL.
//!
//! A scenario is a function of a [`World`]. On SQLite each is a test of its own; on PostgreSQL one test runs them all in one
//! temporary cluster, each in a database of its own, because starting a cluster takes longer than all scenarios together.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the whole crate is tests; clippy's own exception covers only functions marked as such"
)]

mod edge;
mod guard;
mod idempotency;
mod sql;
mod world;

use world::World;

macro_rules! scenarios {
    ($($module:ident :: $name:ident),+ $(,)?) => {
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
                println!("{}::{}", stringify!($module), stringify!($name));
                let address = cluster.new_database(stringify!($name)).unwrap();
                $module::$name(World::on_postgres(&address).await).await;
            )+
        }
    };
}

scenarios! {
    sql::values_come_back_as_they_went,
    sql::errors_have_their_class,
    sql::a_transaction_holds_together,
    sql::a_dropped_transaction_leaves_nothing,
    sql::writers_wait_for_each_other,
    sql::the_key_value_double_keeps_bytes,
    guard::a_key_opens_what_its_role_may,
    guard::every_bad_key_gets_the_same_answer,
    guard::revocation_is_felt_within_the_cache_time,
    guard::the_bootstrap_key_needs_no_row,
    guard::another_region_is_unknown,
    guard::guessing_is_slowed_but_the_owner_is_not_locked_out,
    guard::a_page_token_opens_one_customers_page,
    edge::every_error_is_a_problem,
    edge::request_ids_are_taken_or_made,
    edge::bad_bodies_are_refused_with_their_field,
    edge::inner_causes_go_to_the_log_only,
    edge::the_openapi_document_states_the_guards,
    idempotency::the_same_request_happens_once,
    idempotency::another_body_is_refused,
    idempotency::two_owners_may_use_the_same_key,
    idempotency::a_race_has_one_winner,
    idempotency::a_failed_attempt_frees_the_key,
    idempotency::a_dead_claim_is_taken_over_without_a_second_effect,
    idempotency::old_answers_are_removed,
}
