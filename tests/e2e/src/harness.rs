//! Runs the cases: every case on every host, the hosts side by side, the cases of a host one after the other.
//!
//! It reads the words that `cargo test -- …` and `cargo nextest` pass to a test binary, as far as they matter here:
//! filters, `--exact`, `--list`. A case passes, fails, or is left out with a reason; the last is said at the end again.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::host::{Host, HostKind};

/// What a case does.
pub type Run = Box<dyn Fn(&Host) -> Result<()> + Send + Sync>;

/// One case.
pub struct Case {
    /// Its name, `module::what`.
    pub name: String,
    /// What it is to show.
    pub goal: String,
    /// What it does.
    pub run: Run,
}

impl Case {
    /// A case written as a function.
    pub fn new(name: &str, goal: &str, run: fn(&Host) -> Result<()>) -> Self {
        Self {
            name: name.to_owned(),
            goal: goal.to_owned(),
            run: Box::new(run),
        }
    }
}

/// A case returns this as its error when the host cannot run it.
#[derive(Debug)]
pub struct LeftOut(pub String);

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for LeftOut {}

/// What became of a case.
enum Outcome {
    Passed,
    Failed(String),
    LeftOut(String),
}

/// The words on the command line.
#[derive(Default)]
struct Words {
    list: bool,
    ignored: bool,
    exact: bool,
    filters: Vec<String>,
}

impl Words {
    fn read() -> Self {
        let mut words = Self::default();
        let mut rest = std::env::args().skip(1);
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--list" => words.list = true,
                "--ignored" => words.ignored = true,
                "--exact" => words.exact = true,
                // These have a value, which is no filter.
                "--format" | "--test-threads" | "--color" | "--skip" => drop(rest.next()),
                _ if word.starts_with('-') => {}
                _ => words.filters.push(word),
            }
        }
        words
    }

    fn choose(&self, name: &str) -> bool {
        // No case is ever ignored, so asking for the ignored ones chooses none.
        !self.ignored
            && (self.filters.is_empty()
                || self.filters.iter().any(|filter| {
                    if self.exact {
                        name == filter
                    } else {
                        name.contains(filter.as_str())
                    }
                }))
    }
}

/// Runs what the command line asks for.
pub fn run(cases: &[Case]) -> ExitCode {
    let words = Words::read();
    let chosen: Vec<(HostKind, Vec<&Case>)> = HostKind::to_test()
        .into_iter()
        .map(|kind| {
            (
                kind,
                cases
                    .iter()
                    .filter(|case| words.choose(&full_name(kind, case)))
                    .collect(),
            )
        })
        .collect();
    if words.list {
        for (kind, cases) in &chosen {
            for case in cases {
                println!("{}: test", full_name(*kind, case));
            }
        }
        return ExitCode::SUCCESS;
    }
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for (kind, cases) in chosen.iter().filter(|(_, cases)| !cases.is_empty()) {
            scope.spawn(|| run_on(*kind, cases, &outcomes));
        }
    });
    // A poisoned lock means a defect of the harness; what was noted is still there.
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    summary(&outcomes)
}

fn full_name(kind: HostKind, case: &Case) -> String {
    format!("{}::{}", kind.name(), case.name)
}

type Outcomes = Vec<(String, Outcome)>;

fn run_on(kind: HostKind, cases: &[&Case], outcomes: &Mutex<Outcomes>) {
    let note = |case: &Case, time: Duration, outcome: Outcome| {
        let name = full_name(kind, case);
        match &outcome {
            Outcome::Passed => println!("ok       {name} ({} ms)", time.as_millis()),
            Outcome::LeftOut(reason) => println!("left out {name}: {reason}"),
            Outcome::Failed(reason) => println!(
                "FAILED   {name}\n  goal: {}\n  {}",
                case.goal,
                reason.replace('\n', "\n  ")
            ),
        }
        outcomes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((name, outcome));
    };
    let host = match Host::start(kind) {
        Ok(host) => host,
        Err(error) => {
            for case in cases {
                note(
                    case,
                    Duration::ZERO,
                    Outcome::Failed(format!("the host is not there: {error:#}")),
                );
            }
            return;
        }
    };
    for case in cases {
        let begun = Instant::now();
        let outcome = run_case(&host, case);
        note(case, begun.elapsed(), outcome);
    }
    if let Err(error) = host.stop() {
        println!("FAILED   {}: at its end: {error:#}", kind.name());
        let outcome = Outcome::Failed(format!("{error:#}"));
        outcomes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((format!("{}::end", kind.name()), outcome));
    }
}

fn run_case(host: &Host, case: &Case) -> Outcome {
    let result = catch_unwind(AssertUnwindSafe(|| (case.run)(host)))
        .unwrap_or_else(|_| Err(anyhow!("the case panicked")));
    let seen = host.witness().take_findings();
    match result {
        Err(error) if error.is::<LeftOut>() && seen.is_empty() => {
            Outcome::LeftOut(error.to_string())
        }
        Ok(()) if seen.is_empty() => Outcome::Passed,
        Ok(()) => Outcome::Failed(format!("seen on the way:\n{}", seen.join("\n"))),
        Err(error) if seen.is_empty() => Outcome::Failed(causes(&error)),
        Err(error) => Outcome::Failed(format!("{error:?}\nseen on the way:\n{}", seen.join("\n"))),
    }
}

/// The error and what caused it, without a stack: a case says where it is by what it says.
fn causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\nbecause ")
}

fn summary(outcomes: &Outcomes) -> ExitCode {
    let mut passed = 0;
    let mut left_out = Vec::new();
    let mut failed = Vec::new();
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Passed => passed += 1,
            Outcome::LeftOut(reason) => left_out.push(format!("{name}: {reason}")),
            Outcome::Failed(_) => failed.push(name.as_str()),
        }
    }
    println!(
        "\nend to end: {passed} passed, {} failed, {} left out",
        failed.len(),
        left_out.len()
    );
    for line in &left_out {
        println!("  left out {line}");
    }
    for name in &failed {
        println!("  failed   {name}");
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
