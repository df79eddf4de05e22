//! The documentation's own documents, and the schemas beside it.

use chudian_runtime::problem::shape::Shapes;
use chudian_tariff_simulation::http::FINISHED_DOCUMENTS;
use chudian_tariff_simulation::wire::{self, catalogue::CatalogueJson, usage::UsageJson};
use utoipa::ToSchema;

const PAGE: &str = include_str!("../../../../docs/reference/catalogue.md");

/// The JSON blocks of the page: the catalogue, then the usage.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

#[test]
fn the_documented_examples_are_accepted() {
    let [catalogue, usage] = blocks()[..] else {
        panic!("two documents")
    };
    let parsed =
        wire::parse_catalogue(catalogue.as_bytes()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(parsed.warnings, []);
    wire::parse_usage(usage.as_bytes(), &parsed.catalogue)
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
}

/// Compares a published schema with the derived one; `CHUDIAN_UPDATE_SCHEMAS=1` writes it anew.
fn assert_published(name: &str, schema: &serde_json::Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/reference")
        .join(name);
    let derived = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("CHUDIAN_UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &derived).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == derived,
        "docs/reference/{name} is not what the code says; run this test with CHUDIAN_UPDATE_SCHEMAS=1"
    );
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    assert_published("catalogue.schema.json", &wire::catalogue_schema());
    assert_published("usage.schema.json", &wire::usage_schema());
}

/// Goal: the component, which looks schemas up in finished documents, finds those that are derived here.
#[test]
fn the_finished_documents_hold_what_is_read() {
    fn assert_held<T: ToSchema>() {
        let found = Shapes::found_in(FINISHED_DOCUMENTS, &T::name());
        let derived = Shapes::derived::<T>();
        assert_eq!(found.document(""), derived.document(""), "{}", T::name());
    }
    assert_held::<CatalogueJson>();
    assert_held::<UsageJson>();
}
