//! A small dataset whose answers can be counted by hand: 400 customers, a base of attributes and a layer of what contacts are known.

use chudian_dataset::column::ColumnData;
use chudian_dataset::column::builder::ColumnBuilder;
use chudian_dataset::contact::source_of_horizon;
use chudian_dataset::manifest::{
    ColumnFacts, FORMAT_VERSION, LayerManifest, SnapshotManifest, Table, page_count, page_of,
};
use chudian_dataset::page::{PageWriter, write_record};
use chudian_dataset::schema::{Column, ColumnName, GroupCode, Kind, Purpose, Schema};
use chudian_dataset::statistics::ColumnStatistics;
use chudian_dataset::value::Value;
use chudian_dataset::version::{LayerId, SnapshotId};
use chudian_dataset::{keys, wire};
use chudian_runtime::ports::KeyValue;
use chudian_vocabulary::Name;
use chudian_vocabulary::pseudonym::CustomerPseudonym;

/// The day of the tests' clock: 2026-11-22 in China.
pub(crate) const TODAY: i32 = 20_779;

pub(crate) const CUSTOMERS: usize = 400;

/// Up to where the layer knows contacts: two days before the tests' clock.
pub(crate) const LAYER_HORIZON_UNIX_MS: i64 = 1_795_320_000_000 - 2 * 24 * 3_600 * 1_000;

/// One customer, as plain as it can be.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: CustomerPseudonym,
    pub(crate) region: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) age_group: Option<&'static str>,
    pub(crate) arpu_fen: Option<i64>,
    pub(crate) has_ring_tone: bool,
    pub(crate) tried_on: Option<i32>,
    pub(crate) marketed_on: Option<i32>,
    pub(crate) opted_out: bool,
    pub(crate) high_value: bool,
    pub(crate) complaints_90d: i64,
}

pub(crate) fn customers() -> Vec<Customer> {
    (0..CUSTOMERS)
        .map(|number| Customer {
            id: id_of(number),
            region: if number % 4 == 0 { "zs01" } else { "hz01" },
            brand: ["mzone", "gotone", "easyown"][number % 3],
            age_group: [Some("#03"), Some("#04"), None][number / 3 % 3],
            arpu_fen: (number % 10 != 9).then_some(number as i64 * 40),
            has_ring_tone: number % 7 == 0,
            tried_on: (number % 11 == 0).then_some(TODAY - number as i32),
            marketed_on: (number % 5 == 0).then_some(TODAY - (number as i32 / 2)),
            opted_out: number % 50 == 1,
            high_value: number % 20 == 0,
            complaints_90d: (number % 6) as i64,
        })
        .collect()
}

pub(crate) fn id_of(number: usize) -> CustomerPseudonym {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(
        &(number as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_be_bytes(),
    );
    bytes[8..].copy_from_slice(&(number as u64).to_be_bytes());
    CustomerPseudonym(bytes)
}

fn column(name: &str, kind: Kind, zh: &str, en: &str) -> Column {
    let mut column = Column::new(ColumnName::new(name).unwrap(), kind);
    column.title = Name::new(zh, en);
    column
}

/// A column that was made of the event log.
fn of_events(mut column: Column) -> Column {
    column.source = source_of_horizon(LAYER_HORIZON_UNIX_MS);
    column
}

fn with_groups(mut column: Column, groups: &[(&str, &str, &str)]) -> Column {
    let groups = groups.iter().map(|(code, zh, en)| GroupCode {
        code: (*code).to_owned(),
        title: Name::new(*zh, *en),
    });
    column.groups = groups.collect();
    column
}

type Reader = fn(&Customer) -> Option<Value>;

fn base() -> Vec<(Column, Reader)> {
    let mut region = column("region", Kind::Word, "地区", "Region");
    region.purpose = Some(Purpose::Region);
    let brands = [
        ("mzone", "动感地带", "M-Zone"),
        ("gotone", "全球通", "GoTone"),
        ("easyown", "神州行", "EasyOwn"),
    ];
    let ages = [("#03", "18–23岁", "18-23"), ("#04", "24–30岁", "24-30")];
    vec![
        (
            column("id", Kind::Identity, "客户", "Customer"),
            |customer| Some(Value::Identity(customer.id)),
        ),
        (region, |customer| {
            Some(Value::Word(customer.region.to_owned()))
        }),
        (
            with_groups(column("brand", Kind::Word, "品牌", "Brand"), &brands),
            |customer| Some(Value::Word(customer.brand.to_owned())),
        ),
        (
            with_groups(
                column("age_group", Kind::Word, "年龄段", "Age group"),
                &ages,
            ),
            |customer| customer.age_group.map(|code| Value::Word(code.to_owned())),
        ),
        (
            column("arpu", Kind::Money, "月均消费", "Monthly spend"),
            |customer| customer.arpu_fen.map(Value::Integer),
        ),
    ]
}

fn layer() -> Vec<(Column, Reader)> {
    vec![
        (
            column("has_ring_tone", Kind::Flag, "已订彩铃", "Has ring tone"),
            |customer| Some(Value::Flag(customer.has_ring_tone)),
        ),
        (
            column(
                "tried_ring_tone_on",
                Kind::Date,
                "体验彩铃日期",
                "Tried ring tone on",
            ),
            |customer| customer.tried_on.map(Value::Date),
        ),
        (
            of_events(column(
                "marketed_on",
                Kind::Date,
                "最近营销日期",
                "Marketed on",
            )),
            |customer| customer.marketed_on.map(Value::Date),
        ),
        (
            column("opted_out", Kind::Flag, "拒绝营销", "Opted out"),
            |customer| Some(Value::Flag(customer.opted_out)),
        ),
        (
            column(
                "opted_out_of_outbound_call",
                Kind::Flag,
                "拒绝外呼",
                "Opted out of calls",
            ),
            |customer| Some(Value::Flag(customer.opted_out)),
        ),
        (
            column(
                "marketed_by_outbound_call_on",
                Kind::Date,
                "最近外呼日期",
                "Called on",
            ),
            |customer| customer.marketed_on.map(Value::Date),
        ),
        (
            column(
                "contact_count_outbound_call_any_ever",
                Kind::Integer,
                "外呼次数",
                "Calls",
            ),
            |_| Some(Value::Integer(4)),
        ),
        (
            column(
                "contact_success_outbound_call_any_ever",
                Kind::Integer,
                "外呼成功次数",
                "Calls that succeeded",
            ),
            |_| Some(Value::Integer(1)),
        ),
        (
            column("high_value", Kind::Flag, "高价值", "High value"),
            |customer| Some(Value::Flag(customer.high_value)),
        ),
        (
            column(
                "contact_count_any_complaint_90d",
                Kind::Integer,
                "投诉次数",
                "Complaints",
            ),
            |customer| Some(Value::Integer(customer.complaints_90d)),
        ),
    ]
}

fn table(
    columns: &[(Column, Reader)],
    schema: Schema,
    customers: &[Customer],
) -> (Table, Vec<ColumnData>) {
    let data: Vec<ColumnData> = columns
        .iter()
        .map(|(column, read)| {
            let mut builder = ColumnBuilder::new(column.kind);
            customers
                .iter()
                .for_each(|customer| builder.push(read(customer).as_ref()).unwrap());
            builder.finish()
        })
        .collect();
    let facts = data.iter().map(|data| {
        let statistics = ColumnStatistics::of(data);
        ColumnFacts {
            total: statistics.clone(),
            segments: vec![statistics],
        }
    });
    (
        Table::new(schema, customers.len() as u64, facts.collect()).unwrap(),
        data,
    )
}

/// Puts the dataset into the store; returns the version's text.
pub(crate) async fn publish(store: &dyn KeyValue) -> (String, SnapshotId) {
    let customers = customers();
    let (snapshot, layer_id) = (
        SnapshotId::from_random_bytes([1; 16]),
        LayerId::from_random_bytes([2; 16]),
    );
    let (base, layer) = (base(), layer());
    let names = |columns: &[(Column, Reader)]| {
        columns
            .iter()
            .map(|(column, _)| column.clone())
            .collect::<Vec<_>>()
    };
    let base_schema = Schema::of_snapshot(names(&base)).unwrap();
    let layer_schema = Schema::of_layer(names(&layer)).unwrap();
    let (base_table, base_data) = table(&base, base_schema.clone(), &customers);
    let (layer_table, layer_data) = table(&layer, layer_schema.clone(), &customers);
    for ((column, _), data) in base.iter().zip(&base_data) {
        store
            .set(
                &keys::column(snapshot, 0, &column.name),
                &data.encode(&column.name).unwrap(),
            )
            .await
            .unwrap();
    }
    for ((column, _), data) in layer.iter().zip(&layer_data) {
        store
            .set(
                &keys::layer_column(snapshot, layer_id, 0, &column.name),
                &data.encode(&column.name).unwrap(),
            )
            .await
            .unwrap();
    }
    let pages = page_count(customers.len() as u64);
    for page in 0..pages {
        let (mut base_page, mut layer_page) = (PageWriter::default(), PageWriter::default());
        for (row, customer) in customers
            .iter()
            .enumerate()
            .filter(|(_, customer)| page_of(customer.id, pages) == page)
        {
            let (mut of_base, mut of_layer) = (Vec::new(), Vec::new());
            write_record(&mut of_base, 0, row, &base_data);
            write_record(&mut of_layer, 0, row, &layer_data);
            base_page.add(customer.id, of_base);
            layer_page.add(customer.id, of_layer);
        }
        store
            .set(
                &keys::page(snapshot, page),
                &base_page.finish(&base_schema).unwrap(),
            )
            .await
            .unwrap();
        store
            .set(
                &keys::layer_page(snapshot, layer_id, page),
                &layer_page.finish(&layer_schema).unwrap(),
            )
            .await
            .unwrap();
    }
    let manifest = SnapshotManifest {
        format: FORMAT_VERSION,
        snapshot,
        table: base_table,
    };
    let layer_manifest = LayerManifest {
        format: FORMAT_VERSION,
        layer: layer_id,
        snapshot,
        table: layer_table,
    };
    store
        .set(
            &keys::manifest(snapshot),
            &wire::write_snapshot(&manifest).unwrap(),
        )
        .await
        .unwrap();
    store
        .set(
            &keys::layer_manifest(snapshot, layer_id),
            &wire::write_layer(&layer_manifest).unwrap(),
        )
        .await
        .unwrap();
    (format!("{snapshot}+{layer_id}"), snapshot)
}
