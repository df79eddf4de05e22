//! `spin:sqlite`, every function.

use axum::Json;
use futures::future::try_join_all;
use serde::Deserialize;

use crate::bindings::sqlite::{Connection, Error, RowResult, Value};
use crate::script::{Answers, Fault, Handles, Held, HeldCall, told};

/// One call of a script.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    Open(String),
    OpenAsync(String),
    Execute(Statement),
    ExecuteAsync(Statement),
    LastInsertRowid(usize),
    LastInsertRowidAsync(usize),
    Changes(usize),
    ChangesAsync(usize),
    /// What `execute-async` gave.
    Held(HeldCall),
    /// Several `execute-async` under way at once, each read to its end.
    Together(Vec<Statement>),
    Drop(usize),
    /// Ends the instance in the middle of everything.
    Trap,
}

#[derive(Deserialize)]
pub(crate) struct Statement {
    #[serde(default)]
    on: usize,
    text: String,
    #[serde(default)]
    parameters: Vec<Value>,
}

#[derive(Default)]
struct State {
    connections: Handles<Connection>,
    results: Handles<Held<RowResult, Error>>,
}

/// Runs a script; whatever it leaves open is dropped at its end.
pub(crate) async fn run(Json(calls): Json<Vec<Call>>) -> Answers {
    let mut state = State::default();
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.push(state.call(call).await?);
    }
    Ok(Json(answers))
}

impl State {
    async fn call(&mut self, call: Call) -> Result<serde_json::Value, Fault> {
        let connections = &mut self.connections;
        match call {
            Call::Open(database) => told(connections.keep(Connection::open(&database))),
            Call::OpenAsync(database) => {
                told(connections.keep(Connection::open_async(database).await))
            }
            Call::Execute(Statement {
                on,
                text,
                parameters,
            }) => told(connections.get(on)?.execute(&text, &parameters)),
            Call::ExecuteAsync(Statement {
                on,
                text,
                parameters,
            }) => {
                let executed = connections.get(on)?.execute_async(text, parameters).await;
                told(executed.map(|(columns, rows, outcome)| {
                    self.results.hold(rows, outcome);
                    columns
                }))
            }
            Call::LastInsertRowid(on) => told(connections.get(on)?.last_insert_rowid()),
            Call::LastInsertRowidAsync(on) => {
                told(connections.get(on)?.last_insert_rowid_async().await)
            }
            Call::Changes(on) => told(connections.get(on)?.changes()),
            Call::ChangesAsync(on) => told(connections.get(on)?.changes_async().await),
            Call::Held(call) => self.results.call(call).await,
            Call::Together(statements) => self.together(statements).await,
            Call::Drop(on) => connections.drop_one(on),
            Call::Trap => core::arch::wasm32::unreachable(),
        }
    }

    async fn together(&self, statements: Vec<Statement>) -> Result<serde_json::Value, Fault> {
        let executions = statements.into_iter().map(|statement| async move {
            let connection = self.connections.get(statement.on)?;
            match connection
                .execute_async(statement.text, statement.parameters)
                .await
            {
                Ok((_columns, rows, outcome)) => Held::new(rows, outcome).all().await,
                Err(error) => told(error),
            }
        });
        told(try_join_all(executions).await?)
    }
}
