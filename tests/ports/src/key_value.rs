//! `spin:key-value`, every function.

use axum::Json;
use serde::Deserialize;

use crate::bindings::key_value::{Error, Store};
use crate::script::{Answers, Fault, Handles, Held, HeldCall, told};

/// One call of a script.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    Open(String),
    Get(Key),
    Set {
        #[serde(default)]
        on: usize,
        key: String,
        value: Vec<u8>,
    },
    Delete(Key),
    Exists(Key),
    GetKeys(usize),
    /// What `get-keys` gave.
    Held(HeldCall),
    Drop(usize),
}

#[derive(Deserialize)]
pub(crate) struct Key {
    #[serde(default)]
    on: usize,
    key: String,
}

#[derive(Default)]
struct State {
    stores: Handles<Store>,
    keys: Handles<Held<String, Error>>,
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
        let stores = &mut self.stores;
        match call {
            Call::Open(label) => told(stores.keep(Store::open(label).await)),
            Call::Get(Key { on, key }) => told(stores.get(on)?.get(key).await),
            Call::Set { on, key, value } => told(stores.get(on)?.set(key, value).await),
            Call::Delete(Key { on, key }) => told(stores.get(on)?.delete(key).await),
            Call::Exists(Key { on, key }) => told(stores.get(on)?.exists(key).await),
            Call::GetKeys(on) => {
                let (keys, outcome) = stores.get(on)?.get_keys().await;
                self.keys.hold(keys, outcome);
                Ok(serde_json::Value::Null)
            }
            Call::Held(call) => self.keys.call(call).await,
            Call::Drop(on) => stores.drop_one(on),
        }
    }
}
