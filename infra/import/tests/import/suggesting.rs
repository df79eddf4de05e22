//! Drafts of mappings: what they propose, and that they can be used as they are.

use chudian_import::ImportError;
use chudian_import::mapping::{IdForm, Mapping};

use crate::memory::{Bench, draft, try_draft};

const TABLE: &str = "手机号码,客户姓名,身份证号,年龄,地市,品牌,月均消费(元),流量(MB),通话时长(分钟),是否宽带,入网日期,年龄段,离网评分,备用联系,家庭住址\n";

fn table() -> String {
    let rows: String = (0..200_u64)
        .map(|row| {
            format!(
                "{},张三,11010519491231002X,{},长沙,动感地带,{}.50,{}.25,{},{},2020-01-{:02},#0{},0.{:03},{},某路{row}号\n",
                13_900_000_000 + row,
                18 + row % 40,
                10 + row,
                row,
                row,
                if row % 2 == 0 { "是" } else { "否" },
                1 + row % 28,
                1 + row % 8,
                row,
                13_800_000_000 + row,
            )
        })
        .collect();
    TABLE.to_owned() + &rows
}

#[test]
fn a_draft_proposes_kinds_units_and_what_to_drop() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let text = draft(&bench.table);
    let mapping = Mapping::parse(&text).unwrap();
    assert_eq!(
        (mapping.id.form, mapping.id.heading.as_deref()),
        (IdForm::Number, Some("手机号码"))
    );
    let dropped: Vec<&str> = mapping
        .dropped
        .iter()
        .map(|rule| rule.heading.as_str())
        .collect();
    assert_eq!(dropped, ["客户姓名", "身份证号", "备用联系", "家庭住址"]);
    let taken: Vec<(&str, &str, String)> = mapping
        .columns
        .iter()
        .map(|rule| {
            let from = rule.from.map_or("", |from| from.as_str());
            (
                rule.heading.as_str(),
                rule.column.name.as_str(),
                format!(
                    "{} {} {from}",
                    rule.column.kind,
                    rule.column.unit.symbol().en
                ),
            )
        })
        .collect();
    let expected = [
        ("年龄", "age_group", "word  "),
        ("地市", "region", "word  "),
        ("品牌", "brand", "word  "),
        ("月均消费(元)", "arpu", "money  yuan"),
        ("流量(MB)", "data", "integer KB megabytes"),
        ("通话时长(分钟)", "column_9", "integer s minutes"),
        ("是否宽带", "column_10", "flag  "),
        ("入网日期", "opened_on", "date  "),
        ("年龄段", "age_group_2", "word  "),
        ("离网评分", "churn", "score  "),
    ];
    assert_eq!(
        taken,
        expected.map(|(heading, name, rest)| (heading, name, rest.to_owned()))
    );
    assert_eq!(
        mapping.columns[0]
            .groups
            .iter()
            .filter(|group| group.is_span())
            .count(),
        8
    );
    assert_eq!(mapping.columns[8].groups.len(), 8);
    // Nobody is named in a draft.
    for secret in ["张三", "139000", "110105", "某路"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// Goal: a draft works as it stands, and the sample's table is understood without a mapping.
#[test]
fn a_draft_imports_its_table() {
    let bench = Bench::new("a.csv", table().as_bytes());
    let (outcome, target) = bench.imported(&draft(&bench.table));
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (200, 0));
    target.check_pages();
    let folder = tempfile::tempdir().unwrap();
    let settings = chudian_sample::Settings {
        customers: 500,
        ..chudian_sample::Settings::default()
    };
    let encoding = chudian_sample::table::TableEncoding::Gb18030;
    let files = chudian_sample::table::write_table(
        &folder.path().join("c.csv"),
        &settings,
        encoding,
        1,
        &mut |_| {},
    )
    .unwrap();
    let bench = Bench::new("c.csv", &std::fs::read(&files.table).unwrap());
    let (outcome, target) = bench.imported(&draft(&bench.table));
    assert_eq!((outcome.rows_accepted, outcome.rows_rejected), (500, 0));
    let schema = target.with(|held| held.announcements[0].schema.clone());
    assert_eq!(schema.columns().len(), 60);
}

#[test]
fn odd_tables_are_drafted_too() {
    for table in ["a\n", "id,ID,Id\n1,2,3\n", "\"x\ny\",🙂\n1,2\n"] {
        let bench = Bench::new("a.csv", table.as_bytes());
        let text = draft(&bench.table);
        Mapping::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    // Two equal headings cannot be told apart by any mapping.
    let bench = Bench::new("a.csv", b"a,a,\n1,2,3\n");
    let ImportError::Headings(faults) = try_draft(&bench.table).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(faults.repeated, ["a"]);
}
