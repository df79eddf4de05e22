//! Randomness for the `age` library in a component: its generator asks the host.
//!
//! On this target the library's generator has no source of its own; a component imports the host's and hands it on here. Natively the
//! system's is used, and this module does not exist.

use chudian_runtime::ports::Random as _;
use chudian_runtime::ports::spin;

/// Fills `bytes` from the host's random source; never fails.
fn from_host(bytes: &mut [u8]) -> Result<(), getrandom_of_age::Error> {
    spin::random().fill(bytes);
    Ok(())
}

getrandom_of_age::register_custom_getrandom!(from_host);
