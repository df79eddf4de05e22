//! Usage documents in the words of a catalogue.

use chudian_vocabulary::{Date, Month};

use super::super::errors::{At, Findings};
use super::super::usage::{
    CustomerJson, FamilyMemberJson, MonthUsageJson, USAGE_SCHEMA, UsageEventJson, UsageJson,
    UsageLineJson,
};
use super::fields;
use crate::cells::{Cell, CellSpace, DAY_SECONDS, DayType, Kind, Measure};
use crate::limits::{
    ADD_ON_QUANTITY_MAX, FAMILY_MEMBERS_MAX, HELD_MAX, MONTHS_MAX, USAGE_EVENTS_MAX,
    USAGE_LINES_MAX, USAGE_QUANTITY_MAX,
};
use crate::plan::Catalogue;
use crate::usage::{Customer, CustomerUsage, FamilyMember, MonthUsage, UsageEvent, UsageLine};

/// Longest event, seconds: a month; longer ones are split by every network.
const EVENT_SECONDS_MAX: u64 = 31 * DAY_SECONDS as u64;

/// Builds the domain usage; meaningful only when no error was found.
pub(in super::super) fn read_usage(
    json: &UsageJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> CustomerUsage {
    if json.schema != USAGE_SCHEMA {
        findings.error(
            &at.field("schema"),
            "wrong-schema",
            format!("应为 {USAGE_SCHEMA}"),
            format!("must be {USAGE_SCHEMA}"),
        );
    }
    let customer = read_customer(&json.customer, &at.field("customer"), catalogue, findings);
    let months = read_months(&json.months, &at.field("months"), catalogue, findings);
    let at_family = at.field("family");
    findings.at_most(&at_family, json.family.len(), FAMILY_MEMBERS_MAX);
    findings.unique(
        &at_family,
        "id",
        json.family.iter().map(|member| member.id.as_str()),
    );
    let family = json
        .family
        .iter()
        .take(FAMILY_MEMBERS_MAX)
        .enumerate()
        .map(|(index, member)| {
            read_member(member, &at_family.item(index), &months, catalogue, findings)
        })
        .collect();
    CustomerUsage {
        customer,
        months,
        family,
    }
}

fn read_customer(
    json: &CustomerJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Customer {
    findings.identifier(&at.field("id"), &json.id);
    let plan = json
        .plan
        .as_deref()
        .and_then(|id| plan_index(id, &at.field("plan"), catalogue, findings));
    let at_held = at.field("add_ons");
    findings.at_most(&at_held, json.add_ons.len(), HELD_MAX);
    findings.unique(
        &at_held,
        "id",
        json.add_ons.iter().map(|held| held.id.as_str()),
    );
    let add_ons = json
        .add_ons
        .iter()
        .enumerate()
        .filter_map(|(index, held)| {
            let at = at_held.item(index);
            let Some(add_on) = catalogue.add_on_index(&held.id) else {
                let id = &held.id;
                findings.error(
                    &at.field("id"),
                    "unknown-reference",
                    format!("目录中没有叠加包“{id}”"),
                    format!("the catalogue has no add-on `{id}`"),
                );
                return None;
            };
            let listed = plan
                .and_then(|plan| catalogue.plans.get(plan))
                .is_some_and(|plan| plan.add_ons.contains(&add_on));
            if !listed {
                findings.error(
                    &at.field("id"),
                    "not-with-plan",
                    "现有套餐不能叠加此包",
                    "cannot be held with the present plan",
                );
            }
            let most = u64::from(catalogue.add_ons[add_on].quantity_max).min(ADD_ON_QUANTITY_MAX);
            let quantity = findings.quantity(&at.field("quantity"), held.quantity, 1, most);
            Some((add_on, u32::try_from(quantity).unwrap_or(1)))
        })
        .collect();
    for (field, word, known) in [
        ("brand", &json.brand, &catalogue.brands),
        ("region", &json.region, &catalogue.regions),
        (
            "customer_type",
            &json.customer_type,
            &catalogue.customer_types,
        ),
    ] {
        if let Some(word) = word {
            findings.identifier(&at.field(field), word);
            findings.known_word(&at.field(field), word, known);
        }
    }
    findings.at_most(&at.field("services"), json.services.len(), HELD_MAX);
    for (index, service) in json.services.iter().enumerate() {
        findings.identifier(&at.field("services").item(index), service);
    }
    let present_brand = plan
        .and_then(|plan| catalogue.plans.get(plan))
        .and_then(|plan| plan.brand.clone());
    Customer {
        id: json.id.clone(),
        plan,
        plan_since: findings.date(&at.field("plan_since"), json.plan_since.as_deref()),
        add_ons,
        brand: json.brand.clone().or(present_brand),
        region: json.region.clone(),
        customer_type: json.customer_type.clone(),
        contract_since: findings.date(&at.field("contract_since"), json.contract_since.as_deref()),
        services: json.services.clone(),
    }
}

fn plan_index(
    id: &str,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Option<usize> {
    let index = catalogue.plan_index(id);
    if index.is_none() {
        findings.error(
            at,
            "unknown-reference",
            format!("目录中没有套餐“{id}”"),
            format!("the catalogue has no plan `{id}`"),
        );
    }
    index
}

fn read_member(
    json: &FamilyMemberJson,
    at: &At<'_>,
    customer_months: &[MonthUsage],
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> FamilyMember {
    findings.identifier(&at.field("id"), &json.id);
    let plan = json
        .plan
        .as_deref()
        .and_then(|id| plan_index(id, &at.field("plan"), catalogue, findings));
    let months = read_months(&json.months, &at.field("months"), catalogue, findings);
    if !months
        .iter()
        .map(|month| month.month)
        .eq(customer_months.iter().map(|month| month.month))
    {
        findings.error(
            &at.field("months"),
            "months-differ",
            "月份须与客户一致",
            "must be the same months as the customer's",
        );
    }
    FamilyMember {
        id: json.id.clone(),
        plan,
        months,
    }
}

fn read_months(
    json: &[MonthUsageJson],
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Vec<MonthUsage> {
    if json.is_empty() {
        findings.error(
            at,
            "empty-list",
            "至少要有一个月的用量",
            "there must be usage of at least one month",
        );
    }
    findings.at_most(at, json.len(), MONTHS_MAX);
    let mut months: Vec<MonthUsage> = Vec::new();
    for (index, month) in json.iter().take(MONTHS_MAX).enumerate() {
        let at = at.item(index);
        let date = match Month::parse(&month.month) {
            Ok(date) => date,
            Err(error) => {
                findings.error(
                    &at.field("month"),
                    "bad-month",
                    "应为 YYYY-MM 形式的月份",
                    error.to_string(),
                );
                continue;
            }
        };
        if months
            .last()
            .is_some_and(|before| date.ordinal() != before.month.ordinal() + 1)
        {
            findings.error(
                &at.field("month"),
                "months-not-consecutive",
                "月份须从早到晚且不间断",
                "months must ascend without gaps",
            );
        }
        findings.at_most(&at.field("lines"), month.lines.len(), USAGE_LINES_MAX);
        findings.at_most(&at.field("events"), month.events.len(), USAGE_EVENTS_MAX);
        let at_lines = at.field("lines");
        let lines = month
            .lines
            .iter()
            .take(USAGE_LINES_MAX)
            .enumerate()
            .filter_map(|(index, line)| read_line(line, &at_lines.item(index), catalogue, findings))
            .collect();
        let at_events = at.field("events");
        let mut events: Vec<UsageEvent> = month
            .events
            .iter()
            .take(USAGE_EVENTS_MAX)
            .enumerate()
            .filter_map(|(index, event)| {
                read_event(event, date, &at_events.item(index), catalogue, findings)
            })
            .collect();
        // A total order, so that the order of writing cannot matter.
        events.sort_by(|left, right| {
            (
                left.start_seconds,
                left.kind,
                &left.path,
                left.seconds,
                left.kb,
            )
                .cmp(&(
                    right.start_seconds,
                    right.kind,
                    &right.path,
                    right.seconds,
                    right.kb,
                ))
        });
        months.push(MonthUsage {
            month: date,
            lines,
            events,
        });
    }
    months
}

fn category(
    kind: Kind,
    id: &str,
    at: &At<'_>,
    space: &CellSpace,
    findings: &mut Findings,
) -> Option<usize> {
    let found = space.categories[kind.index()]
        .iter()
        .position(|word| word.id == id);
    if found.is_none() {
        let (zh, en) = (kind.name().zh, kind.name().en);
        findings.error(
            &at.field("category"),
            "unknown-reference",
            format!("{zh}没有分类“{id}”"),
            format!("{en} has no category `{id}`"),
        );
    }
    found
}

/// Reads a quantity if its unit fits the kind.
fn measured(
    value: Option<u64>,
    field: &'static str,
    fits: bool,
    kind: Kind,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<i64> {
    let value = value?;
    if !fits {
        let (zh, en) = (kind.name().zh, kind.name().en);
        findings.error(
            &at.field(field),
            "wrong-unit",
            format!("{zh}没有 {field}"),
            format!("{en} has no {field}"),
        );
        return None;
    }
    Some(findings.quantity(&at.field(field), value, 0, USAGE_QUANTITY_MAX))
}

/// Says which quantity a line or event of this kind needs.
fn needs(kind: Kind, seconds: bool, kb: bool, count: bool, at: &At<'_>, findings: &mut Findings) {
    let (field, present) = match kind {
        Kind::Voice => ("seconds", seconds),
        Kind::Data => ("kb", kb),
        Kind::Sms | Kind::Mms => ("count", count),
        Kind::Wlan => ("seconds", seconds || kb),
    };
    if !present {
        findings.error(
            &at.field(field),
            "missing-field",
            "缺少此类用量的数量",
            "the quantity of this kind of usage is missing",
        );
    }
}

fn read_line(
    json: &UsageLineJson,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Option<UsageLine> {
    let space = &catalogue.cells;
    let kind = fields::kind(json.kind);
    let category = category(kind, &json.category, at, space, findings);
    let band = match &json.band {
        None => Some(0),
        Some(id) => {
            let found = space.bands.iter().position(|word| word.id == *id);
            if found.is_none() {
                findings.error(
                    &at.field("band"),
                    "unknown-reference",
                    format!("目录中没有时段“{id}”"),
                    format!("the catalogue has no band `{id}`"),
                );
            }
            found
        }
    };
    let seconds = measured(
        json.seconds,
        "seconds",
        kind.has(Measure::Seconds),
        kind,
        at,
        findings,
    );
    let kb = measured(json.kb, "kb", kind.has(Measure::Kb), kind, at, findings);
    let count = measured(json.count, "count", true, kind, at, findings);
    let billed_60s_units = measured(
        json.billed_60s_units,
        "billed_60s_units",
        kind == Kind::Voice,
        kind,
        at,
        findings,
    );
    let billed_6s_units = measured(
        json.billed_6s_units,
        "billed_6s_units",
        kind == Kind::Voice,
        kind,
        at,
        findings,
    );
    needs(
        kind,
        json.seconds.is_some(),
        json.kb.is_some(),
        json.count.is_some(),
        at,
        findings,
    );
    for (field, units, step) in [
        ("billed_60s_units", billed_60s_units, 60),
        ("billed_6s_units", billed_6s_units, 6),
    ] {
        let (Some(units), Some(seconds)) = (units, seconds) else {
            continue;
        };
        // Every event is rounded up by less than one step.
        let too_many = count.is_some_and(|count| units > seconds / step + count);
        if units * step < seconds || too_many {
            findings.error(
                &at.field(field),
                "contradiction",
                "与时长和次数不符",
                "does not fit the duration and the number of calls",
            );
        }
    }
    let day_type = json.day_type.map_or(DayType::Workday, fields::day_type);
    Some(UsageLine {
        cell: space.cell(kind, category?, band?, day_type),
        kind,
        band_stated: json.band.is_some(),
        day_stated: json.day_type.is_some(),
        count,
        seconds,
        kb,
        billed_60s_units,
        billed_6s_units,
    })
}

fn read_event(
    json: &UsageEventJson,
    month: Month,
    at: &At<'_>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Option<UsageEvent> {
    let kind = fields::kind(json.kind);
    let category = category(kind, &json.category, at, &catalogue.cells, findings);
    let seconds = measured(
        json.seconds,
        "seconds",
        kind.has(Measure::Seconds),
        kind,
        at,
        findings,
    )
    .unwrap_or(0);
    let kb = measured(json.kb, "kb", kind.has(Measure::Kb), kind, at, findings).unwrap_or(0);
    if json
        .seconds
        .is_some_and(|seconds| seconds > EVENT_SECONDS_MAX)
    {
        findings.error(
            &at.field("seconds"),
            "absurd-quantity",
            "单次时长超过一个月",
            "is longer than a month",
        );
    }
    needs(
        kind,
        json.seconds.is_some(),
        json.kb.is_some(),
        true,
        at,
        findings,
    );
    let Some((date, second)) = moment(&json.start) else {
        findings.error(
            &at.field("start"),
            "bad-time",
            "应为 YYYY-MM-DDTHH:MM:SS 形式的本地时间",
            "must be a local time of the form YYYY-MM-DDTHH:MM:SS",
        );
        return None;
    };
    if date.month() != month {
        findings.error(
            &at.field("start"),
            "outside-the-month",
            "不在该月内",
            "lies outside the month",
        );
        return None;
    }
    let seconds_for_path = if kind.has(Measure::Seconds) {
        seconds.min(EVENT_SECONDS_MAX.cast_signed())
    } else {
        0
    };
    Some(UsageEvent {
        kind,
        start_seconds: (date.day() - 1) * DAY_SECONDS + second,
        seconds,
        kb,
        path: path(
            &catalogue.cells,
            kind,
            category?,
            date,
            second,
            seconds_for_path,
        ),
    })
}

/// `YYYY-MM-DDTHH:MM:SS` as the day and the second of it.
fn moment(text: &str) -> Option<(Date, u32)> {
    let (date, time) = text.split_once('T')?;
    let date = Date::parse(date).ok()?;
    let mut parts = time.split(':').map(|part| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    });
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60)
        .then_some((date, hours * 3_600 + minutes * 60 + seconds))
}

/// The cells through which an event runs, and when it enters each.
fn path(
    space: &CellSpace,
    kind: Kind,
    category: usize,
    date: Date,
    second: u32,
    duration: i64,
) -> Vec<(i64, Cell)> {
    let mut path: Vec<(i64, Cell)> = Vec::new();
    // Second of the event's beginning, counted from midnight of `day`.
    let (mut day, mut midnight) = (date, -i64::from(second));
    loop {
        let day_type = space.day_type(day);
        for (index, start) in space.days[day_type.index()].iter().enumerate() {
            let entered = midnight + i64::from(start.from_seconds);
            let left = space.days[day_type.index()]
                .get(index + 1)
                .map_or(midnight + i64::from(DAY_SECONDS), |next| {
                    midnight + i64::from(next.from_seconds)
                });
            let is_reached = entered < duration.max(1) && left > 0;
            let cell = space.cell(kind, category, start.band, day_type);
            if is_reached && path.last().is_none_or(|(_, last)| *last != cell) {
                path.push((entered.max(0), cell));
            }
        }
        midnight += i64::from(DAY_SECONDS);
        match day.next() {
            Some(next) if midnight < duration => day = next,
            _ => return path,
        }
    }
}
