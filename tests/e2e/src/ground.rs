//! What the cases stand on: a small catalogue whose prices can be checked by hand, and customers that use the network in
//! two kinds of months.
//!
//! | month | calls | data | SMS | pay as you go (`e2e-payg`) | `e2e-48` |
//! | --- | --- | --- | --- | --- | --- |
//! | busy | 120 started minutes | 600,000 KB | 20 | 30.00 + 29.30 + 2.00 = 61.30 | 48.00, all inside |
//! | quiet | 60 started minutes | 300,000 KB | 10 | 15.00 + 14.65 + 1.00 = 30.65 | 48.00, all inside |
//!
//! Six months, of which the second and the fifth are quiet. Data costs 0.05 yuan for 1,024 KB, in proportion: 600,000 KB
//! are 29.296875 yuan, 300,000 KB are 14.6484375 yuan, rounded once for the line.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Days, NaiveDate};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Caller;

/// The catalogue that is in force while the cases run.
pub const CATALOGUE: &str = include_str!("../data/catalogue.json");

/// Region of most customers.
pub const REGION: &str = "zs01";

/// Another region of the catalogue.
pub const OTHER_REGION: &str = "hz01";

/// The present plan of the cases' customers.
pub const PRESENT_PLAN: &str = "e2e-payg";

/// What the months cost under the present plan, by the table above.
pub const PRESENT_FEN: [i64; 6] = [6130, 3065, 6130, 6130, 3065, 6130];

/// The cheapest plan for these months that their customer may buy.
pub const BEST_PLAN: &str = "e2e-48";

/// What the months cost under it.
pub const BEST_FEN: [i64; 6] = [4800; 6];

/// Plans of the catalogue that a customer of [`customer`] may not buy.
pub const NOT_FOR_THE_CUSTOMER: [&str; 6] = [
    "e2e-hz-only",
    "e2e-business",
    "e2e-gotone-only",
    "e2e-not-from-payg",
    "e2e-withdrawn",
    "e2e-not-yet",
];

const MONTHS: &str = include_str!("../data/months.json");

/// The catalogue's time zone is China's, which has no summer time.
const CATALOGUE_TIME_OFFSET_S: i64 = 8 * 3600;

/// What is laid down once for a host.
pub struct Ground {
    /// Version of [`CATALOGUE`], in force from today.
    pub version: String,
    /// The day from which it is in force.
    pub from: NaiveDate,
}

impl Ground {
    /// Imports the catalogue and puts it in force from today.
    ///
    /// # Errors
    /// When the host refuses.
    pub fn lay(admin: &Caller) -> Result<Self> {
        let imported = admin.post_bytes("/tariff/v1/catalogues", CATALOGUE.as_bytes())?;
        let imported = match imported.status {
            200 | 201 => imported.json()?,
            _ => bail!("import: {} {}", imported.status, imported.text()),
        };
        let version = imported["version"]
            .as_str()
            .context("an import without a version")?
            .to_owned();
        let mut from = today()?;
        let mut answer = admin.put(
            &format!("/tariff/v1/activations/{from}"),
            &json!({ "version": version }),
        )?;
        if answer.status == 422 && today()? != from {
            // Midnight passed in between.
            from = today()?;
            answer = admin.put(
                &format!("/tariff/v1/activations/{from}"),
                &json!({ "version": version }),
            )?;
        }
        if !(200..300).contains(&answer.status) {
            bail!("activation: {} {}", answer.status, answer.text());
        }
        Ok(Self { version, from })
    }
}

/// Today in the catalogue's time zone.
///
/// # Errors
/// When the clock is out of all bounds.
pub fn today() -> Result<NaiveDate> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let local_s = i64::try_from(since.as_secs())? + CATALOGUE_TIME_OFFSET_S;
    Ok(DateTime::from_timestamp(local_s, 0)
        .context("the clock is out of bounds")?
        .date_naive())
}

/// The day so many days after today.
///
/// # Errors
/// When the clock is out of all bounds.
pub fn days_from_today(days: u64) -> Result<NaiveDate> {
    today()?
        .checked_add_days(Days::new(days))
        .context("the day is out of bounds")
}

/// Something that no other call, and no other run of the suite, gives: for ids that must be new.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanoseconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let digest = Sha256::digest(format!("{} {nanoseconds} {number}", std::process::id()));
    // Letters, so that no id looks like a telephone number.
    let letters: String = digest
        .iter()
        .take(10)
        .map(|byte| char::from(b'a' + byte % 26))
        .collect();
    format!("e2e-{prefix}-{letters}")
}

/// The catalogue as a document.
///
/// # Errors
/// When the file is no JSON.
pub fn catalogue() -> Result<Value> {
    serde_json::from_str(CATALOGUE).context("data/catalogue.json")
}

/// A catalogue that no host has seen, otherwise like [`CATALOGUE`].
///
/// # Errors
/// When the file is no JSON.
pub fn new_catalogue() -> Result<Value> {
    let mut catalogue = catalogue()?;
    catalogue["id"] = json!(unique("catalogue"));
    Ok(catalogue)
}

/// The version that these bytes have: the first 16 hexadecimal characters of their SHA-256.
pub fn version_of(bytes: &[u8]) -> String {
    sha256_of(bytes)[..16].to_owned()
}

/// SHA-256 as hexadecimal characters.
pub fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Six months of usage, two of them quiet.
///
/// # Errors
/// When the file is no JSON.
pub fn months() -> Result<Value> {
    serde_json::from_str(MONTHS).context("data/months.json")
}

/// A usage document of these months.
///
/// # Errors
/// When the file is no JSON.
pub fn usage() -> Result<Value> {
    Ok(json!({ "schema": "chudian-usage/1", "months": months()? }))
}

/// What is known of a customer besides the usage.
pub fn profile(region: &str) -> Value {
    json!({ "region": region, "brand": "mzone", "customer_type": "personal", "plan_id": PRESENT_PLAN, "add_ons": [] })
}

/// A customer to store.
///
/// # Errors
/// When the file is no JSON.
pub fn customer(region: &str) -> Result<Value> {
    let mut customer = profile(region);
    customer["usage"] = usage()?;
    Ok(customer)
}

/// Stores a new customer of that region and returns the id.
///
/// # Errors
/// When the host refuses.
pub fn store_customer(caller: &Caller, region: &str) -> Result<String> {
    let id = unique("customer");
    let answer = caller.put(&format!("/tariff/v1/customers/{id}"), &customer(region)?)?;
    anyhow::ensure!(
        (200..300).contains(&answer.status),
        "the customer was refused: {} {}",
        answer.status,
        answer.text()
    );
    Ok(id)
}
