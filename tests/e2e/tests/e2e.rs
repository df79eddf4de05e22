//! The end-to-end suite; see the crate's documentation for its variables, `tests/cases` and `refused/` for its cases.

mod cases;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cases::all() {
        Ok(cases) => chudian_e2e::harness::run(&cases),
        Err(error) => {
            eprintln!("a case cannot be read: {error:?}");
            ExitCode::FAILURE
        }
    }
}
