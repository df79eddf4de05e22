//! What the scripts of all interfaces share: faults of a script, handles by number, and streams that stay open between two
//! calls.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spin_sdk::wit_bindgen::rt::async_support::{FutureReader, StreamReader};

/// What each call of a script gave, in order.
pub(crate) type Answers = Result<Json<Vec<Value>>, Fault>;

/// The script asks for what it cannot have, such as a handle that it never opened: a fault of the test, answered 400.
pub(crate) struct Fault(String);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0).into_response()
    }
}

/// A result of a call as JSON.
pub(crate) fn told(value: impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault(error.to_string()))
}

/// Handles by the order in which they were opened; dropped ones keep their number.
pub(crate) struct Handles<Handle>(Vec<Option<Handle>>);

impl<Handle> Default for Handles<Handle> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<Handle> Handles<Handle> {
    /// Keeps the handle of a successful call and passes on whether it was one.
    pub(crate) fn keep<Error>(&mut self, opened: Result<Handle, Error>) -> Result<(), Error> {
        opened.map(|handle| self.0.push(Some(handle)))
    }

    pub(crate) fn get(&self, number: usize) -> Result<&Handle, Fault> {
        self.0
            .get(number)
            .and_then(Option::as_ref)
            .ok_or_else(|| Fault(format!("no handle {number} is open")))
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> Result<&mut Handle, Fault> {
        self.0
            .get_mut(number)
            .and_then(Option::as_mut)
            .ok_or_else(|| Fault(format!("no handle {number} is open")))
    }

    pub(crate) fn drop_one(&mut self, number: usize) -> Result<Value, Fault> {
        match self.0.get_mut(number).and_then(Option::take) {
            Some(handle) => {
                drop(handle);
                Ok(Value::Null)
            }
            None => Err(Fault(format!("no handle {number} is open"))),
        }
    }
}

/// A stream and the future that comes with it, as the asynchronous forms answer them. A side that was read to its end or
/// dropped is gone.
pub(crate) struct Held<Item: 'static, Error: 'static> {
    items: Option<StreamReader<Item>>,
    outcome: Option<FutureReader<Result<(), Error>>>,
}

/// What a script does with a held stream.
#[derive(Deserialize)]
pub(crate) struct HeldCall {
    #[serde(default)]
    on: usize,
    then: HeldStep,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HeldStep {
    /// Reads up to so many items, one at a time.
    Take(usize),
    /// Reads to the end.
    Rest,
    /// Drops the stream, read or not.
    DropItems,
    /// Waits for the outcome.
    Outcome,
    /// Drops the future unread.
    DropOutcome,
}

impl<Item: Serialize, Error: Serialize> Held<Item, Error> {
    pub(crate) fn new(items: StreamReader<Item>, outcome: FutureReader<Result<(), Error>>) -> Self {
        Self {
            items: Some(items),
            outcome: Some(outcome),
        }
    }

    /// All items and then the outcome.
    pub(crate) async fn all(mut self) -> Result<Value, Fault> {
        let items = self.step(HeldStep::Rest).await?;
        let outcome = self.step(HeldStep::Outcome).await?;
        told((items, outcome))
    }

    async fn step(&mut self, step: HeldStep) -> Result<Value, Fault> {
        let gone = || Fault("that side of the stream is gone".to_owned());
        match step {
            HeldStep::Take(count) => {
                let stream = self.items.as_mut().ok_or_else(gone)?;
                let mut items = Vec::new();
                while items.len() < count
                    && let Some(item) = stream.next().await
                {
                    items.push(item);
                }
                told(items)
            }
            HeldStep::Rest => told(self.items.take().ok_or_else(gone)?.collect().await),
            HeldStep::DropItems => told(self.items.take().map(drop).ok_or_else(gone)?),
            HeldStep::Outcome => told(self.outcome.take().ok_or_else(gone)?.await),
            HeldStep::DropOutcome => told(self.outcome.take().map(drop).ok_or_else(gone)?),
        }
    }
}

impl<Item: Serialize, Error: Serialize> Handles<Held<Item, Error>> {
    /// Keeps a stream and its future.
    pub(crate) fn hold(
        &mut self,
        items: StreamReader<Item>,
        outcome: FutureReader<Result<(), Error>>,
    ) {
        self.0.push(Some(Held::new(items, outcome)));
    }

    /// Does with one of them what the script says.
    pub(crate) async fn call(&mut self, call: HeldCall) -> Result<Value, Fault> {
        self.get_mut(call.on)?.step(call.then).await
    }
}
