//! The two forms of an expression, held against each other.

use chudian_dataset::contact::{ContactTerm, Measure, Window};
use chudian_dataset::expression::ast::{
    Comparison, Decimal, Expression, GroupReference, Literal, Step, Subject, Term, Test,
};
use chudian_target_filter::{text, wire};
use chudian_vocabulary::Language;
use chudian_vocabulary::channel::Channel;
use chudian_vocabulary::contact::EventKind;
use proptest::prelude::*;

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_]{0,6}",
        Just("月均消费".to_owned()),
        Just("人工热线呼叫次数（90天）".to_owned()),
        Just("Web hall sign-ins, 90 days".to_owned()),
        Just("not".to_owned()),
        Just("是否属于".to_owned()),
        Just("a`b\\c".to_owned()),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9#_.-]{0,8}",
        "\\PC{0,12}",
        Just("M-Zone".to_owned()),
        Just("动感地带且全球通".to_owned()),
        Just("18–23岁".to_owned()),
        Just("and".to_owned()),
        Just("是".to_owned()),
        Just("80元".to_owned()),
        Just("2026-01-31".to_owned()),
        Just("say \"hi\" \\ “你好”＂".to_owned()),
    ]
}

fn literals() -> impl Strategy<Value = Literal> {
    prop_oneof![
        words().prop_map(Literal::Word),
        (-10_000_i64..10_000).prop_map(|number| Literal::Number(Decimal::whole(number), None)),
        "-?[0-9]{1,6}\\.[0-9]{1,3}"
            .prop_map(|text| Literal::Number(Decimal::parse(&text).unwrap(), None)),
        (
            0_i64..1_000,
            prop::sample::select(vec!["元", "yuan", "GB", "分钟", "天", "months"])
        )
            .prop_map(|(number, unit)| Literal::Number(
                Decimal::whole(number),
                Some(unit.to_owned())
            )),
        any::<bool>().prop_map(Literal::Flag),
        (7_305..80_000_i32).prop_map(Literal::Date),
        (0..1_000_u32, prop::bool::ANY).prop_map(|(count, is_days)| match (count, is_days) {
            // Today has one spelling: no days ago.
            (0, _) => Literal::Ago(0, Step::Days),
            (count, true) => Literal::Ago(count, Step::Days),
            (count, false) => Literal::Ago(count, Step::Months),
        }),
    ]
}

fn subjects() -> impl Strategy<Value = Subject> {
    let contact = (
        prop::sample::select(Measure::ALL.to_vec()),
        prop::option::of(prop::sample::select(Channel::ALL.to_vec())),
        prop::option::of(prop::sample::select(EventKind::ALL.to_vec())),
        prop_oneof![Just(Window::Ever), (1_u32..3_650).prop_map(Window::Days)],
    );
    prop_oneof![
        4 => names().prop_map(Subject::Column),
        1 => contact.prop_map(|(measure, channel, kind, window)| Subject::Contact(ContactTerm { measure, channel, kind, window })),
    ]
}

fn tests() -> impl Strategy<Value = Test> {
    prop_oneof![
        (prop::sample::select(Comparison::ALL.to_vec()), literals())
            .prop_map(|(comparison, literal)| Test::Compare(comparison, literal)),
        (literals(), literals()).prop_map(|(low, high)| Test::Between(low, high)),
        prop::collection::vec(literals(), 0..5).prop_map(Test::In),
        Just(Test::IsNull),
        Just(Test::IsKnown),
        words().prop_map(Test::StartsWith),
        words().prop_map(Test::Contains),
    ]
}

fn expressions() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        6 => (subjects(), tests()).prop_map(|(subject, test)| Expression::Term(Term { subject, test })),
        1 => ("[a-zA-Z0-9_.:-]{1,10}", prop::option::of(1_u32..9)).prop_map(|(name, version)| Expression::Group(GroupReference { name, version })),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expression::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Expression::Any),
            inner.prop_map(|part| Expression::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Goal: an expression survives both languages and the JSON form unchanged, whatever its names and words look like.
    #[test]
    fn every_form_reads_back(expression in expressions()) {
        for language in [Language::Chinese, Language::English] {
            let printed = text::print(&expression, &[], language);
            match text::parse(&printed) {
                Ok((again, _)) => prop_assert_eq!(&again, &expression, "{}", printed),
                Err(error) => return Err(TestCaseError::fail(format!("{printed}: {error:?}"))),
            }
        }
        let json = serde_json::to_value(wire::expression::write(&expression)).unwrap();
        // The JSON form has a limit of depth of its own; the generator stays below it.
        prop_assert_eq!(wire::expression::read(&json, "").unwrap(), expression);
    }

    /// Goal: no text whatever makes the reader fail otherwise than with a place inside the text.
    #[test]
    fn any_text_is_read_or_refused(text in "[ ()且或非=≥<>!,a-z0-9.天前元“”\"`#-]{0,60}|\\PC{0,60}") {
        if let Err(error) = text::parse(&text) {
            prop_assert!(error.range.end <= text.len() && error.column <= text.chars().count() + 1);
            prop_assert!(text.get(error.range.clone()).is_some());
        }
    }
}

/// Goal: pin how texts without spaces, with full-width characters and with words of both languages are read.
#[test]
fn spellings_of_one_condition() {
    let (expected, _) = text::parse("brand = mzone and arpu >= 80").unwrap();
    for spelling in [
        "brand=mzone且arpu>=80",
        "ｂｒａｎｄ＝ｍｚｏｎｅ　ａｎｄ　ａｒｐｕ≥８０",
        "(brand 等于 mzone) 并且 (arpu 不小于 80)",
        "brand == \"mzone\" && arpu 至少 80",
        "`brand` = 'mzone' AND arpu >= 80",
    ] {
        assert_eq!(
            text::parse(spelling).map(|(expression, _)| expression),
            Ok(expected.clone()),
            "{spelling}"
        );
    }
    let (listed, _) = text::parse("品牌 not in (全球通, 神州行)").unwrap();
    assert_eq!(
        text::parse("品牌不属于（全球通、神州行）").unwrap().0,
        listed
    );
    assert_eq!(
        text::print(&listed, &[], Language::Chinese),
        "品牌 不属于 (全球通, 神州行)"
    );
    let (between, _) = text::parse("arpu between 80 元 and 100 元 or x is not null").unwrap();
    assert_eq!(
        text::parse("arpu 介于 80元 至 100元 或 x 已知").unwrap().0,
        between
    );
}
