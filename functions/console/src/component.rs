//! The Spin side: reads the one variable, and hands requests to the pages.

use std::sync::OnceLock;

use spin_sdk::{
    http::{IntoResponse, Request},
    http_service, variables,
};

use crate::{Pages, frames::FrameAncestors};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    static PAGES: OnceLock<Pages> = OnceLock::new();
    let pages = match PAGES.get() {
        Some(pages) => pages,
        None => {
            let frame_ancestors = frame_ancestors().await;
            PAGES.get_or_init(|| Pages::new(&frame_ancestors))
        }
    };
    pages.answer(&request)
}

/// Nobody, where the variable is absent or wrong: a mistake in the configuration must not open the pages to frames.
async fn frame_ancestors() -> FrameAncestors {
    let sources = variables::get("console_frame_ancestors")
        .await
        .unwrap_or_default();
    FrameAncestors::parse(&sources).unwrap_or_else(|_| FrameAncestors::none())
}
