//! The two faces of the function, natively: the HTTP router over real SQLite and PostgreSQL, and the typed face beside it.
//!
//! The end-to-end suite tries every route and every bad input against a running host; here stands what needs a clock that can
//! be moved, a look into the tables, or both faces at once.

#![expect(
    clippy::unwrap_used,
    reason = "the whole crate is tests; clippy's own exception covers only marked functions"
)]

mod batches;
mod refusals;
mod scenarios;
mod world;

use world::World;

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::scenarios::$name(super::World::on_sqlite().await).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
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
    a_batch_gives_the_answers_of_single_questions,
    a_batch_says_what_is_wrong_with_its_mapping,
    a_batch_goes_on_where_it_stopped,
    the_day_decides_which_catalogue_holds,
    what_is_in_force_cannot_be_taken_back,
    both_faces_give_one_answer,
    every_look_at_a_customer_is_recorded,
    forgetting_a_customer_forgets_the_offers,
    another_regions_customer_is_untouched,
    a_page_token_ends_with_its_time,
    a_bad_catalogue_leaves_nothing,
    an_offer_holds_what_a_channel_shows,
    refusals_speak_the_words_of_the_field,
}

/// Goal: what the component serves, and looks schemas up in, is what the routes say of themselves.
#[tokio::test]
async fn the_finished_document_is_that_of_the_routes() {
    let router = World::on_sqlite().await.router;
    let about = &chudian_tariff_simulation::http::ABOUT;
    chudian_test_frame::assert_finished(&router, about, env!("CARGO_MANIFEST_DIR")).await;
}
