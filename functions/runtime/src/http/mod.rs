//! The axum glue that every function's router is built with.
//!
//! A request passes, from outside in: [`edge`] (request id, language, problems, headers), [`auth`] (who calls, with which
//! role), the extractors of [`body`] and [`query`] (bounded, with errors that name the field), and the handler, which may use
//! [`idempotency`] and [`page`]. [`routes`] gathers the handlers, [`openapi`] publishes them.
//!
//! Invariant: every answer of 400 or above is a problem, and every answer carries the request id and the safety headers.

mod access_queue;
pub mod auth;
pub mod body;
pub mod edge;
pub mod idempotency;
pub mod language;
pub mod openapi;
pub mod page;
pub mod page_token;
pub mod personal_access;
pub mod query;
pub mod routes;
