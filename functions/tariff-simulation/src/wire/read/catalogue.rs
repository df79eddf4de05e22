//! The catalogue as a whole: its words, its calendar, its lists.

use super::super::catalogue::{
    BandJson, CATALOGUE_SCHEMA, CatalogueJson, KindJson, RankingJson, TieBreakJson, WordJson,
};
use super::super::errors::{At, Findings};
use super::{fields, plan, references};
use crate::cells::{BandStart, CellSpace, DAY_SECONDS, DayType, Word};
use crate::limits::{
    ADD_ONS_MAX, BAND_TIMES_MAX, BANDS_MAX, CALENDAR_DAYS_MAX, CATEGORIES_MAX, GROUPS_MAX,
    MONTHS_MAX, PLANS_MAX, REFERENCES_MAX, TERM_MONTHS_MAX, WORDS_MAX,
};
use crate::plan::{Catalogue, ExclusionGroup, RankingRule, TieBreak};

/// Builds the domain catalogue; meaningful only when no error was found.
pub(in super::super) fn read_catalogue(json: &CatalogueJson, findings: &mut Findings) -> Catalogue {
    let at = At::Root;
    if json.schema != CATALOGUE_SCHEMA {
        findings.error(
            &at.field("schema"),
            "wrong-schema",
            format!("应为 {CATALOGUE_SCHEMA}"),
            format!("must be {CATALOGUE_SCHEMA}"),
        );
    }
    findings.identifier(&at.field("id"), &json.id);
    findings.name(&at.field("name"), &json.name);
    findings.at_most(&at.field("plans"), json.plans.len(), PLANS_MAX);
    findings.at_most(&at.field("add_ons"), json.add_ons.len(), ADD_ONS_MAX);
    if json.plans.is_empty() {
        findings.error(
            &at.field("plans"),
            "empty-list",
            "至少要有一个套餐",
            "there must be at least one plan",
        );
    }
    let mut switched_off = [false; 5];
    for (index, kind) in json.switched_off.iter().enumerate() {
        if matches!(kind, KindJson::Mms | KindJson::Wlan) {
            switched_off[fields::kind(*kind).index()] = true;
        } else {
            findings.error(
                &at.field("switched_off").item(index),
                "not-optional",
                "只有彩信和 WLAN 可以关闭",
                "only mms and wlan can be switched off",
            );
        }
    }
    let brands = words(findings, &at.field("brands"), &json.brands, WORDS_MAX);
    let regions = words(findings, &at.field("regions"), &json.regions, WORDS_MAX);
    let customer_types = words(
        findings,
        &at.field("customer_types"),
        &json.customer_types,
        WORDS_MAX,
    );
    let cells = cell_space(json, findings);
    let mut catalogue = Catalogue {
        id: json.id.clone(),
        name: json.name.clone(),
        cells,
        switched_off,
        brands,
        regions,
        customer_types,
        plans: Vec::new(),
        add_ons: Vec::new(),
        groups: Vec::new(),
        ranking: ranking(&json.ranking, &at.field("ranking"), findings),
    };
    references::unique_ids(json, findings);
    catalogue.add_ons = json
        .add_ons
        .iter()
        .take(ADD_ONS_MAX)
        .enumerate()
        .map(|(index, add_on)| {
            plan::read_add_on(
                add_on,
                &at.field("add_ons").item(index),
                json,
                &catalogue,
                findings,
            )
        })
        .collect();
    catalogue.plans = json
        .plans
        .iter()
        .take(PLANS_MAX)
        .enumerate()
        .map(|(index, plan)| {
            plan::read_plan(
                plan,
                &at.field("plans").item(index),
                json,
                &catalogue,
                findings,
            )
        })
        .collect();
    catalogue.groups = groups(json, findings);
    references::check(json, &catalogue, findings);
    catalogue
}

fn words(findings: &mut Findings, at: &At<'_>, words: &[WordJson], most: usize) -> Vec<Word> {
    findings.at_most(at, words.len(), most);
    findings.unique(at, "id", words.iter().map(|word| word.id.as_str()));
    words
        .iter()
        .take(most)
        .enumerate()
        .map(|(index, word)| {
            findings.identifier(&at.item(index).field("id"), &word.id);
            findings.name(&at.item(index).field("name"), &word.name);
            Word {
                id: word.id.clone(),
                name: word.name.clone(),
            }
        })
        .collect()
}

fn cell_space(json: &CatalogueJson, findings: &mut Findings) -> CellSpace {
    let at = At::Root;
    let at_categories = at.field("categories");
    let lists = [
        ("voice", &json.categories.voice),
        ("data", &json.categories.data),
        ("sms", &json.categories.sms),
        ("mms", &json.categories.mms),
        ("wlan", &json.categories.wlan),
    ];
    let categories = lists
        .map(|(field, list)| words(findings, &at_categories.field(field), list, CATEGORIES_MAX));
    if categories.iter().all(Vec::is_empty) {
        findings.error(
            &at_categories,
            "empty-list",
            "至少要有一个用量分类",
            "there must be at least one category",
        );
    }
    let at_bands = at.field("bands");
    findings.at_most(&at_bands, json.bands.len(), BANDS_MAX);
    findings.unique(
        &at_bands,
        "id",
        json.bands.iter().map(|band| band.id.as_str()),
    );
    let bands: Vec<Word> = if json.bands.is_empty() {
        vec![Word {
            id: "all".to_owned(),
            name: chudian_vocabulary::Name::new("全天", "All day"),
        }]
    } else {
        json.bands
            .iter()
            .take(BANDS_MAX)
            .enumerate()
            .map(|(index, band)| {
                findings.identifier(&at_bands.item(index).field("id"), &band.id);
                findings.name(&at_bands.item(index).field("name"), &band.name);
                Word {
                    id: band.id.clone(),
                    name: band.name.clone(),
                }
            })
            .collect()
    };
    let days = DayType::ALL.map(|day| course_of(day, &json.bands, findings));
    let calendar = at.field("calendar");
    let mut dates = |field: &'static str, list: &[String]| {
        let at = calendar.field(field);
        findings.at_most(&at, list.len(), CALENDAR_DAYS_MAX);
        findings.unique(&at, "", list.iter().map(String::as_str));
        let mut dates: Vec<_> = list
            .iter()
            .enumerate()
            .filter_map(|(index, text)| findings.date(&at.item(index), Some(text)))
            .collect();
        dates.sort_unstable();
        dates
    };
    let holidays = dates("holidays", &json.calendar.holidays);
    let extra_workdays = dates("extra_workdays", &json.calendar.extra_workdays);
    CellSpace {
        categories,
        bands,
        days,
        holidays,
        extra_workdays,
    }
}

/// The course of one type of day through the bands.
fn course_of(day: DayType, bands: &[BandJson], findings: &mut Findings) -> Vec<BandStart> {
    let root = At::Root;
    let at = root.field("bands");
    // Stretches as (from, until, band), in seconds from midnight.
    let mut stretches: Vec<(u32, u32, usize)> = Vec::new();
    for (band, json) in bands.iter().take(BANDS_MAX).enumerate() {
        let at_band = at.item(band);
        let at_times = at_band.field("times");
        findings.at_most(&at_times, json.times.len(), BAND_TIMES_MAX);
        // What does not depend on the day is said once.
        let first_pass = day == DayType::Workday;
        if first_pass && band == 0 && !json.times.is_empty() {
            findings.error(
                &at_times,
                "default-band-with-times",
                "第一个时段是其余所有时间,不能写时间",
                "the first band is all remaining time and has no times",
            );
        }
        if first_pass && band > 0 && json.times.is_empty() {
            findings.error(
                &at_times,
                "empty-list",
                "除第一个外,时段必须写明时间",
                "every band but the first needs times",
            );
        }
        for (index, times) in json.times.iter().take(BAND_TIMES_MAX).enumerate() {
            let at_time = at_times.item(index);
            if times.days.as_ref().is_some_and(Vec::is_empty) && first_pass {
                findings.error(
                    &at_time.field("days"),
                    "empty-list",
                    "列表为空;不限时请省略",
                    "an empty list admits nothing; leave it out for all",
                );
            }
            if times
                .days
                .as_ref()
                .is_some_and(|days| !days.iter().any(|wanted| fields::day_type(*wanted) == day))
            {
                continue;
            }
            let mut moment = |field: &'static str, text: &str| {
                let seconds = clock(text);
                if seconds.is_none() && first_pass {
                    findings.error(
                        &at_time.field(field),
                        "bad-time",
                        "应为 HH:MM 形式的时刻",
                        "must be a time of the form HH:MM",
                    );
                }
                seconds
            };
            let (Some(from), Some(until)) =
                (moment("from", &times.from), moment("until", &times.until))
            else {
                continue;
            };
            let parts = if from < until {
                vec![(from, until)]
            } else {
                vec![(0, until), (from, DAY_SECONDS)]
            };
            for (from, until) in parts.into_iter().filter(|(from, until)| from < until) {
                if let Some((_, _, other)) = stretches
                    .iter()
                    .find(|(start, end, _)| from < *end && *start < until)
                {
                    let other = &bands[*other].id;
                    findings.error(
                        &at_time,
                        "overlap",
                        format!("与时段“{other}”重叠"),
                        format!("overlaps band `{other}`"),
                    );
                }
                stretches.push((from, until, band));
            }
        }
    }
    stretches.sort_unstable();
    let mut course = Vec::new();
    let mut position = 0;
    for (from, until, band) in stretches {
        if from > position {
            course.push(BandStart {
                from_seconds: position,
                band: 0,
            });
        }
        course.push(BandStart {
            from_seconds: from,
            band,
        });
        position = position.max(until);
    }
    if position < DAY_SECONDS {
        course.push(BandStart {
            from_seconds: position,
            band: 0,
        });
    }
    course
}

/// `HH:MM`, up to `24:00`, in seconds.
fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = hours * 3_600 + minutes * 60;
    (minutes < 60 && seconds <= DAY_SECONDS).then_some(seconds)
}

fn groups(json: &CatalogueJson, findings: &mut Findings) -> Vec<ExclusionGroup> {
    let root = At::Root;
    let at = root.field("exclusion_groups");
    findings.at_most(&at, json.exclusion_groups.len(), GROUPS_MAX);
    json.exclusion_groups
        .iter()
        .take(GROUPS_MAX)
        .enumerate()
        .map(|(index, group)| {
            let at = at.item(index);
            findings.identifier(&at.field("id"), &group.id);
            findings.name(&at.field("name"), &group.name);
            let at_members = at.field("members");
            findings.at_most(&at_members, group.members.len(), REFERENCES_MAX);
            let members =
                references::add_on_indices(findings, &at_members, &group.members, &group.id, json);
            let members_max = findings.quantity(
                &at.field("members_max"),
                group.members_max,
                1,
                REFERENCES_MAX as u64,
            );
            ExclusionGroup {
                id: group.id.clone(),
                members,
                members_max: usize::try_from(members_max).unwrap_or(1),
            }
        })
        .collect()
}

/// Reads a ranking rule; a request may bring its own.
pub(in super::super) fn ranking(
    json: &RankingJson,
    at: &At<'_>,
    findings: &mut Findings,
) -> RankingRule {
    findings.at_most(&at.field("tie_breaks"), json.tie_breaks.len(), 6);
    RankingRule {
        saving_min_fen: json
            .saving_min
            .as_deref()
            .map(|text| findings.signed_amount(&at.field("saving_min"), text)),
        saving_percent_min_milli: json.saving_percent_min.as_deref().map_or(0, |text| {
            findings.percent(&at.field("saving_percent_min"), text, 100)
        }),
        revenue_change_min_fen: json
            .revenue_change_min
            .as_deref()
            .map(|text| findings.signed_amount(&at.field("revenue_change_min"), text)),
        months_won_min: usize::try_from(findings.quantity(
            &at.field("months_won_min"),
            json.months_won_min,
            0,
            MONTHS_MAX as u64,
        ))
        .unwrap_or(0),
        switching_cost_months: u32::try_from(findings.quantity(
            &at.field("switching_cost_months"),
            json.switching_cost_months,
            0,
            TERM_MONTHS_MAX,
        ))
        .unwrap_or(0),
        count_introductory: json.count_introductory,
        tie_breaks: json
            .tie_breaks
            .iter()
            .map(|tie| match tie {
                TieBreakJson::WorstMonth => TieBreak::WorstMonth,
                TieBreakJson::MonthsWon => TieBreak::MonthsWon,
                TieBreakJson::MonthlyFee => TieBreak::MonthlyFee,
                TieBreakJson::Revenue => TieBreak::Revenue,
                TieBreakJson::FewerAddOns => TieBreak::FewerAddOns,
                TieBreakJson::SwitchingCost => TieBreak::SwitchingCost,
            })
            .collect(),
    }
}
