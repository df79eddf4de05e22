//! Reports to the contact log. Sent again whenever it is not certain that the log has them: it counts each id once.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode, header};

use super::answers::FUNCTION_BOUNDS;
use super::{Hall, HallError};
use crate::limits::EVENTS_PER_ROUND_MAX;
use crate::store::WaitingEvent;
use crate::wire::functions::{EVENTS_MEDIA_TYPE, report_results};

/// Ends this instance's turn at reporting, also when the work is cut off.
struct Turn<'a>(&'a Hall);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.inner.is_reporting.store(false, Ordering::Release);
    }
}

impl Hall {
    /// Reports events that wait, after other work; what fails is noted and done by a later round.
    pub(super) async fn report_soon(&self) {
        if let Err(error) = self.report().await {
            let cause = error.to_string();
            self.note("sms-report-failed", &[("cause", &cause)]).await;
        }
    }

    /// Reports events that wait; how many the log has now. One round at a time in an instance.
    pub(super) async fn report(&self) -> Result<usize, HallError> {
        if self.inner.is_reporting.swap(true, Ordering::AcqRel) {
            return Ok(0);
        }
        let _turn = Turn(self);
        let events = self.store().waiting_events(EVENTS_PER_ROUND_MAX).await?;
        if events.is_empty() {
            return Ok(0);
        }
        match self.results(&events).await {
            Ok(results) if results.len() == events.len() => {
                let ended: Vec<(&str, bool)> = events
                    .iter()
                    .zip(&results)
                    .map(|(event, status)| (event.event_id.as_str(), status != "rejected"))
                    .collect();
                self.store().end_events(&ended).await?;
                Ok(ended.iter().filter(|(_, is_reported)| *is_reported).count())
            }
            outcome => {
                let cause = outcome
                    .err()
                    .unwrap_or_else(|| "an answer of another form".to_owned());
                self.note("sms-report-failed", &[("cause", &cause)]).await;
                self.store().put_off_events(&events).await?;
                Ok(0)
            }
        }
    }

    async fn results(&self, events: &[WaitingEvent]) -> Result<Vec<String>, String> {
        let settings = self.settings().await.map_err(|error| error.to_string())?;
        if settings.hall_key.is_empty() {
            return Err("variable `sms_hall_key` is empty".to_owned());
        }
        let documents: Vec<&str> = events.iter().map(|event| event.document.as_str()).collect();
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/feedback/v1/events", settings.feedback_url))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", settings.hall_key),
            )
            .header(header::CONTENT_TYPE, EVENTS_MEDIA_TYPE)
            .body(format!("[{}]", documents.join(",")).into())
            .map_err(|error| error.to_string())?;
        let response = self
            .inner
            .client
            .send(request, FUNCTION_BOUNDS)
            .await
            .map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(response.status().to_string());
        }
        report_results(response.body()).ok_or_else(|| "an answer of another form".to_owned())
    }
}
