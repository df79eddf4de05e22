//! The databases, stores and variables that components reach through Spin's interfaces, made with sqlx.
//!
//! Offered: `spin:sqlite@3.1.0`, `spin:postgres@4.2.0`, `spin:key-value@3.0.0`, `spin:variables@3.0.0`, each in its own
//! module with its own `add_to_linker`, so that a component is given no interface that it does not import.
//!
//! Invariants: a component reaches only the labels and hosts that its manifest names. Nothing of one use of a connection
//! (transaction, session setting, row id) is visible to the next. Whatever a component asks for, the memory that a result
//! takes on the host and the time that a statement runs are bounded; when the request goes away, its statements stop.
//!
//! What it is not: it compiles and runs no component and knows no HTTP. The gateway puts a [`SpinContext`] into the store
//! data of each instance and says by [`SpinView`] where it is.
//!
//! The way through: one [`SpinHost`] per process → [`SpinHost::ports`] per component → [`SpinContext::new`] per instance.

mod bindings;
mod delivery;
mod host;
mod pinned;
mod statement_text;

pub mod key_value;
pub mod postgres;
pub mod settings;
pub mod sqlite;
pub mod variables;

pub use host::{
    ComponentPorts, Ports, SpinContext, SpinContextView, SpinHost, SpinView, add_import,
};
pub use settings::SpinHostSettings;
