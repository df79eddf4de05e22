//! The documentation's own documents, and the schemas beside it.

use chudian_tariff_simulation::wire;

const PAGE: &str = include_str!("../../../../docs/reference/catalogue.md");

/// The JSON blocks of the page: the catalogue, then the usage.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_documented_examples_are_accepted() {
    let [catalogue, usage] = blocks()[..] else { panic!("two documents") };
    let parsed = wire::parse_catalogue(catalogue.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(parsed.warnings, []);
    wire::parse_usage(usage.as_bytes(), &parsed.catalogue).unwrap_or_else(|errors| panic!("{errors:#?}"));
}
