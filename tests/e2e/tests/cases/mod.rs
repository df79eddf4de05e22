//! Every case, in the order in which they run. The canary looks last: at what all the others left in logs and figures.

mod access;
mod attempts;
mod batch;
mod bills;
mod browser;
mod canary;
mod catalogue;
mod contacts;
mod customers;
mod dataset;
mod faults;
mod feedback;
mod filter;
mod filter_page;
mod forms;
mod import;
mod import_events;
mod lists;
mod offers;
mod openapi;
mod pages;
mod paging;
mod refused;
mod restart;
mod rules;
mod sample;
mod service;
mod simulation;
mod sms;
mod together;
mod tokens;
mod uploads;

use anyhow::Result;
use chudian_e2e::harness::Case;

/// All cases.
///
/// # Errors
/// When a case that is written as data cannot be read.
pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for module in [
        service::cases,
        access::cases,
        catalogue::cases,
        uploads::cases,
    ] {
        cases.extend(module());
    }
    cases.extend(refused::cases()?);
    for module in [
        customers::cases,
        simulation::cases,
        bills::cases,
        tokens::cases,
        rules::cases,
        offers::cases,
        dataset::cases,
        import::cases,
        forms::cases,
        batch::cases,
        filter::cases,
        feedback::cases,
        import_events::cases,
        sms::cases,
        contacts::cases,
        faults::cases,
        lists::cases,
        attempts::cases,
        paging::cases,
        openapi::cases,
        together::cases,
        pages::cases,
        filter_page::cases,
        sample::cases,
        restart::cases,
        canary::cases,
    ] {
        cases.extend(module());
    }
    Ok(cases)
}
