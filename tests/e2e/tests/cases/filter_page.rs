//! The analyst's page in a real browser: from an imported table to a file that only the custodian's key opens.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use chudian_e2e::{
    Host,
    harness::Case,
    host::{HostKind, binary},
};
use chudian_vocabulary::pseudonym::PseudonymKey;
use serde_json::json;

use super::{
    browser::try_pages,
    import::{Ground, ground, told},
};

const ROWS: &str = "4000";

/// A region of the sample.
const REGION: &str = "430100";

/// What the browser tests are told, as JSON: keys by role, a customer, the custodian's public key, a folder for what is downloaded.
const VARIABLE: &str = "CHUDIAN_FILTER_PAGE";

/// The name under which the browser tests save what they have downloaded; beside it stands how many lines the page said it has.
const DOWNLOADED: &str = "exported.csv.age";

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::new(
        "filter_page::browser",
        "a list is composed, frozen, approved and exported on the page; the page's figures are the API's, and the file opens with the custodian's key alone",
        browser,
    )]
}

fn browser(host: &Host) -> Result<()> {
    let ground = ground(host, "filter-page")?;
    let table = ground.table("customers.csv", "7", ROWS, &["--contacts"])?;
    let imported = told(&ground.import(&table)?.output()?)?;
    ground.in_force(&imported)?;
    let layer = ground
        .import(&table.with_extension("contacts.csv"))?
        .arg("--layer")
        .output()?;
    told(&layer)?;

    let (secret, public) = identity(&ground)?;
    let key = |role: &str, region: Option<&str>| ground.gateway.new_key(role, region);
    let facts = json!({
        "analyst": key("analyst", None)?,
        "approver": key("approver", None)?,
        "custodian": key("custodian", None)?,
        "hall": key("hall", None)?,
        "regional": key("analyst", Some(REGION))?,
        "customer": first_customer(&ground, &table)?,
        "recipient": public,
        "folder": ground.folder,
    });
    let files: &[&str] = if host.kind() == HostKind::Sqlite {
        &["filter/"]
    } else {
        // The states of the page are shown with answers put in place of the functions': they are the same on every database.
        &["filter/real.spec.ts"]
    };
    try_pages(
        ground.gateway.base_url(),
        files,
        &[(VARIABLE, facts.to_string().as_str())],
    )?;
    opened(&ground, &secret)?;
    ground.gateway.stop()
}

/// A custodian's pair of keys: the file of the secret one, and the public one.
fn identity(ground: &Ground) -> Result<(String, String)> {
    let secret = ground.folder.join("custodian.key");
    let secret = secret.to_string_lossy().into_owned();
    let output = Command::new(binary()?)
        .args(["list", "identity", "--out", &secret])
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{output:?}");
    Ok((secret, String::from_utf8(output.stdout)?.trim().to_owned()))
}

/// The pseudonym of the table's first customer.
fn first_customer(ground: &Ground, table: &std::path::Path) -> Result<String> {
    let key = std::fs::read_to_string(ground.gateway.state().join("pseudonym-key"))?;
    let key: PseudonymKey = key.trim().parse()?;
    let text = std::fs::read_to_string(table)?;
    let number = text
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').next())
        .context("the table has no customer")?;
    Ok(key.pseudonym_of(number)?.to_string())
}

/// What the browser saved is sealed, and opens with the custodian's key to as many lines as the page said.
fn opened(ground: &Ground, secret: &str) -> Result<()> {
    let file = ground.folder.join(DOWNLOADED);
    let sealed = std::fs::read(&file).context("the browser saved nothing")?;
    ensure!(
        sealed.starts_with(b"age-encryption.org/v1"),
        "the file is not in the age format"
    );
    let told = std::fs::read_to_string(file.with_extension("rows"))?;
    let output = Command::new(binary()?)
        .args(["list", "decrypt"])
        .arg(&file)
        .args(["--identity", secret])
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "{output:?}");
    let plain = String::from_utf8(output.stdout)?;
    let rows: usize = told.trim().parse()?;
    ensure!(
        rows > 0 && plain.lines().count() == rows + 1,
        "{rows} lines on the page, {} with the heading in the file",
        plain.lines().count()
    );
    Ok(())
}
