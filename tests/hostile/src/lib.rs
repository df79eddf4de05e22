//! A component that does everything a component should not, one route for each misdeed.
//!
//! It exists for the gateway's tests: each route tries to harm other requests, and a test shows that it cannot. Nothing
//! else may depend on it, and it does not run natively: a native test that looped or aborted would prove nothing.

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod misdeeds;
