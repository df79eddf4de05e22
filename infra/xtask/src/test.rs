//! `cargo xtask test`: sets up what is needed and passes every test, in the order in which failures are cheapest.

use anyhow::Result;
use clap::Args;

use crate::{
    components, openapi, pages,
    shell::{Workspace, install_debian, on_path, run, say},
    tidy,
};

/// What `cargo xtask test` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out the tests that need a browser.
    #[arg(long)]
    without_browser: bool,
}

/// Everything, or the first thing that fails.
pub(crate) fn run_verb(workspace: &Workspace, options: &Options) -> Result<()> {
    provide_servers(options)?;
    run(workspace.cargo(["fmt", "--all", "--check"]))?;
    tidy::run(workspace)?;
    components::build_all(workspace)?;
    tidy::check_imports(workspace)?;
    run(pages::npm(&workspace.root.join("infra/console"), &["test"]))?;
    pages::install_packages(&workspace.root.join("tests/cloudevents-js"))?;
    let selection = ["--release", "--workspace", "--all-features"];
    // Builds the gateway too, with the same features as the tests, so that nothing large is compiled twice.
    run(workspace.cargo(["test", "--no-run"].into_iter().chain(selection)))?;
    let lints = ["--all-targets", "--", "--deny", "warnings"];
    run(workspace.cargo(["clippy"].into_iter().chain(selection).chain(lints)))?;
    let mut tests = workspace.cargo(["test"].into_iter().chain(selection));
    if options.without_browser {
        say("left out, as asked: the pages in a browser");
        tests.env("CHUDIAN_WITHOUT_BROWSER", "1");
    }
    run(tests)?;
    openapi::check(workspace)?;
    say("every test passed");
    Ok(())
}

/// Programs that tests start: PostgreSQL's own, and a browser with a Chinese font.
fn provide_servers(options: &Options) -> Result<()> {
    let postgres = on_path("initdb") || std::path::Path::new("/usr/lib/postgresql").is_dir();
    if !postgres {
        install_debian(
            &["postgresql"],
            "the tests start a PostgreSQL cluster of their own",
        )?;
    }
    if !options.without_browser && !on_path("chromium") {
        install_debian(
            &["chromium", "fonts-noto-cjk"],
            "the pages are tested in a real browser",
        )?;
    }
    Ok(())
}
