//! A component that calls every function of the Spin interfaces as it is told, and answers what came back.
//!
//! It exists for the gateway's tests: what the host implements is met there as a guest meets it, through the component ABI,
//! in the asynchronous and in the synchronous forms. A request is a script, a JSON array of calls; the answer is an array
//! with what each of them gave, in the words of the interface. What a right answer would be is known to the tests alone;
//! nothing here decides anything. It does not run natively, for it is about the guest's side.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod key_value;
#[cfg(target_family = "wasm")]
mod postgres;
#[cfg(target_family = "wasm")]
mod script;
#[cfg(target_family = "wasm")]
mod sqlite;
#[cfg(target_family = "wasm")]
mod values;
#[cfg(target_family = "wasm")]
mod variables;
