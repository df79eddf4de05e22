//! A small customer table that is known value by value, and its parts as a client makes them.

use chudian_dataset::SEGMENT_ROWS;
use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::manifest::{page_count, page_of};
use chudian_dataset::page::{PageWriter, join, write_record};
use chudian_dataset::schema::{Column, ColumnName, Kind, Purpose, Schema, Unit};
use chudian_dataset::value::Value;
use chudian_vocabulary::pseudonym::{CustomerPseudonym, PseudonymKey};
use serde_json::json;

/// Regions of the customers, in turn.
pub(crate) const REGIONS: [&str; 3] = ["zs01", "hz01", "nb01"];

/// A table of customers: schema and rows, every value known.
pub(crate) struct Customers {
    pub(crate) schema: Schema,
    pub(crate) rows: Vec<Vec<Option<Value>>>,
}

fn column(name: &str, kind: Kind) -> Column {
    Column::new(ColumnName::new(name).unwrap(), kind)
}

/// The pseudonym of the customer `number` of the table `seed`.
pub(crate) fn customer(seed: u8, number: usize) -> CustomerPseudonym {
    PseudonymKey::from([seed; 32])
        .pseudonym_of(&format!("138{number:08}"))
        .unwrap()
}

impl Customers {
    /// `count` customers. The same seed gives the same people; minutes are shifted by `shift`.
    pub(crate) fn new(seed: u8, count: usize, shift: i64) -> Self {
        let mut region = column("region", Kind::Word);
        region.purpose = Some(Purpose::Region);
        let mut minutes = column("minutes", Kind::Integer);
        minutes.unit = Unit::Minutes;
        let schema = Schema::of_snapshot(vec![
            column("id", Kind::Identity),
            region,
            minutes,
            column("arpu", Kind::Money),
            column("is_4g", Kind::Flag),
            column("joined_on", Kind::Date),
            column("score", Kind::Score),
            column("remark", Kind::Word),
        ])
        .unwrap();
        let row = |number: usize| {
            let whole = number as i64;
            vec![
                Some(Value::Identity(customer(seed, number))),
                Some(Value::Word(REGIONS[number % 3].to_owned())),
                (!number.is_multiple_of(5)).then_some(Value::Integer(whole % 700 + shift)),
                Some(Value::Integer(whole * 137 - 5_000)),
                (!number.is_multiple_of(7)).then_some(Value::Flag(number.is_multiple_of(2))),
                Some(Value::Date(18_000 + number as i32 % 3_000)),
                (!number.is_multiple_of(11)).then_some(Value::Score(number as f64 / 16.0)),
                (number % 100 == 3).then(|| Value::Word("致电 13812345678".to_owned())),
            ]
        };
        Self {
            schema,
            rows: (0..count).map(row).collect(),
        }
    }

    /// Keeps the columns with these names.
    pub(crate) fn with_columns(mut self, names: &[&str]) -> Self {
        let places: Vec<usize> = names
            .iter()
            .map(|name| self.schema.position(name).unwrap())
            .collect();
        let columns = places
            .iter()
            .map(|place| self.schema.columns()[*place].clone())
            .collect();
        self.schema = Schema::of_snapshot(columns).unwrap();
        for row in &mut self.rows {
            *row = places.iter().map(|place| row[*place].clone()).collect();
        }
        self
    }

    /// What begins the import.
    pub(crate) fn begin(&self) -> serde_json::Value {
        json!({"columns": self.schema.columns(), "rows": self.rows.len(), "source": {"note": "测试客户表", "format": "csv", "rows_rejected": 2}})
    }

    pub(crate) fn segments(&self) -> usize {
        self.rows.len().div_ceil(SEGMENT_ROWS)
    }

    /// One column of one segment.
    pub(crate) fn data(&self, segment: usize, place: usize) -> ColumnData {
        let mut builder = ColumnBuilder::new(self.schema.columns()[place].kind);
        for row in self
            .rows
            .iter()
            .skip(segment * SEGMENT_ROWS)
            .take(SEGMENT_ROWS)
        {
            builder.push(row[place].as_ref()).unwrap();
        }
        builder.finish()
    }

    /// The columns of one segment, encoded, with their names.
    pub(crate) fn columns(&self, segment: usize) -> Vec<(String, Vec<u8>)> {
        self.schema
            .columns()
            .iter()
            .enumerate()
            .map(|(place, column)| {
                (
                    column.name.to_string(),
                    self.data(segment, place).encode(&column.name).unwrap(),
                )
            })
            .collect()
    }

    /// The row pages of the customers, of this schema without what it does not have.
    pub(crate) fn pages(&self) -> Vec<Vec<u8>> {
        let ids: Vec<CustomerPseudonym> = self
            .rows
            .iter()
            .map(|row| match row[0] {
                Some(Value::Identity(id)) => id,
                _ => unreachable!("the identity stands first"),
            })
            .collect();
        self.pages_for(&ids)
    }

    fn pages_for(&self, ids: &[CustomerPseudonym]) -> Vec<Vec<u8>> {
        let count = page_count(ids.len() as u64);
        let mut writers: Vec<PageWriter> = (0..count).map(|_| PageWriter::default()).collect();
        for segment in 0..self.segments() {
            let columns: Vec<ColumnData> = (0..self.schema.columns().len())
                .map(|place| self.data(segment, place))
                .collect();
            for (row, id) in ids
                .iter()
                .skip(segment * SEGMENT_ROWS)
                .take(SEGMENT_ROWS)
                .enumerate()
            {
                let mut record = Vec::new();
                write_record(&mut record, segment, row, &columns);
                writers[page_of(*id, count) as usize].add(*id, record);
            }
        }
        writers
            .into_iter()
            .map(|writer| writer.finish(&self.schema).unwrap())
            .collect()
    }

    /// The same people with other columns: parts of a layer.
    pub(crate) fn layer(&self, name: &str, value: impl Fn(usize) -> Option<i64>) -> Layer {
        let schema = Schema::of_layer(vec![column(name, Kind::Money)]).unwrap();
        let rows: Vec<Vec<Option<Value>>> = (0..self.rows.len())
            .map(|row| vec![value(row).map(Value::Integer)])
            .collect();
        let ids: Vec<CustomerPseudonym> = self
            .rows
            .iter()
            .filter_map(|row| match row[0] {
                Some(Value::Identity(id)) => Some(id),
                _ => None,
            })
            .collect();
        let derived = Self { schema, rows };
        Layer {
            pages: derived.pages_for(&ids),
            derived,
        }
    }
}

/// Derived columns and their pages.
pub(crate) struct Layer {
    pub(crate) derived: Customers,
    pub(crate) pages: Vec<Vec<u8>>,
}

/// Pages as uploads of up to 256, with the number of the first.
pub(crate) fn groups(pages: &[Vec<u8>]) -> Vec<(usize, Vec<u8>)> {
    pages
        .chunks(256)
        .enumerate()
        .map(|(group, pages)| (group * 256, join(pages.iter().map(Vec::as_slice))))
        .collect()
}
