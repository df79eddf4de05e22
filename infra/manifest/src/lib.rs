//! Reads what an operator writes about an application: `spin.toml`, the runtime configuration, variables, routes and
//! allowed hosts, with the meaning that stock Spin gives them.
//!
//! Invariant: the same files mean the same to this crate as to Spin 4.1, or are refused with a message that says what
//! is not supported; nothing is quietly read another way. Every mistake of a file is reported at once, with its line.
//!
//! What it is not: it reads the files it is given and nothing else. It opens no socket, starts no component, knows no
//! WebAssembly, no HTTP library and no database.
//!
//! The way through: [`Manifest::load`] → [`Manifest::select`] → [`Variables::resolve`] → [`Router::build`], and per
//! component [`Variables::component_values`] and [`AllowedHosts::resolve`]. [`RuntimeConfig::load`] says where the
//! labels of key-value stores and SQLite databases live.

mod address;
mod allowed_hosts;
mod component;
mod finding;
mod manifest;
mod names;
mod reader;
mod route;
mod router;
mod runtime_config;
mod select;
mod template;
mod trigger;
mod variables;

pub use address::is_public_address;
pub use allowed_hosts::{AllowedHosts, Permission, chaining_target};
pub use component::{Component, ComponentFacts, FileMount};
pub use finding::{Finding, Message, Refusal};
pub use manifest::{Application, Manifest, VariableDeclaration};
pub use router::{BASE_PATH, RouteMatch, RoutedTrigger, Router, WELL_KNOWN_PREFIX};
pub use runtime_config::{RuntimeConfig, StoreLocation, VariableProvider};
pub use template::Template;
pub use trigger::{HttpTrigger, Middleware, StaticResponse, TriggerRoute, TriggerTarget};
pub use variables::{ComponentVariables, VariableSources, Variables};
