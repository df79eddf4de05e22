//! `spin:postgres`, every function.

use axum::Json;
use futures::future::try_join_all;
use serde::Deserialize;

use crate::bindings::postgres::{Connection, ConnectionBuilder, DbValue, Error, ParameterValue};
use crate::script::{Answers, Fault, Handles, Held, HeldCall, told};

/// One call of a script.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    Open(String),
    OpenAsync(String),
    /// The builder's constructor, with an address.
    Builder(String),
    SetCaRoot {
        #[serde(default)]
        on: usize,
        certificate: String,
    },
    Build(usize),
    BuildAsync(usize),
    Query(Statement),
    QueryAsync(Statement),
    Execute(Statement),
    ExecuteAsync(Statement),
    /// What `query-async` gave.
    Held(HeldCall),
    /// Several `query-async` under way at once, each read to its end.
    Together(Vec<Statement>),
    Drop(usize),
    DropBuilder(usize),
    /// Ends the instance in the middle of everything.
    Trap,
}

#[derive(Deserialize)]
pub(crate) struct Statement {
    #[serde(default)]
    on: usize,
    text: String,
    #[serde(default)]
    parameters: Vec<ParameterValue>,
}

#[derive(Default)]
struct State {
    builders: Handles<ConnectionBuilder>,
    connections: Handles<Connection>,
    results: Handles<Held<Vec<DbValue>, Error>>,
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
            Call::Open(address) => told(connections.keep(Connection::open(&address))),
            Call::OpenAsync(address) => {
                told(connections.keep(Connection::open_async(address).await))
            }
            Call::Builder(address) => told(
                self.builders
                    .keep(Ok::<_, Error>(ConnectionBuilder::new(&address))),
            ),
            Call::SetCaRoot { on, certificate } => {
                told(self.builders.get(on)?.set_ca_root(&certificate))
            }
            Call::Build(on) => told(connections.keep(self.builders.get(on)?.build())),
            Call::BuildAsync(on) => {
                told(connections.keep(self.builders.get(on)?.build_async().await))
            }
            Call::Query(Statement {
                on,
                text,
                parameters,
            }) => told(connections.get(on)?.query(&text, &parameters)),
            Call::QueryAsync(Statement {
                on,
                text,
                parameters,
            }) => {
                let queried = connections.get(on)?.query_async(text, parameters).await;
                told(queried.map(|(columns, rows, outcome)| {
                    self.results.hold(rows, outcome);
                    columns
                }))
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
            }) => told(connections.get(on)?.execute_async(text, parameters).await),
            Call::Held(call) => self.results.call(call).await,
            Call::Together(statements) => self.together(statements).await,
            Call::Drop(on) => connections.drop_one(on),
            Call::DropBuilder(on) => self.builders.drop_one(on),
            Call::Trap => core::arch::wasm32::unreachable(),
        }
    }

    async fn together(&self, statements: Vec<Statement>) -> Result<serde_json::Value, Fault> {
        let queries = statements.into_iter().map(|statement| async move {
            let connection = self.connections.get(statement.on)?;
            match connection
                .query_async(statement.text, statement.parameters)
                .await
            {
                Ok((_columns, rows, outcome)) => Held::new(rows, outcome).all().await,
                Err(error) => told(error),
            }
        });
        told(try_join_all(queries).await?)
    }
}
