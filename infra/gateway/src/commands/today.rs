//! Today's date where the customers are.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use chrono::DateTime;

/// All of China has one time, and the dates of catalogues are dates there.
const CHINA_OFFSET_S: i64 = 8 * 3600;

/// Today in China, `YYYY-MM-DD`.
///
/// # Errors
/// When the clock of this machine is out of range.
pub(crate) fn in_china() -> anyhow::Result<String> {
    let seconds =
        i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? + CHINA_OFFSET_S;
    let now = DateTime::from_timestamp(seconds, 0)
        .context("the clock of this machine is out of range / 系统时间超出范围")?;
    Ok(now.format("%Y-%m-%d").to_string())
}
