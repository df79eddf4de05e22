//! The function natively: the HTTP router over real SQLite and PostgreSQL, with a stand-in server for the provider and for the functions
//! that it asks, which can refuse, delay, break off and hang.
//!
//! The end-to-end suite tries it on a running host; here stands what needs a clock that can be moved, a look into the tables, several
//! instances on one database, or work that is cut off in the middle.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod conversations;
mod faults;
mod hostile;
mod limits;
mod stand_in;
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
    conversations::the_best_plan_is_answered_with_figures,
    conversations::a_conversation_through_tencent,
    conversations::a_conversation_in_the_plain_form,
    conversations::an_offer_is_accepted_once,
    conversations::a_refusal_holds_and_is_proved,
    conversations::marketing_keeps_its_hours,
    conversations::help_comes_unasked_once_an_hour,
    conversations::words_are_the_provinces_own,
    conversations::a_marketing_message_is_queued_once,
    faults::only_certain_failures_are_tried_again,
    faults::two_runners_send_each_message_once,
    faults::a_refusal_races_with_a_message,
    faults::an_attempt_that_is_cut_off_is_never_repeated,
    faults::work_that_never_began_is_done_by_the_drain,
    faults::a_push_that_comes_twice_at_once_is_one_message,
    faults::a_receipt_can_be_quicker_than_the_answer,
    faults::a_receipt_races_with_its_answer,
    faults::a_new_secret_races_with_a_change,
    faults::callbacks_with_the_same_customers_pass_each_other,
    faults::events_wait_for_the_contact_log,
    faults::an_event_that_comes_during_a_report_is_reported_next,
    limits::a_customer_gets_so_many_replies_a_day,
    limits::a_customer_gets_so_many_marketing_messages_a_day,
    limits::hours_are_the_provinces_own,
    limits::a_month_is_forgotten,
    limits::a_large_month_takes_several_requests,
    hostile::signatures_are_checked,
    hostile::strangers_find_nothing,
    hostile::bad_input_gets_its_own_answer,
    hostile::what_is_not_taken_is_listed,
    hostile::rejected_callbacks_are_bounded,
    hostile::no_number_is_left_anywhere,
    hostile::regions_and_roles_see_what_they_may,
}

/// Goal: what the component serves, and looks schemas up in, is what the routes say of themselves.
#[tokio::test]
async fn the_finished_document_is_that_of_the_routes() {
    let router = World::on_sqlite().await.router;
    let about = &chudian_sms_hall::http::ABOUT;
    chudian_test_frame::assert_finished(&router, about, env!("CARGO_MANIFEST_DIR")).await;
}
