//! The gateway: hosts the components of a `spin.toml` behind HTTP.
//!
//! It reads the same manifest as stock Spin and offers the same interfaces, so a component cannot tell the two apart.
//! What it adds is for those who run it: limits on everything, turns for components that compute long, problem details,
//! metrics, traces, keys.
//!
//! Invariant: nothing that a component or a client does can harm another component's requests: not a loop, a trap, a
//! leak, a flood, or a body without end. The gateway knows manifests, interfaces and bytes of components; it links no
//! function.
//!
//! The way of a request: [`server`] accepts it, [`edge`] checks and routes it, [`admission`] lets it in, [`pool`] finds an
//! instance, [`worker`] runs it, [`body`] carries the answer back.
//!
//! This library exists for the binary, its tests and its benchmarks; it is not an interface for others.

pub mod admin;
pub mod admission;
pub mod app;
pub mod application;
pub mod board;
pub mod body;
pub mod code_cache;
pub mod commands;
pub mod component;
pub mod docs;
pub mod edge;
pub mod engine;
pub mod exchange;
pub mod guest;
pub mod headers;
pub mod lane;
pub mod language;
pub mod logs;
pub mod metrics;
pub mod migrations;
pub mod openapi;
pub mod outbound;
pub mod own;
pub mod pool;
pub mod problem;
pub mod records;
pub mod refusal;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod shard;
pub mod stall;
pub mod trace;
pub mod worker;
