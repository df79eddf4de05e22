//! One row of the table: what a customer of the sample looks like in a province's extract.

use std::collections::BTreeMap;

use super::{USAGE_KINDS, USAGE_MONTHS};
use crate::Settings;
use crate::catalogue::{self, words};
use crate::customer::Customer;
use crate::document::Kind;
use crate::draw::{Draw, ONE, Use};

/// Headings before the usage columns.
pub(super) const PLAIN_HEADINGS: [&str; 24] = [
    "number",
    "region",
    "county",
    "brand",
    "plan_id",
    "customer_type",
    "age_group",
    "network",
    "opened_on",
    "tenure_months",
    "contract_end",
    "arpu",
    "balance",
    "hotline_calls_90d",
    "ivr_calls_90d",
    "web_logins_90d",
    "app_logins_90d",
    "sms_hall_requests_90d",
    "hall_visits_90d",
    "churn_score",
    "has_ring_tone",
    "has_broadband",
    "has_mailbox",
    "has_video_pack",
];

/// Businesses held, in the order of [`Row::holds`]: the name that their columns share, and titles.
pub(super) const BUSINESSES: [(&str, &str, &str); 4] = [
    ("ring_tone", "彩铃", "Ring tone"),
    ("broadband", "宽带", "Broadband"),
    ("mailbox", "手机邮箱", "Mailbox"),
    ("video_pack", "视频包", "Video pack"),
];

/// Numbers begin with these digits, which are given to no operator.
const NUMBER_PREFIX: u64 = 160;
/// Numbers that the other eight digits can make; as many as the largest sample has customers.
const NUMBERS: u64 = 100_000_000;
/// Odd and no multiple of five, so that multiplying by it modulo [`NUMBERS`] gives every customer another number.
const NUMBER_STEP: u64 = 61_803_399;

/// Days from 1970-01-01 to 2001-01-01, when the first customer joined.
const FIRST_OPENED_DAYS: u64 = 11_323;

/// Counties of a city; their codes are the city's first four digits with `01` and so on.
const COUNTIES_MAX: u64 = 9;

/// The traits by which `has_video_pack` is planted.
pub const VIDEO_PACK_TRAITS: VideoPackTraits = VideoPackTraits {
    age_groups: ["#03", "#04"],
    app_logins_90d_min: 10,
    mean_data_kb_min: 5 * 1024 * 1024,
    holders_permille_without: 20,
    permille_by_trait: 220,
};

/// Of 1,000 customers with none of the traits so many hold the video pack; each trait adds as many as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoPackTraits {
    /// First trait: one of these age groups.
    pub age_groups: [&'static str; 2],
    /// Second trait: at least so many sign-ins of the app.
    pub app_logins_90d_min: u64,
    /// Third trait: at least so many KB a month in the mean.
    pub mean_data_kb_min: u64,
    /// Holders in 1,000 of those with no trait.
    pub holders_permille_without: u32,
    /// What each trait adds.
    pub permille_by_trait: u32,
}

/// What a row takes from the catalogue.
pub(super) struct Plans {
    by_id: BTreeMap<&'static str, PlanFacts>,
    types: BTreeMap<&'static str, &'static str>,
}

struct PlanFacts {
    brand_zh: &'static str,
    fee_fen: u64,
}

impl Plans {
    /// Reads the sample's own catalogue.
    pub(super) fn new() -> Self {
        let catalogue = catalogue::catalogue();
        let brands: BTreeMap<&str, &'static str> = catalogue
            .brands
            .iter()
            .map(|brand| (brand.id, brand.name.zh))
            .collect();
        let by_id = catalogue
            .plans
            .iter()
            .map(|plan| {
                let brand_zh = brands.get(plan.brand).copied().unwrap_or_default();
                let fee_fen = fen(&plan.monthly_fee);
                (plan.id, PlanFacts { brand_zh, fee_fen })
            })
            .collect();
        let types = words::customer_types()
            .into_iter()
            .map(|word| (word.id, word.name.zh))
            .collect();
        Self { by_id, types }
    }
}

/// The catalogue's own way of writing yuan, `58` or `58.5`, as fen.
fn fen(yuan: &str) -> u64 {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, ""));
    let digits = |text: &str| text.parse::<u64>().unwrap_or_default();
    let part = match part.len() {
        0 => 0,
        1 => digits(part) * 10,
        _ => digits(part.get(..2).unwrap_or_default()),
    };
    digits(whole) * 100 + part
}

/// A row before it is written.
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) region: &'static str,
    pub(super) county: String,
    pub(super) brand: &'static str,
    pub(super) plan_id: &'static str,
    pub(super) customer_type: &'static str,
    pub(super) age_group: &'static str,
    pub(super) network: &'static str,
    pub(super) opened_on: String,
    pub(super) tenure_months: u64,
    pub(super) contract_end: String,
    pub(super) arpu_fen: u64,
    pub(super) balance_fen: u64,
    /// Hotline, IVR, web hall, app, SMS hall, front hall.
    pub(super) dealings: [u64; 6],
    /// In units of 1 ÷ 10,000.
    pub(super) churn_score: u64,
    /// By [`BUSINESSES`].
    pub(super) holds: [bool; 4],
    /// By kind, then by month.
    pub(super) usage: [[u64; USAGE_MONTHS]; USAGE_KINDS.len()],
}

/// Makes the row of customer `index`, counted from 1.
pub(super) fn make(settings: &Settings, plans: &Plans, index: u64, customer: &Customer) -> Row {
    let mut draw = Draw::of_customer(settings.seed, Use::Table, index);
    let usage = usage_of(customer);
    let plan = plans.by_id.get(customer.plan_id);
    let fee_fen = plan.map_or(0, |plan| plan.fee_fen);
    let mean_data_kb = usage[4].iter().sum::<u64>() / USAGE_MONTHS as u64;
    let age_group = age_group(&mut draw, customer.customer_type);
    let (opened_days, opened_months) = opened(settings, index);
    let last_month = settings.months.last_ordinal();
    let tenure_months = last_month.saturating_sub(opened_months);
    let dealings = dealings(&mut draw, age_group);
    let churn_score = churn_score(&mut draw, tenure_months, dealings[0]);
    let holds = holds(&mut draw, customer, age_group, &dealings, mean_data_kb);
    Row {
        number: NUMBER_PREFIX * NUMBERS + index % NUMBERS * NUMBER_STEP % NUMBERS,
        region: customer.region,
        county: format!(
            "{}{:02}",
            customer.region.get(..4).unwrap_or_default(),
            1 + draw.below(COUNTIES_MAX)
        ),
        brand: plan.map_or("", |plan| plan.brand_zh),
        plan_id: customer.plan_id,
        customer_type: plans
            .types
            .get(customer.customer_type)
            .copied()
            .unwrap_or_default(),
        age_group,
        network: network(&mut draw, mean_data_kb),
        opened_on: day_text(opened_days),
        tenure_months,
        contract_end: contract_end(customer).unwrap_or_default(),
        arpu_fen: fee_fen + draw.spread(fee_fen / 8 + 200, 900),
        balance_fen: draw.spread(fee_fen / 2 + 1_000, 1_100),
        dealings,
        churn_score,
        holds,
        usage,
    }
}

/// The customer's usage by the table's kinds.
fn usage_of(customer: &Customer) -> [[u64; USAGE_MONTHS]; USAGE_KINDS.len()] {
    let mut usage = [[0; USAGE_MONTHS]; USAGE_KINDS.len()];
    for (index, month) in customer.usage.months.iter().enumerate() {
        for line in &month.lines {
            let (kind, quantity) = match (line.kind, line.category) {
                (Kind::Voice, "local" | "family_number") => (0, line.seconds),
                (Kind::Voice, "long_distance" | "international") => (1, line.seconds),
                (Kind::Voice, "roaming") => (2, line.seconds),
                (Kind::Voice, _) => (3, line.seconds),
                (Kind::Data, _) => (4, line.kb),
                (Kind::Sms, _) => (5, line.count),
                // The table has no multimedia messages and no WLAN: both are optional for a province.
                (Kind::Mms | Kind::Wlan, _) => continue,
            };
            if let Some(cell) = usage.get_mut(kind).and_then(|months| months.get_mut(index)) {
                *cell += quantity.unwrap_or_default();
            }
        }
    }
    usage
}

/// Group codes with their weights; people only.
const AGE_GROUPS: [(&str, u32); 8] = [
    ("#01", 5),
    ("#02", 45),
    ("#03", 130),
    ("#04", 160),
    ("#05", 230),
    ("#06", 190),
    ("#07", 140),
    ("#08", 100),
];
const STUDENT_AGE_GROUPS: [(&str, u32); 3] = [("#02", 150), ("#03", 800), ("#04", 50)];

fn age_group(draw: &mut Draw, customer_type: &str) -> &'static str {
    let drawn = match customer_type {
        "student" => draw.weighted(&STUDENT_AGE_GROUPS),
        "individual" => draw.weighted(&AGE_GROUPS),
        _ => return "",
    };
    drawn.copied().unwrap_or_default()
}

fn network(draw: &mut Draw, mean_data_kb: u64) -> &'static str {
    let weights: [(&str, u32); 3] = match mean_data_kb {
        0..102_400 => [("2G", 30), ("4G", 60), ("5G", 10)],
        102_400..4_194_304 => [("2G", 2), ("4G", 73), ("5G", 25)],
        _ => [("2G", 0), ("4G", 35), ("5G", 65)],
    };
    draw.weighted(&weights).copied().unwrap_or("4G")
}

/// The day of joining: days from 1970 and months from year 0. Customers are numbered as they join.
fn opened(settings: &Settings, index: u64) -> (u64, u64) {
    let last_days = days_of_month_start(settings.months.last_ordinal());
    let span = last_days.saturating_sub(FIRST_OPENED_DAYS);
    let passed = u128::from(span) * u128::from(index.saturating_sub(1))
        / u128::from(settings.customers.max(1));
    let days = FIRST_OPENED_DAYS + u64::try_from(passed).unwrap_or_default();
    let (year, month, _) = civil(days);
    (days, year * 12 + month - 1)
}

/// Medians of dealings within 90 days for young, middle and older customers: hotline, IVR, web, app, SMS hall, front hall.
const DEALINGS: [[u64; 6]; 3] = [[1, 2, 2, 14, 1, 0], [2, 3, 3, 7, 2, 1], [3, 4, 1, 2, 2, 2]];

fn dealings(draw: &mut Draw, age_group: &str) -> [u64; 6] {
    let medians = match age_group {
        "#01" | "#02" | "#03" | "#04" => DEALINGS[0],
        "#05" | "#06" => DEALINGS[1],
        _ => DEALINGS[2],
    };
    // A quarter deals with the operator on no channel at all.
    if draw.permille(250) {
        return [0; 6];
    }
    // Drawn in fixed point, so that a median of 1 has a spread too.
    medians.map(|median| draw.spread(median * ONE + ONE / 3, 1_200) / ONE)
}

fn churn_score(draw: &mut Draw, tenure_months: u64, hotline_calls: u64) -> u64 {
    let base = draw.spread(900, 900) + hotline_calls.min(20) * 120;
    let loyal = tenure_months.min(120) * 5;
    base.saturating_sub(loyal).min(10_000)
}

fn holds(
    draw: &mut Draw,
    customer: &Customer,
    age_group: &str,
    dealings: &[u64; 6],
    mean_data_kb: u64,
) -> [bool; 4] {
    let traits = &VIDEO_PACK_TRAITS;
    let shown = [
        traits.age_groups.contains(&age_group),
        dealings[3] >= traits.app_logins_90d_min,
        mean_data_kb >= traits.mean_data_kb_min,
    ]
    .into_iter()
    .map(u32::from)
    .sum::<u32>();
    let video_permille = traits.holders_permille_without + shown * traits.permille_by_trait;
    [
        draw.permille(250),
        customer.services.contains(&words::BROADBAND),
        draw.permille(if dealings[2] > 2 { 400 } else { 120 }),
        draw.permille(video_permille),
    ]
}

/// The last day of a running contract of 12 or 24 months that began on the first of a month.
fn contract_end(customer: &Customer) -> Option<String> {
    let since = customer.contract_since.as_deref()?;
    let (year, month) = (
        since.get(..4)?.parse::<u64>().ok()?,
        since.get(5..7)?.parse::<u64>().ok()?,
    );
    let after = year * 12 + month - 1 + customer.contract_term_months();
    Some(day_text(days_of_month_start(after).saturating_sub(1)))
}

/// Days from 1970-01-01 to the first day of a month, counted from January of year 0.
pub(super) fn days_of_month_start(ordinal: u64) -> u64 {
    let (year, month) = (ordinal / 12, ordinal % 12 + 1);
    // The year begins in March, so that the leap day is its last (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

pub(super) fn day_text(days: u64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for (days, text) in [
            (0, "1970-01-01"),
            (11_323, "2001-01-01"),
            (11_016, "2000-02-29"),
            (20_758, "2026-11-01"),
        ] {
            assert_eq!(day_text(days), text);
        }
        for ordinal in 2001 * 12..2030 * 12 {
            let (year, month, day) = civil(days_of_month_start(ordinal));
            assert_eq!((year * 12 + month - 1, day), (ordinal, 1));
        }
    }

    #[test]
    fn fees_are_read_as_the_catalogue_writes_them() {
        for (text, expected) in [("58", 5800), ("8.5", 850), ("0.01", 1), ("0", 0)] {
            assert_eq!(fen(text), expected);
        }
    }
}
