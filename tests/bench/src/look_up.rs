//! The look-up of one customer in a dataset of sixty columns, beside hello: the key is checked, the row page read, the access put on
//! record (durable before the answer, PR-4) and every column written as JSON. Both components run in one gateway; the customers asked
//! for are spread over the whole table, so that hardly any page is asked for twice.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use chudian_test_support::gateway::{Gateway, Options};
use chudian_vocabulary::{
    access::{BootstrapKey, Pepper},
    pseudonym::PseudonymKey,
};

use crate::{Setup, report, simulation::new_key, wrk};

/// From the dataset issue.
const OF_HELLO_MIN: f64 = 0.5;
/// Customers of the table: enough pages that they do not all stay in a cache of connections.
const CUSTOMERS: usize = 200_000;
/// Customers that are asked for: every so many of the table.
const EVERY: usize = 11;
/// Connections: first as many as the notes' figures of hello were taken with, then as many as a province's halls open.
const CONNECTIONS: [usize; 2] = [32, 128];

/// hello beside the dataset, which the project's own manifest does not name.
const HELLO: &str =
    "\n[[trigger.http]]\nroute = \"/hello\"\ncomponent = \"hello\"\n[component.hello]\n";

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let manifest = folder.path().join("spin.toml");
    fs::write(&manifest, both(setup)?)?;
    let key = new_key();
    let bootstrap = BootstrapKey::of(&key, &Pepper::from_variable("")).to_string();
    let options = Options::new(&setup.gateway, &manifest)
        .words(["--component", "customer-dataset,hello"])
        .state(folder.path().join("state"))
        .log(folder.path().join("log"))
        .variable("key_pepper", "")
        .variable("bootstrap_key_hash", &bootstrap);
    let gateway = Gateway::start(options)?;
    let address: SocketAddr = gateway.base_url().trim_start_matches("http://").parse()?;
    let pseudonyms = PseudonymKey::from([7; 32]);
    let table = imported(setup, folder.path(), &gateway, key.reveal(), &pseudonyms)?;
    let script = script(folder.path(), &table, key.reveal(), &pseudonyms)?;

    for connections in CONNECTIONS {
        let (mut hellos, mut look_ups) = (Vec::new(), Vec::new());
        for _ in 0..setup.rounds {
            let hello = wrk::Load::of("/hello", connections);
            hellos.push(hello.run(address, setup.duration())?);
            let look_up = wrk::Load::by_script(&script, connections);
            look_ups.push(look_up.run(address, setup.duration())?);
        }
        report::figure(
            &format!("look-up of a customer, {connections} connections"),
            report::median(&look_ups),
            "answers/s",
        );
        report::ratio(
            &format!("look-up of a customer to hello, {connections} connections"),
            report::median_ratio(&look_ups, &hellos),
            OF_HELLO_MIN,
        );
    }
    gateway.stop()
}

/// The project's manifest with the paths of its files made absolute, and hello.
fn both(setup: &Setup) -> Result<String> {
    let manifest = fs::read_to_string(setup.root.join("spin.toml"))?;
    let root = setup.root.canonicalize()?.display().to_string();
    let absolute = manifest
        .replace("\"target/", &format!("\"{root}/target/"))
        .replace("\"functions/", &format!("\"{root}/functions/"));
    let hello = setup
        .root
        .canonicalize()?
        .join("target/components/hello.wasm");
    Ok(format!(
        "{absolute}{HELLO}source = {:?}\n",
        hello.display().to_string()
    ))
}

/// Makes the sample's table and publishes it.
fn imported(
    setup: &Setup,
    folder: &Path,
    gateway: &Gateway,
    key: &str,
    pseudonyms: &PseudonymKey,
) -> Result<std::path::PathBuf> {
    let table = folder.join("customers.csv");
    let made = Command::new(&setup.gateway)
        .args([
            "sample",
            "--json",
            "--table",
            &CUSTOMERS.to_string(),
            "--out",
        ])
        .arg(&table)
        .stdout(Stdio::null())
        .status()?;
    ensure!(made.success(), "the table could not be made: {made}");
    let imported = Command::new(&setup.gateway)
        .args(["import", "--json", "--to", gateway.base_url()])
        .arg(&table)
        .arg("--mapping")
        .arg(table.with_extension("mapping.toml"))
        .env("CHUDIAN_KEY", key)
        .env("CHUDIAN_PSEUDONYM_KEY", pseudonyms.reveal())
        .stdout(Stdio::null())
        .status()?;
    ensure!(imported.success(), "the import failed: {imported}");
    Ok(table)
}

/// What wrk runs: the customers' addresses in turn, with the key.
fn script(
    folder: &Path,
    table: &Path,
    key: &str,
    pseudonyms: &PseudonymKey,
) -> Result<std::path::PathBuf> {
    let mut lines = BufReader::new(fs::File::open(table)?).lines();
    let headings = lines.next().context("the table is empty")??;
    ensure!(
        headings
            .trim_start_matches('\u{feff}')
            .starts_with("number,"),
        "the table does not begin with the number"
    );
    let paths = folder.join("paths");
    let mut written = std::io::BufWriter::new(fs::File::create(&paths)?);
    for line in lines.step_by(EVERY) {
        let line = line?;
        let number = line.split(',').next().unwrap_or_default();
        let customer = pseudonyms.pseudonym_of(number)?;
        writeln!(written, "/dataset/v1/customers/{customer}")?;
    }
    written.flush()?;
    let script = folder.join("look-up.lua");
    fs::write(
        &script,
        format!(
            "local requests, at = {{}}, 0\nfunction init(args)\n  wrk.headers[\"Authorization\"] = \"Bearer {key}\"\n  for path in io.lines({:?}) do\n    requests[#requests + 1] = wrk.format(\"GET\", path)\n  end\nend\nfunction request()\n  at = at % #requests + 1\n  return requests[at]\nend\n",
            paths.display().to_string()
        ),
    )?;
    Ok(script)
}
