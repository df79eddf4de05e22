//! Bodies that are cut off, too large, or lie about their length: nothing is stored, and nobody else notices.

use anyhow::{Result, ensure};
use chudian_e2e::{
    Host,
    caller::{expect_problem, problem_code},
    ground::{REGION, customer, new_catalogue, unique, version_of},
    harness::Case,
    raw::Connection,
};

/// 50 MB, as whole blocks.
static BLOCK: [u8; 64 * 1024] = [b' '; 64 * 1024];
const BLOCKS: usize = 50 * 1024 * 1024 / (64 * 1024);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "uploads::half_catalogue",
            "a catalogue whose sender goes away half-way is not stored",
            half_catalogue,
        ),
        Case::new(
            "uploads::half_chunked_catalogue",
            "the same with a chunked body",
            half_chunked_catalogue,
        ),
        Case::new(
            "uploads::half_customer",
            "a customer whose sender goes away half-way is not stored, nor is an import",
            half_customer,
        ),
        Case::new(
            "uploads::fifty_megabytes",
            "50 MB with a length are 413, and the next request is served",
            fifty_megabytes,
        ),
        Case::new(
            "uploads::fifty_megabytes_chunked",
            "50 MB in chunks are 413, and the next request is served",
            fifty_megabytes_chunked,
        ),
        Case::new(
            "uploads::edge_of_the_limit",
            "a catalogue of just over 8 MiB is 413, one of just under it is read",
            edge_of_the_limit,
        ),
        Case::new(
            "uploads::two_lengths",
            "a head that can be read in two ways is refused",
            two_lengths,
        ),
    ]
}

fn head(host: &Host, more: &[&str]) -> Result<Vec<String>> {
    let mut lines = vec![
        format!("authorization: Bearer {}", host.key("admin", None)?),
        "content-type: application/json".to_owned(),
    ];
    lines.extend(more.iter().map(|line| (*line).to_owned()));
    Ok(lines)
}

/// Sends part of a body, ends the connection, and waits until the host has let go of it.
fn cut_off(host: &Host, method: &str, path: &str, lines: &[String], part: &[u8]) -> Result<()> {
    let mut connection = Connection::open(host.base_url())?;
    connection.send_head(method, path, lines)?;
    connection.send(part)?;
    connection.finish_sending()?;
    // The host may say 400 before it closes; it must not say that all is well.
    if let Ok(answer) = connection.answer() {
        ensure!(
            (400..500).contains(&answer.status),
            "half a body was answered with {}: {}",
            answer.status,
            answer.text()
        );
        host.witness().see(method, path, &answer);
    }
    Ok(())
}

fn half_catalogue(host: &Host) -> Result<()> {
    // What is sent is a whole catalogue; the head announces more, so it must not be taken for one.
    let bytes = new_catalogue()?.to_string();
    let lines = head(host, &[&format!("content-length: {}", bytes.len() + 1)])?;
    cut_off(
        host,
        "POST",
        "/tariff/v1/catalogues",
        &lines,
        bytes.as_bytes(),
    )?;
    not_stored(host, &bytes)
}

fn half_chunked_catalogue(host: &Host) -> Result<()> {
    let bytes = new_catalogue()?.to_string();
    let lines = head(host, &["transfer-encoding: chunked"])?;
    // The last, empty chunk is missing.
    let part = format!("{:x}\r\n{bytes}\r\n", bytes.len());
    cut_off(
        host,
        "POST",
        "/tariff/v1/catalogues",
        &lines,
        part.as_bytes(),
    )?;
    not_stored(host, &bytes)
}

fn not_stored(host: &Host, bytes: &str) -> Result<()> {
    let answer = host.with("admin")?.get(&format!(
        "/tariff/v1/catalogues/{}",
        version_of(bytes.as_bytes())
    ))?;
    expect_problem(&answer, 404, "catalogue-unknown")?;
    Ok(())
}

fn half_customer(host: &Host) -> Result<()> {
    let admin = host.with("admin")?;
    let id = unique("half");
    let bytes = customer(REGION)?.to_string();
    let lines = head(host, &[&format!("content-length: {}", bytes.len() + 1)])?;
    cut_off(
        host,
        "PUT",
        &format!("/tariff/v1/customers/{id}"),
        &lines,
        bytes.as_bytes(),
    )?;
    ensure!(
        admin.get(&format!("/tariff/v1/customers/{id}"))?.status == 404,
        "half a customer was stored"
    );

    // Whole lines of an import that breaks off are not stored either: an import is one transaction.
    let mut line = customer(REGION)?;
    line["customer_id"] = id.clone().into();
    let body = format!("{line}\n");
    let mut lines = head(host, &[&format!("content-length: {}", body.len() * 2)])?;
    lines.retain(|line| !line.starts_with("content-type"));
    lines.push("content-type: application/x-ndjson".to_owned());
    cut_off(
        host,
        "POST",
        "/tariff/v1/customers/import",
        &lines,
        body.as_bytes(),
    )?;
    ensure!(
        admin.get(&format!("/tariff/v1/customers/{id}"))?.status == 404,
        "part of an import was stored"
    );
    Ok(())
}

fn too_large(host: &Host, connection: &mut Connection) -> Result<()> {
    let answer = connection.answer()?;
    host.witness().see("POST", "/tariff/v1/catalogues", &answer);
    ensure!(
        answer.status == 413 && problem_code(&answer) == "payload-too-large",
        "{} {}",
        answer.status,
        answer.text()
    );
    let next = host.with("admin")?.get("/tariff/v1/activations")?;
    ensure!(next.status == 200, "the next request is {}", next.status);
    Ok(())
}

fn fifty_megabytes(host: &Host) -> Result<()> {
    let mut connection = Connection::open(host.base_url())?;
    let lines = head(
        host,
        &[&format!("content-length: {}", BLOCK.len() * BLOCKS)],
    )?;
    connection.send_head("POST", "/tariff/v1/catalogues", &lines)?;
    connection.send_many(&BLOCK, BLOCKS);
    too_large(host, &mut connection)
}

fn fifty_megabytes_chunked(host: &Host) -> Result<()> {
    let mut connection = Connection::open(host.base_url())?;
    connection.send_head(
        "POST",
        "/tariff/v1/catalogues",
        &head(host, &["transfer-encoding: chunked"])?,
    )?;
    let mut chunk = format!("{:x}\r\n", BLOCK.len()).into_bytes();
    chunk.extend_from_slice(&BLOCK);
    chunk.extend_from_slice(b"\r\n");
    connection.send_many(&chunk, BLOCKS);
    connection.send_many(b"0\r\n\r\n", 1);
    too_large(host, &mut connection)
}

fn edge_of_the_limit(host: &Host) -> Result<()> {
    const LIMIT_BYTES: usize = 8 * 1024 * 1024;
    let admin = host.with("admin")?;
    let mut bytes = new_catalogue()?.to_string().into_bytes();
    bytes.resize(LIMIT_BYTES, b' ');
    let whole = admin
        .post_bytes("/tariff/v1/catalogues/validate", &bytes)?
        .expect_status(200)?;
    ensure!(whole["valid"] == true, "{whole}");
    bytes.push(b' ');
    expect_problem(
        &admin.post_bytes("/tariff/v1/catalogues/validate", &bytes)?,
        413,
        "payload-too-large",
    )?;
    Ok(())
}

fn two_lengths(host: &Host) -> Result<()> {
    for lines in [
        vec!["content-length: 2", "transfer-encoding: chunked"],
        vec!["content-length: 2", "content-length: 3"],
        vec!["content-length: -1"],
        vec!["content-length: 18446744073709551616"],
    ] {
        let mut connection = Connection::open(host.base_url())?;
        connection.send_head(
            "POST",
            "/tariff/v1/catalogues/validate",
            &head(host, &lines)?,
        )?;
        connection.send_many(b"{}\r\n0\r\n\r\n", 1);
        let answer = connection.answer()?;
        ensure!(
            answer.status == 400,
            "{lines:?} is {}: {}",
            answer.status,
            answer.text()
        );
    }
    Ok(())
}
