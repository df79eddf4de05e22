//! Feedback ingest (FI): events of every channel, exactly once in effect, and the contact view.
