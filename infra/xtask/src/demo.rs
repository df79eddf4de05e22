//! `cargo xtask demo`: what a hall would show, in the terminal, from the real gateway and its real sample data.

use anyhow::{Context, Result, ensure};
use chudian_test_support::http::Client;
use serde_json::{Value, json};

use crate::{shell::Workspace, up};

/// How many customers are shown.
const CUSTOMERS: usize = 3;

/// Serves the sample on a free port, asks it about three customers, and proves one bill.
pub(crate) fn run(workspace: &Workspace, options: &up::Options) -> Result<()> {
    let state = up::prepare(workspace, options)?;
    let gateway = up::serve(workspace, &state)?;
    let hall = gateway.client().with_key(gateway.new_key("hall", None)?);
    let planted = std::fs::read_to_string(state.join("sample/planted.json"))
        .context("the sample has no planted.json")?;
    let planted: Value = serde_json::from_str(&planted)?;
    let customers = planted["customers"]
        .as_array()
        .context("planted.json names no customers")?;
    ensure!(
        customers.len() >= CUSTOMERS,
        "the sample plants fewer than {CUSTOMERS} customers"
    );

    let mut proved = None;
    for customer in &customers[..CUSTOMERS] {
        let id = customer["customer_id"]
            .as_str()
            .context("a planted customer has no id")?;
        let answer = hall
            .post(
                "/tariff/v1/simulations",
                &json!({ "customer_id": id, "limit": 5 }),
            )?
            .expect_status(200)?;
        print_ranking(
            id,
            customer["best_plan_id"].as_str().unwrap_or_default(),
            &answer,
        );
        proved.get_or_insert((id.to_owned(), answer));
    }
    if let Some((id, answer)) = proved {
        prove_bill(&hall, &id, &answer)?;
    }
    gateway.stop()
}

fn print_ranking(id: &str, planted: &str, answer: &Value) {
    println!(
        "\n{id}  catalogue {}  present plan {}",
        answer["catalogue_version"].as_str().unwrap_or("?"),
        answer["present"]["name"].as_str().unwrap_or("?")
    );
    println!(
        "  rank  plan                          mean saving   worst month   months won   6 months"
    );
    for row in answer["ranking"].as_array().into_iter().flatten() {
        let mark = if row["plan_id"] == planted {
            "  <- planted as best"
        } else {
            ""
        };
        println!(
            "  {:>4}  {:<28} {:>12} {:>13} {:>12} {:>10}{mark}",
            row["rank"].to_string(),
            row["plan_id"].as_str().unwrap_or("?"),
            yuan(&row["saving"]["mean_fen"]),
            yuan(&row["saving"]["worst_month_fen"]),
            row["saving"]["months_won"].to_string(),
            yuan(&row["total_fen"]),
        );
    }
}

/// Asks for the bill of the best plan's first month and adds its lines up here, without trusting the total.
fn prove_bill(hall: &Client, id: &str, answer: &Value) -> Result<()> {
    let best = &answer["ranking"][0];
    let request = json!({
        "customer_id": id, "month": answer["months"][0], "plan_id": best["plan_id"],
        "add_ons": best["add_ons"].as_array().into_iter().flatten().map(|add_on| json!({"id": add_on["id"], "quantity": add_on["quantity"]})).collect::<Vec<_>>(),
        "catalogue_version": answer["catalogue_version"],
    });
    let bill = hall
        .post("/tariff/v1/bills", &request)?
        .expect_status(200)?;
    println!(
        "\nBill of {id} for {} under {}",
        bill["month"].as_str().unwrap_or("?"),
        bill["plan_id"].as_str().unwrap_or("?")
    );
    let mut sum_fen = 0;
    for line in bill["lines"].as_array().context("the bill has no lines")? {
        sum_fen += line["amount_fen"]
            .as_i64()
            .context("a line has no amount")?;
        println!(
            "  {:>10}  {}",
            yuan(&line["amount_fen"]),
            line["description"].as_str().unwrap_or("?")
        );
    }
    let total_fen = bill["total_fen"]
        .as_i64()
        .context("the bill has no total")?;
    println!(
        "  {:>10}  total; the lines above add up to {}",
        yuan(&bill["total_fen"]),
        yuan(&json!(sum_fen))
    );
    println!("  proof {}", bill["proof"].as_str().unwrap_or("?"));
    ensure!(
        sum_fen == total_fen,
        "the lines add up to {sum_fen} fen, the bill says {total_fen}"
    );
    Ok(())
}

/// Integer fen as yuan, without a float in between.
fn yuan(fen: &Value) -> String {
    let Some(fen) = fen.as_i64() else {
        return "-".to_owned();
    };
    let sign = if fen < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}",
        fen.unsigned_abs() / 100,
        fen.unsigned_abs() % 100
    )
}
