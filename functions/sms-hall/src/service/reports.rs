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

/// What one request to the log did.
#[derive(Default)]
struct Round {
    reported: usize,
    /// More may wait than one request takes.
    is_full: bool,
    /// The log is not there.
    is_put_off: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.inner.reports_asked.store(0, Ordering::Release);
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

    /// Reports events that wait; how many the log has now. One works at a time in an instance: who finds another at work leaves word, and
    /// that one looks again before it ends, because the event that made the second one ask may have come after its look.
    pub(super) async fn report(&self) -> Result<usize, HallError> {
        let asked = &self.inner.reports_asked;
        if asked.fetch_add(1, Ordering::AcqRel) > 0 {
            return Ok(0);
        }
        let turn = Turn(self);
        let mut reported = 0;
        loop {
            let seen = asked.load(Ordering::Acquire);
            let round = self.report_round().await?;
            reported += round.reported;
            if round.is_put_off {
                return Ok(reported);
            }
            let may_end = !round.is_full
                && asked
                    .compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok();
            if may_end {
                // Given back already: another may have the turn by now.
                std::mem::forget(turn);
                return Ok(reported);
            }
        }
    }

    async fn report_round(&self) -> Result<Round, HallError> {
        let events = self.store().waiting_events(EVENTS_PER_ROUND_MAX).await?;
        let mut round = Round {
            is_full: i64::try_from(events.len()) == Ok(EVENTS_PER_ROUND_MAX),
            ..Round::default()
        };
        if events.is_empty() {
            return Ok(round);
        }
        match self.results(&events).await {
            Ok(results) if results.len() == events.len() => {
                let ended: Vec<(&str, bool)> = events
                    .iter()
                    .zip(&results)
                    .map(|(event, status)| (event.event_id.as_str(), status != "rejected"))
                    .collect();
                self.store().end_events(&ended).await?;
                round.reported = ended.iter().filter(|(_, is_reported)| *is_reported).count();
            }
            outcome => {
                let cause = outcome
                    .err()
                    .unwrap_or_else(|| "an answer of another form".to_owned());
                self.note("sms-report-failed", &[("cause", &cause)]).await;
                self.store().put_off_events(&events).await?;
                round.is_put_off = true;
            }
        }
        Ok(round)
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
