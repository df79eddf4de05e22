//! Row pages: every customer is found with its own values, nobody else is.

use std::collections::BTreeMap;

use chudian_dataset::column::ColumnData;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page::{
    self, PageError, PageFacts, PageWriter, join, place_mark, places_of, split, write_record,
};
use chudian_dataset::schema::{Column, Kind, Schema};
use chudian_dataset::value::Value;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};
use proptest::prelude::*;

use crate::rows::{KINDS, built, name, rows_of};

/// A table with its pages.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) schema: Schema,
    rows: Vec<Vec<Option<Value>>>,
    columns: Vec<ColumnData>,
    pages: BTreeMap<u64, Vec<u8>>,
}

/// A schema with a column of each kind, the identity first.
fn schema() -> Schema {
    let mut columns = vec![Column::new(name("id"), Kind::Identity)];
    let others = KINDS
        .into_iter()
        .filter(|kind| *kind != Kind::Identity)
        .enumerate();
    columns.extend(others.map(|(index, kind)| Column::new(name(&format!("c{index}")), kind)));
    Schema::of_snapshot(columns).unwrap()
}

impl Table {
    /// A table of columns of values in the order of [`schema`].
    fn of(values: Vec<Vec<Option<Value>>>) -> Self {
        let schema = schema();
        let columns: Vec<ColumnData> = schema
            .columns()
            .iter()
            .zip(&values)
            .map(|(column, values)| built(column.kind, values))
            .collect();
        let count = values[0].len();
        let rows: Vec<Vec<Option<Value>>> = (0..count)
            .map(|row| values.iter().map(|column| column[row].clone()).collect())
            .collect();
        let pages = page_count(count as u64);
        let mut writers: BTreeMap<u64, PageWriter> = (0..pages)
            .map(|page| (page, PageWriter::default()))
            .collect();
        for (row, values) in rows.iter().enumerate() {
            let id = id_of(values);
            let mut record = Vec::new();
            write_record(&mut record, 3, row, &columns);
            writers
                .get_mut(&page_of(id, pages))
                .unwrap()
                .add(id, record);
        }
        let pages = writers
            .into_iter()
            .map(|(page, writer)| (page, writer.finish(&schema).unwrap()))
            .collect();
        Self {
            schema,
            rows,
            columns,
            pages,
        }
    }

    pub(crate) fn page_count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// The longest page.
    pub(crate) fn fullest(&self) -> (u64, &[u8]) {
        let (number, bytes) = self
            .pages
            .iter()
            .max_by_key(|(_, bytes)| bytes.len())
            .unwrap();
        (*number, bytes)
    }
}

fn id_of(row: &[Option<Value>]) -> CustomerPseudonym {
    match row[0] {
        Some(Value::Identity(id)) => id,
        _ => unreachable!("the identity stands first"),
    }
}

/// Distinct customers.
fn ids(count: usize) -> Vec<Option<Value>> {
    let key = PseudonymKey::from([3; 32]);
    (0..count)
        .map(|number| {
            Some(Value::Identity(
                key.pseudonym_of(&format!("139{number:08}")).unwrap(),
            ))
        })
        .collect()
}

/// A table of `count` customers with plain values.
pub(crate) fn table(count: usize) -> Table {
    let schema = schema();
    let values = schema.columns().iter().map(|column| match column.kind {
        Kind::Identity => ids(count),
        Kind::Word => (0..count)
            .map(|row| Some(Value::Word(format!("词{}", row % 7))))
            .collect(),
        Kind::Integer | Kind::Money => (0..count)
            .map(|row| (row % 3 != 0).then(|| Value::Integer(row as i64 * 1_000 - 50)))
            .collect(),
        Kind::Score => (0..count)
            .map(|row| Some(Value::Score(row as f64 / 3.0)))
            .collect(),
        Kind::Flag => (0..count)
            .map(|row| Some(Value::Flag(row % 2 == 0)))
            .collect(),
        Kind::Date => (0..count)
            .map(|row| Some(Value::Date(row as i32 - 40)))
            .collect(),
    });
    Table::of(values.collect())
}

fn any_table() -> impl Strategy<Value = Table> {
    (0_usize..150).prop_flat_map(|count| {
        let columns: Vec<BoxedStrategy<Vec<Option<Value>>>> = schema()
            .columns()
            .iter()
            .map(|column| {
                if column.kind == Kind::Identity {
                    Just(ids(count)).boxed()
                } else {
                    rows_of(column.kind, count)
                }
            })
            .collect();
        columns.prop_map(Table::of)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_customer_is_found_with_its_values(table in any_table(), stranger in any::<[u8; 16]>()) {
        for (row, values) in table.rows.iter().enumerate() {
            let id = id_of(values);
            let page = &table.pages[&page_of(id, table.page_count())];
            let record = page::find(page, id).unwrap().unwrap();
            prop_assert_eq!((record.customer, record.segment, record.row), (id, 3, row));
            prop_assert_eq!(&record.values(&table.schema).unwrap(), values);
        }
        let stranger = CustomerPseudonym(stranger);
        for page in table.pages.values() {
            prop_assert!(page::find(page, stranger).unwrap().is_none());
        }
        // The account of the pages is that of the identity column.
        let mut sum = PageFacts::default();
        for (number, bytes) in &table.pages {
            let facts = page::verify(bytes, &table.schema, *number, table.page_count()).unwrap();
            sum = PageFacts { customers: sum.customers + facts.customers, places: sum.places.wrapping_add(facts.places) };
        }
        let ColumnData::Identities { values } = &table.columns[0] else { unreachable!("the identity stands first") };
        prop_assert_eq!(sum, PageFacts { customers: table.rows.len() as u64, places: places_of(values.as_slice(), 3) });
        let joined = join(table.pages.values().map(Vec::as_slice));
        prop_assert_eq!(split(&joined).unwrap(), table.pages.values().map(Vec::as_slice).collect::<Vec<_>>());
    }
}

/// Goal: looking one customer up does not read another's record: with every other record destroyed it is still found.
#[test]
fn one_customer_is_read_without_the_rest() {
    let table = table(64);
    let (_, whole) = table.fullest();
    let opened = page::Page::open(whole).unwrap();
    let customers: Vec<CustomerPseudonym> = opened.customers().collect();
    let wanted = customers[customers.len() / 2];
    let lengths: Vec<usize> = customers
        .iter()
        .map(|customer| {
            let mut record = Vec::new();
            let row = opened.find(*customer).unwrap().unwrap().row;
            write_record(&mut record, 3, row, &table.columns);
            record.len()
        })
        .collect();
    let records_begin = whole.len() - lengths.iter().sum::<usize>();
    let mut bytes = whole.to_vec();
    let mut at = records_begin;
    for (customer, length) in customers.iter().zip(&lengths) {
        if *customer != wanted {
            bytes[at..at + length].fill(0xee);
        }
        at += length;
    }
    let record = page::find(&bytes, wanted).unwrap().unwrap();
    assert_eq!(
        record.values(&table.schema).unwrap(),
        table.rows[record.row]
    );
    for other in customers.into_iter().filter(|customer| *customer != wanted) {
        assert_eq!(page::find(&bytes, other).unwrap_err(), PageError::Malformed);
    }
}

#[test]
fn customers_and_pages_that_do_not_belong_are_refused() {
    let table = table(300);
    let (number, whole) = table.fullest();
    let pages = table.page_count();
    assert_eq!(
        page::verify(whole, &table.schema, number + 1, pages),
        Err(PageError::OtherPage)
    );
    let fewer = Schema::of_snapshot(table.schema.columns()[..3].to_vec()).unwrap();
    assert_eq!(
        page::verify(whole, &fewer, number, pages),
        Err(PageError::OtherSchema)
    );
    let id = id_of(&table.rows[0]);
    let mut record = Vec::new();
    write_record(&mut record, 0, 0, &table.columns);
    let mut twice = PageWriter::default();
    twice.add(id, record.clone());
    twice.add(id, record.clone());
    assert_eq!(twice.finish(&table.schema), Err(PageError::Repeated));
    // The same number of columns of other kinds.
    let mut columns = table.schema.columns().to_vec();
    columns.swap(1, 3);
    let other = Schema::of_snapshot(columns).unwrap();
    assert!(page::verify(whole, &other, number, pages).is_err());
    assert_eq!(
        page::verify(&vec![0; page::PAGE_BYTES_MAX + 1], &table.schema, 0, 1),
        Err(PageError::TooLarge)
    );
}

#[test]
fn an_empty_page_is_a_page() {
    let schema = schema();
    let empty = PageWriter::default().finish(&schema).unwrap();
    assert_eq!(
        page::verify(&empty, &schema, 0, 1),
        Ok(PageFacts::default())
    );
    assert!(
        page::find(&empty, CustomerPseudonym([0; 16]))
            .unwrap()
            .is_none()
    );
}

/// Goal: the mark tells both customer and place apart, or a swap of two customers would go unnoticed.
#[test]
fn a_swap_changes_the_account() {
    let (one, two) = ([1; 16], [2; 16]);
    assert_ne!(places_of(&[one, two], 0), places_of(&[two, one], 0));
    assert_ne!(places_of(&[one, two], 0), places_of(&[one, two], 1));
    assert_ne!(
        place_mark(CustomerPseudonym(one), 0, 1),
        place_mark(CustomerPseudonym(one), 1, 0)
    );
}
