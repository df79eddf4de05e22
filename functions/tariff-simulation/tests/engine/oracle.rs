//! A slow second opinion on bills, written another way: it reads the documents directly, takes usage unit by unit, computes in
//! fractions of unlimited size, and knows nothing of cells, streams, meters or compiled tables.

use std::collections::BTreeMap;

use num_rational::BigRational;
use serde_json::Value;

fn ratio(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

/// Reads a decimal text.
fn decimal(value: &Value) -> BigRational {
    let text = value.as_str().unwrap_or("0");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i64 = format!("{whole}{fraction}").parse().unwrap();
    ratio(digits, 10_i64.pow(u32::try_from(fraction.len()).unwrap()))
}

fn number(value: &Value, default: i64) -> i64 {
    value.as_i64().unwrap_or(default)
}

fn zero() -> BigRational {
    ratio(0, 1)
}

/// Rounds yuan to fen as a rounding object says.
fn rounded_fen(yuan: &BigRational, rounding: &Value) -> i64 {
    let places = number(&rounding["places"], 2);
    let scaled = yuan * ratio(10_i64.pow(u32::try_from(places).unwrap()), 1);
    let negative = scaled < zero();
    let magnitude = if negative { -scaled } else { scaled };
    let floor = magnitude.floor();
    let rest = &magnitude - &floor;
    let half = ratio(1, 2);
    let is_odd = (&floor / ratio(2, 1)).floor() * ratio(2, 1) != floor;
    let up = match rounding["mode"].as_str().unwrap_or("half_up") {
        "up" => rest > zero(),
        "down" => false,
        "half_up" => rest >= half,
        _ => rest > half || (rest == half && is_odd),
    };
    let whole = if up { floor + ratio(1, 1) } else { floor };
    let fen = whole * ratio(10_i64.pow(u32::try_from(2 - places).unwrap()), 1);
    let fen: i64 = fen.to_integer().to_string().parse().unwrap();
    if negative { -fen } else { fen }
}

fn yuan(fen: i64) -> BigRational {
    ratio(fen, 100)
}

const KINDS: [&str; 5] = ["voice", "data", "sms", "mms", "wlan"];

fn field_of(kind: &str) -> &'static str {
    match kind {
        "voice" | "wlan" => "seconds",
        "data" => "kb",
        _ => "count",
    }
}

/// Whether a selector covers a line of usage.
fn covers(selector: &Value, line: &Value) -> bool {
    let names = |list: &str, field: &str, default: &str| {
        selector[list].as_array().is_none_or(|list| {
            list.iter()
                .any(|word| word.as_str() == Some(line[field].as_str().unwrap_or(default)))
        })
    };
    selector["kind"] == line["kind"]
        && names("categories", "category", "")
        && names("bands", "band", "standard")
        && names("day_types", "day_type", "workday")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn covered_by(things: &[Value], line: &Value) -> Option<usize> {
    // Of two the later one: an add-on's rate comes after the plan's and takes its place.
    things.iter().rposition(|thing| {
        list(&thing["covers"])
            .iter()
            .any(|selector| covers(selector, line))
    })
}

/// Rests of one allowance: what is left, by age in months; the last one is this month's grant.
pub(crate) type Rests = Vec<BTreeMap<i64, BigRational>>;

/// The bill of one month: amounts by line, and the total.
pub(crate) struct OracleBill {
    pub(crate) lines: BTreeMap<String, i64>,
    pub(crate) total_fen: i64,
}

struct Gathered {
    raw: i64,
    charged: i64,
    setups: i64,
}

/// What a month is priced under besides the plan.
#[derive(Default)]
pub(crate) struct Terms {
    /// Months since joining; `None` in the long run.
    pub(crate) tenure_months: Option<i64>,
    /// Day of the month of joining.
    pub(crate) joined_on_day: i64,
    /// Days of the month.
    pub(crate) days: i64,
    /// Add-ons in the order in which the plan lists them, with how many are taken.
    pub(crate) add_ons: Vec<(Value, i64)>,
    /// Usage of the family members whom the plan carries: totals of each.
    pub(crate) members: Vec<Vec<Value>>,
    /// Single calls and messages of the customer.
    pub(crate) events: Vec<Value>,
}

/// Prices one month of totals in the long run, without add-ons and family.
pub(crate) fn price(plan: &Value, lines: &[Value], rests: &mut Rests) -> OracleBill {
    price_under(plan, lines, &Terms::default(), rests)
}

/// Prices one month: the plan as its add-ons make it, for all who use it.
pub(crate) fn price_under(
    plan: &Value,
    lines: &[Value],
    terms: &Terms,
    rests: &mut Rests,
) -> OracleBill {
    let plan = &assembled(plan, &terms.add_ons);
    let allowances = list(&plan["allowances"]);
    rests.resize(allowances.len(), BTreeMap::new());
    for (allowance, rest) in allowances.iter().zip(rests.iter_mut()) {
        let mut units = ratio(number(&allowance["amount"], 0), 1);
        if plan["prorate_allowances"] == true && terms.tenure_months == Some(0) {
            units = (units * share(terms)).floor();
        }
        rest.insert(0, units);
    }
    let mut drawing = Drawing::new(plan);
    drawing.events(plan, &terms.events, rests);
    drawing.totals(plan, lines, false, rests);
    for member in &terms.members {
        drawing.totals(plan, member, true, rests);
    }
    let mut amounts = rate_lines(plan, &drawing.gathered);
    cap_lines(plan, &drawing.gathered, &mut amounts);
    let bill = steps(plan, fees(plan, terms), amounts);
    for (allowance, rest) in allowances.iter().zip(rests.iter_mut()) {
        *rest = carry(allowance, rest);
    }
    bill
}

/// The part of the month of joining that the customer is there.
fn share(terms: &Terms) -> BigRational {
    ratio(terms.days - terms.joined_on_day + 1, terms.days)
}

/// The plan with what its add-ons bring: allowances before the plan's, as often as they are taken; rates that take the place of the
/// plan's where they cover the same usage; discounts after the plan's.
fn assembled(plan: &Value, add_ons: &[(Value, i64)]) -> Value {
    let mut whole = plan.clone();
    let taken = || add_ons.iter().filter(|(_, quantity)| *quantity > 0);
    let of = |field: &str| -> Vec<Value> {
        taken()
            .flat_map(|(add_on, _)| list(&add_on[field]).to_vec())
            .collect()
    };
    let mut allowances: Vec<Value> = Vec::new();
    for (add_on, quantity) in taken() {
        for allowance in list(&add_on["allowances"]) {
            let mut allowance = allowance.clone();
            allowance["amount"] = (number(&allowance["amount"], 0) * quantity).into();
            allowances.push(allowance);
        }
    }
    allowances.extend(list(&plan["allowances"]).to_vec());
    whole["allowances"] = allowances.into();
    let added = of("rates");
    let own = list(&plan["rates"]).iter().filter(|rate| {
        // A rate of which nothing is left is not there, nor is its flat fee.
        let mut covered = cells().into_iter().filter(|cell| {
            list(&rate["covers"])
                .iter()
                .any(|selector| covers(selector, cell))
        });
        covered.any(|cell| covered_by(&added, &cell).is_none())
    });
    whole["rates"] = own.chain(&added).cloned().collect();
    whole["discounts"] = list(&plan["discounts"])
        .iter()
        .cloned()
        .chain(of("discounts"))
        .collect();
    whole
}

/// Fee lines in the order of a bill: identifier, group, fen.
fn fees(plan: &Value, terms: &Terms) -> Vec<(String, &'static str, i64)> {
    let fen = |value: &Value| rounded_fen(&decimal(value), &Value::Null);
    let ordinary = decimal(&plan["monthly_fee"]);
    let mut fee = ordinary.clone();
    if let Some(tenure) = terms.tenure_months {
        let mut ends = 0;
        for phase in list(&plan["phases"]) {
            let begins = ends;
            ends += number(&phase["months"], 0);
            if (begins..ends).contains(&tenure) {
                fee = if phase["fee"].is_string() {
                    decimal(&phase["fee"])
                } else {
                    &ordinary * decimal(&phase["fee_percent"]) / ratio(100, 1)
                };
            }
        }
        if tenure == 0 {
            match plan["first_month"].as_str().unwrap_or("full") {
                "by_day" => fee *= share(terms),
                "half_from_16th" if terms.joined_on_day >= 16 => fee *= ratio(1, 2),
                "free" => fee = zero(),
                _ => {}
            }
        }
    }
    let mut lines = vec![(
        "monthly-fee".to_owned(),
        "fees",
        rounded_fen(&fee, &plan["rounding"]),
    )];
    if plan["family"].is_object() {
        let members = i64::try_from(terms.members.len()).unwrap();
        let each = fen(&plan["family"]["member_fee"]);
        lines.push(("family-members".to_owned(), "fees", each * members));
    }
    for one_off in list(&plan["one_off_fees"]) {
        let due = if terms.tenure_months == Some(0) {
            fen(&one_off["amount"])
        } else {
            0
        };
        lines.push((one_off["id"].as_str().unwrap().to_owned(), "one_off", due));
    }
    for (add_on, quantity) in &terms.add_ons {
        let id = add_on["id"].as_str().unwrap().to_owned();
        lines.push((id, "add_ons", fen(&add_on["monthly_fee"]) * quantity));
    }
    lines
}

fn carry(allowance: &Value, rest: &BTreeMap<i64, BigRational>) -> BTreeMap<i64, BigRational> {
    let rollover = &allowance["rollover"];
    let months = number(&rollover["months"], 0);
    rest.iter()
        .filter(|(age, _)| **age < months)
        .map(|(age, left)| {
            let most = rollover["amount_max"]
                .as_i64()
                .filter(|_| *age == 0)
                .map(|most| ratio(most, 1));
            (
                age + 1,
                most.map_or_else(|| left.clone(), |most| left.clone().min(most)),
            )
        })
        .collect()
}

/// A month's usage on its way through caps and allowances.
struct Drawing {
    gathered: Vec<Gathered>,
    /// What is left of caps on quantities over several rates, and of each rate's own.
    cap_left: Vec<i64>,
    own_left: Vec<Option<i64>>,
    /// Allowances in the order in which they are drawn.
    order: Vec<usize>,
}

fn quantity_caps(plan: &Value) -> impl Iterator<Item = &Value> {
    list(&plan["caps"])
        .iter()
        .filter(|cap| cap["quantity"].is_i64() || cap["quantity"].is_u64())
}

impl Drawing {
    fn new(plan: &Value) -> Self {
        let rates = list(&plan["rates"]);
        let allowances = list(&plan["allowances"]);
        let mut order: Vec<usize> = (0..allowances.len()).collect();
        order.sort_by_key(|index| (number(&allowances[*index]["priority"], 100), *index));
        let nothing = |_: &Value| Gathered {
            raw: 0,
            charged: 0,
            setups: 0,
        };
        Self {
            gathered: rates.iter().map(nothing).collect(),
            cap_left: quantity_caps(plan)
                .map(|cap| number(&cap["quantity"], 0))
                .collect(),
            own_left: rates
                .iter()
                .map(|rate| rate["cap"]["quantity"].as_i64())
                .collect(),
            order,
        }
    }

    /// Goes through somebody's totals, unit by unit; a unit of totals is an event of its own.
    fn totals(&mut self, plan: &Value, lines: &[Value], is_family: bool, rests: &mut Rests) {
        for (rate, group) in groups(plan, lines) {
            let Some(rate) = rate else { continue };
            for line in group {
                for _ in 0..number(&line[field_of(line["kind"].as_str().unwrap())], 0) {
                    let beyond = self.unit(plan, rate, &line, is_family, rests);
                    self.gathered[rate].setups += i64::from(beyond > 0);
                }
            }
        }
    }

    /// Goes through single calls in the order of time. A call that is not wholly inside allowances is set up once.
    fn events(&mut self, plan: &Value, events: &[Value], rests: &mut Rests) {
        let mut events = events.to_vec();
        events.sort_by_key(|event| event["start"].as_str().unwrap().to_owned());
        for event in &events {
            let Some(rate) = covered_by(list(&plan["rates"]), event) else {
                continue;
            };
            let used = number(&event[field_of(event["kind"].as_str().unwrap())], 1);
            let increment = &list(&plan["rates"])[rate]["increment"];
            let units = match increment["first"].as_i64() {
                Some(first) if used > 0 => {
                    let next = number(&increment["next"], 1);
                    first + blocks((used - first).max(0), next, "up") * next
                }
                _ => used,
            };
            let beyond: i64 = (0..units)
                .map(|_| self.unit(plan, rate, event, false, rests))
                .sum();
            self.gathered[rate].setups += i64::from(beyond > 0);
        }
    }

    /// One unit: cut by a cap, inside an allowance, or charged. How many are charged.
    fn unit(
        &mut self,
        plan: &Value,
        rate: usize,
        line: &Value,
        is_family: bool,
        rests: &mut Rests,
    ) -> i64 {
        let within = |cap: &&Value| {
            list(&cap["covers"])
                .iter()
                .any(|selector| covers(selector, line))
        };
        // A unit stops at the first cap that is full; the caps before it have counted it.
        for (_, left) in quantity_caps(plan)
            .zip(self.cap_left.iter_mut())
            .filter(|(cap, _)| within(cap))
        {
            if *left == 0 {
                return 0;
            }
            *left -= 1;
        }
        if let Some(left) = &mut self.own_left[rate] {
            if *left == 0 {
                return 0;
            }
            *left -= 1;
        }
        let allowances = list(&plan["allowances"]);
        let gathered = &mut self.gathered[rate];
        let facts = &list(&plan["rates"])[rate];
        let before = converted(facts, gathered.raw);
        gathered.raw += 1;
        let mut beyond = 0;
        for _ in before..converted(facts, gathered.raw) {
            let is_inside = self.order.iter().any(|index| {
                let allowance = &allowances[*index];
                (!is_family || allowance["shared_in_family"] == true)
                    && take(allowance, &mut rests[*index], line)
            });
            beyond += i64::from(!is_inside);
        }
        gathered.charged += beyond;
        beyond
    }
}

/// Every kind of usage that the generated documents know.
fn cells() -> Vec<Value> {
    let mut cells: Vec<Value> = Vec::new();
    for kind in KINDS {
        for category in ["local", "long_distance", "domestic"] {
            for band in ["standard", "night"] {
                for day_type in ["workday", "weekend", "holiday"] {
                    cells.push(serde_json::json!({"kind": kind, "category": category, "band": band, "day_type": day_type}));
                }
            }
        }
    }
    cells
}

/// Usage that the same rate, allowances and caps cover is taken together, rate after rate, then by the first of its parts.
fn groups(plan: &Value, lines: &[Value]) -> Vec<(Option<usize>, Vec<Value>)> {
    let rates = list(&plan["rates"]);
    let key_of = |line: &Value| {
        let cover = |thing: &Value| {
            list(&thing["covers"])
                .iter()
                .find(|selector| covers(selector, line))
                .map(|selector| selector["factor"].as_str().unwrap_or("1").to_owned())
        };
        let allowances: Vec<Option<String>> = list(&plan["allowances"]).iter().map(cover).collect();
        let caps: Vec<bool> = list(&plan["caps"])
            .iter()
            .map(|cap| cover(cap).is_some())
            .collect();
        (
            covered_by(rates, line),
            line["kind"].as_str().unwrap().to_owned(),
            allowances,
            caps,
        )
    };
    let cells = cells();
    let mut groups = Vec::new();
    for cell in &cells {
        let key = key_of(cell);
        let position = groups
            .iter()
            .position(|(known, _)| *known == key)
            .unwrap_or_else(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
        let here = |line: &&Value| {
            ["kind", "category", "band", "day_type"]
                .iter()
                .all(|field| line[*field] == cell[*field])
        };
        groups[position]
            .1
            .extend(lines.iter().filter(here).cloned());
    }
    groups.sort_by_key(|((rate, ..), _)| rate.unwrap_or(usize::MAX));
    groups
        .into_iter()
        .map(|((rate, ..), lines)| (rate, lines))
        .collect()
}

fn converted(rate: &Value, raw: i64) -> i64 {
    let Some(unit) = rate["convert"]["unit"].as_i64() else {
        return raw;
    };
    blocks(raw, unit, rate["convert"]["rounding"].as_str().unwrap()) * unit
}

/// Whole blocks, by counting.
fn blocks(quantity: i64, block: i64, rounding: &str) -> i64 {
    let (mut whole, mut rest) = (0, quantity);
    while rest >= block {
        rest -= block;
        whole += 1;
    }
    match rounding {
        "up" if rest > 0 => whole + 1,
        "half_up" if 2 * rest >= block => whole + 1,
        _ => whole,
    }
}

/// Takes one unit of usage from the first rest that has enough.
fn take(allowance: &Value, rest: &mut BTreeMap<i64, BigRational>, line: &Value) -> bool {
    let Some(cover) = list(&allowance["covers"])
        .iter()
        .find(|selector| covers(selector, line))
    else {
        return false;
    };
    let needs = if cover["factor"].is_string() {
        decimal(&cover["factor"])
    } else {
        ratio(1, 1)
    };
    let carried_first = allowance["rollover"]["carried_first"]
        .as_bool()
        .unwrap_or(true);
    let mut ages: Vec<i64> = rest.keys().rev().copied().filter(|age| *age > 0).collect();
    if carried_first {
        ages.push(0)
    } else {
        ages.insert(0, 0)
    }
    for age in ages {
        let left = rest.get_mut(&age).unwrap();
        if *left >= needs {
            *left -= needs;
            return true;
        }
    }
    false
}

/// Exact price of the first `units`.
fn tiers(rate: &Value, units: i64) -> BigRational {
    let units = units - number(&rate["free_units"], 0);
    let tiers = list(&rate["tiers"]);
    let flat = |tier: &Value| {
        if tier["flat"].is_string() {
            decimal(&tier["flat"])
        } else {
            zero()
        }
    };
    if units <= 0 {
        return if rate["flat_at_zero"] == true {
            flat(&tiers[0])
        } else {
            zero()
        };
    }
    let tier_of = |unit: i64| {
        tiers
            .iter()
            .position(|tier| tier["up_to"].as_i64().is_none_or(|up_to| unit <= up_to))
            .unwrap()
    };
    let mut in_tier = vec![0_i64; tiers.len()];
    for unit in 1..=units {
        let tier = if rate["mode"] == "volume" {
            tier_of(units)
        } else {
            tier_of(unit)
        };
        in_tier[tier] += 1;
    }
    let per = number(&rate["per"], 1);
    let mut amount = zero();
    for (tier, count) in tiers.iter().zip(in_tier).filter(|(_, count)| *count > 0) {
        let times = match rate["block"].as_str() {
            None | Some("exact") => ratio(count, per),
            Some(rounding) => ratio(blocks(count, per, rounding), 1),
        };
        amount += decimal(&tier["price"]) * times + flat(tier);
    }
    amount
}

/// Exact amount of a rate's line if `units` of what was gathered are served.
fn exact(rate: &Value, gathered: &Gathered, units: i64) -> BigRational {
    let setups = if gathered.charged == 0 {
        gathered.setups
    } else {
        (ratio(gathered.setups * units, gathered.charged))
            .ceil()
            .to_integer()
            .to_string()
            .parse()
            .unwrap()
    };
    let setup_fee = if rate["setup_fee"].is_string() {
        decimal(&rate["setup_fee"])
    } else {
        zero()
    };
    tiers(rate, units) + setup_fee * ratio(setups, 1)
}

fn line_fen(plan: &Value, rate: &Value, gathered: &Gathered, units: i64) -> i64 {
    let cap = &rate["cap"];
    let mut amount = exact(rate, gathered, units);
    if cap["amount"].is_string() {
        let most = decimal(&cap["amount"]);
        if let Some(every) = cap["every"].as_i64() {
            let mut left = units;
            amount = zero();
            while left > 0 {
                let block = left.min(every);
                amount += tiers(rate, block).min(most.clone());
                left -= block;
            }
        } else if amount > most {
            amount = if cap["then"] == "stop" {
                (0..=units)
                    .rev()
                    .map(|served| exact(rate, gathered, served))
                    .find(|amount| *amount <= most)
                    .unwrap_or_else(|| exact(rate, gathered, 0))
            } else {
                most
            };
        }
    }
    rounded_fen(
        &amount,
        if rate["rounding"].is_object() {
            &rate["rounding"]
        } else {
            &plan["rounding"]
        },
    )
}

fn rate_lines(plan: &Value, gathered: &[Gathered]) -> Vec<(String, i64)> {
    list(&plan["rates"])
        .iter()
        .zip(gathered)
        .map(|(rate, gathered)| {
            (
                rate["id"].as_str().unwrap().to_owned(),
                line_fen(plan, rate, gathered, gathered.charged),
            )
        })
        .collect()
}

fn in_scope(scope: &Value, group: &str, id: &str) -> bool {
    let names = |field: &str| {
        list(&scope[field])
            .iter()
            .any(|word| word == "all" || word == group || word == id)
    };
    names("lines") && !names("except")
}

/// Service stops over several lines; caps that give back come in `steps`.
fn cap_lines(plan: &Value, gathered: &[Gathered], amounts: &mut [(String, i64)]) {
    for cap in list(&plan["caps"])
        .iter()
        .filter(|cap| cap["amount"].is_string() && cap["then"] == "stop")
    {
        let most = rounded_fen(&decimal(&cap["amount"]), &Value::Null);
        for index in (0..amounts.len()).rev() {
            let sum: i64 = amounts
                .iter()
                .filter(|(id, _)| in_scope(cap, "usage", id))
                .map(|(_, fen)| fen)
                .sum();
            if sum <= most || !in_scope(cap, "usage", &amounts[index].0) {
                continue;
            }
            let target = (amounts[index].1 - (sum - most)).max(0);
            let rate = &list(&plan["rates"])[index];
            let at = |units| {
                let setups = if gathered[index].charged == 0 {
                    gathered[index].setups
                } else {
                    (gathered[index].setups * units + gathered[index].charged - 1)
                        / gathered[index].charged
                };
                line_fen(
                    plan,
                    rate,
                    &Gathered {
                        raw: 0,
                        charged: units,
                        setups,
                    },
                    units,
                )
            };
            amounts[index].1 = (0..=gathered[index].charged)
                .rev()
                .map(at)
                .find(|fen| *fen <= target)
                .unwrap_or_else(|| at(0));
        }
    }
}

/// Takes `by_fen` off the lines of a scope, spread in proportion.
fn spread(nets: &mut [(String, &'static str, i64)], scope: &Value, by_fen: i64) {
    let sum: i64 = nets
        .iter()
        .filter(|(id, group, _)| in_scope(scope, group, id))
        .map(|(_, _, fen)| fen)
        .sum();
    let (mut seen, mut given) = (0, 0);
    for (_, _, fen) in nets
        .iter_mut()
        .filter(|(id, group, _)| in_scope(scope, group, id))
    {
        seen += *fen;
        let until_here: i64 = if sum == 0 {
            0
        } else {
            (ratio(by_fen, 1) * ratio(seen, sum))
                .floor()
                .to_integer()
                .to_string()
                .parse()
                .unwrap()
        };
        *fen -= until_here - given;
        given = until_here;
    }
}

fn steps(
    plan: &Value,
    fees: Vec<(String, &'static str, i64)>,
    rates: Vec<(String, i64)>,
) -> OracleBill {
    // Fees stand before usage on a bill, which decides where the odd fen of a spread reduction goes.
    let usage = rates.into_iter().map(|(id, fen)| (id, "usage", fen));
    let mut nets: Vec<(String, &'static str, i64)> = fees.into_iter().chain(usage).collect();
    let mut bill: BTreeMap<String, i64> =
        nets.iter().map(|(id, _, fen)| (id.clone(), *fen)).collect();
    let sum = |nets: &[(String, &'static str, i64)], scope: &Value| -> i64 {
        nets.iter()
            .filter(|(id, group, _)| in_scope(scope, group, id))
            .map(|(_, _, fen)| fen)
            .sum()
    };
    for cap in list(&plan["caps"])
        .iter()
        .filter(|cap| cap["amount"].is_string() && cap["then"] == "free")
    {
        let back = sum(&nets, cap) - rounded_fen(&decimal(&cap["amount"]), &Value::Null);
        if back > 0 {
            spread(&mut nets, cap, back);
            bill.insert(cap["id"].as_str().unwrap().to_owned(), -back);
        }
    }
    for discount in list(&plan["discounts"]) {
        let before = sum(&nets, discount);
        let off = if discount["percent"].is_string() {
            rounded_fen(
                &(yuan(before) * decimal(&discount["percent"]) / ratio(100, 1)),
                &plan["rounding"],
            )
        } else {
            rounded_fen(&decimal(&discount["amount"]), &Value::Null)
        };
        let off = off.min(before);
        spread(&mut nets, discount, off);
        bill.insert(discount["id"].as_str().unwrap().to_owned(), -off);
    }
    let missing = |field: &str| {
        plan[field].is_object().then(|| {
            rounded_fen(&decimal(&plan[field]["amount"]), &Value::Null) - sum(&nets, &plan[field])
        })
    };
    let up = missing("minimum").map_or(0, |missing| missing.max(0));
    let counts_minimum = in_scope(&plan["maximum"], "minimum", "minimum");
    let back = missing("maximum").map_or(0, |missing| {
        (if counts_minimum {
            up - missing
        } else {
            -missing
        })
        .max(0)
    });
    bill.insert("minimum".to_owned(), up);
    bill.insert("maximum".to_owned(), -back);
    let mut included = Vec::new();
    for tax in list(&plan["taxes"]) {
        let base = sum(&nets, tax)
            + if in_scope(tax, "minimum", "minimum") {
                up
            } else {
                0
            }
            - if in_scope(tax, "maximum", "maximum") {
                back
            } else {
                0
            };
        let percent = decimal(&tax["percent"]);
        let divisor = if tax["included"] == true {
            ratio(100, 1) + &percent
        } else {
            ratio(100, 1)
        };
        let id = tax["id"].as_str().unwrap().to_owned();
        if tax["included"] == true {
            included.push(id.clone());
        }
        bill.insert(
            id,
            rounded_fen(&(yuan(base) * percent / divisor), &plan["rounding"]),
        );
    }
    let total_fen = bill
        .iter()
        .filter(|(id, _)| !included.contains(id))
        .map(|(_, fen)| fen)
        .sum();
    OracleBill {
        lines: bill,
        total_fen,
    }
}
