//! `chudian doctor`: looks at everything that keeps an installation from running, and says what to do about each.
//!
//! It changes nothing: a database that is missing is not made, a migration not applied.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::SystemTime;

use anyhow::bail;
use chudian_manifest::{AllowedHosts, Manifest};
use clap::Args;
use serde_json::json;

use crate::application::{Application, ApplicationArguments};
use crate::code_cache::CodeCache;
use crate::commands::pseudonym::{self, Whence};
use crate::commands::{block_on, print_json};
use crate::component::check_imports;
use crate::engine;
use crate::language::Language;
use crate::migrations;
use crate::records::Place;
use crate::settings::Limits;

/// Free bytes below which a warning is given: a day's write-ahead log and compiled code fit well.
const FREE_BYTES_WARN: u64 = 1 << 30;
/// Free bytes below which the installation will soon fail.
const FREE_BYTES_FAIL: u64 = 100 << 20;
/// A clock may stand this much before a file that was written on this machine: file systems and time zones are not exact.
const CLOCK_SLACK_S: u64 = 60;

/// Check the installation and say how to mend it / 检查安装状态并给出修复办法
#[derive(Debug, Args)]
pub struct Doctor {
    /// Where the application is.
    #[command(flatten)]
    pub application: ApplicationArguments,
    /// Address that `up` would serve / `up` 将要监听的地址
    #[arg(long, env = "CHUDIAN_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Answer as one line of JSON / 以一行 JSON 输出结果
    #[arg(long)]
    pub json: bool,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Doubtful,
    Bad,
}

/// One check.
struct Check {
    name: String,
    verdict: Verdict,
    /// What was found, English and Chinese.
    found: (String, String),
    /// What to do, when something is to be done.
    remedy: Option<(String, String)>,
}

impl Check {
    fn good(name: impl Into<String>, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Good,
            found: (en.into(), zh.into()),
            remedy: None,
        }
    }

    fn of(
        verdict: Verdict,
        name: impl Into<String>,
        found: (String, String),
        remedy: (&str, &str),
    ) -> Self {
        Self {
            name: name.into(),
            verdict,
            found,
            remedy: Some((remedy.0.to_owned(), remedy.1.to_owned())),
        }
    }

    fn bad(name: impl Into<String>, reason: impl std::fmt::Display, remedy: (&str, &str)) -> Self {
        let reason = reason.to_string();
        Self::of(Verdict::Bad, name, (reason.clone(), reason), remedy)
    }
}

impl Doctor {
    /// Looks and tells.
    ///
    /// # Errors
    /// When something is bad, after everything was told.
    pub fn run(self) -> anyhow::Result<()> {
        let checks = self.examine();
        let bad = checks
            .iter()
            .filter(|check| check.verdict == Verdict::Bad)
            .count();
        let language = Language::of_terminal();
        if self.json {
            let shown: Vec<_> = checks
                .iter()
                .map(|check| {
                    json!({
                        "name": check.name,
                        "verdict": check.verdict.word(),
                        "found_en": check.found.0,
                        "found_zh": check.found.1,
                        "remedy_en": check.remedy.as_ref().map(|remedy| &remedy.0),
                        "remedy_zh": check.remedy.as_ref().map(|remedy| &remedy.1),
                    })
                })
                .collect();
            print_json(&json!({ "healthy": bad == 0, "checks": shown }));
        } else {
            for check in &checks {
                println!(
                    "{}  {}: {}",
                    check.verdict.mark(language),
                    check.name,
                    language.pick(&check.found.0, &check.found.1)
                );
                if let Some((en, zh)) = &check.remedy {
                    println!("      → {}", language.pick(en, zh));
                }
            }
        }
        if bad > 0 {
            bail!(
                "{}",
                language.pick(
                    format!("{bad} of {} checks failed", checks.len()),
                    format!("{} 项检查中有 {bad} 项未通过", checks.len())
                )
            );
        }
        Ok(())
    }

    fn examine(&self) -> Vec<Check> {
        let mut checks = vec![clock(&self.application.from)];
        checks.push(port(self.listen));
        // Read first by itself: the rest of `load` would make the state folder of a broken installation.
        match Manifest::load(&self.application.from) {
            Err(refusal) => {
                let found = (refusal.to_string(), refusal.to_string_zh());
                checks.push(Check::of(
                    Verdict::Bad,
                    "manifest",
                    found,
                    ("Correct the lines named.", "请修改所列各行。"),
                ));
                return checks;
            }
            Ok(manifest) => {
                checks.push(Check::good(
                    "manifest",
                    format!(
                        "{} components, {} routes",
                        manifest.components.len(),
                        manifest.triggers.len()
                    ),
                    format!(
                        "{} 个组件，{} 条路由",
                        manifest.components.len(),
                        manifest.triggers.len()
                    ),
                ));
                for warning in &manifest.warnings {
                    let found = (warning.to_string(), warning.to_string_zh());
                    checks.push(Check::of(
                        Verdict::Doubtful,
                        "manifest",
                        found,
                        ("Look whether this is meant.", "请确认是否符合本意。"),
                    ));
                }
            }
        }
        match self.application.load(&[]) {
            Err(error) => checks.push(Check::bad(
                "settings",
                format!("{error:#}"),
                ("Give the value or file named.", "请提供所列的值或文件。"),
            )),
            Ok(application) => {
                checks.push(Check::good(
                    "settings",
                    "variables and runtime configuration are complete",
                    "变量与运行时配置齐全",
                ));
                checks.extend(self.components(&application));
                checks.extend(state(&application.state_dir));
                checks.push(pseudonym_key(&application.state_dir));
                checks.extend(database(&application));
            }
        }
        checks
    }

    fn components(&self, application: &Application) -> Vec<Check> {
        let engine = match engine::create(&self.limits) {
            Ok(engine) => engine.engine,
            Err(error) => {
                return vec![Check::bad(
                    "engine",
                    format!("{error:#}"),
                    (
                        "This machine cannot run WebAssembly components.",
                        "本机无法运行 WebAssembly 组件。",
                    ),
                )];
            }
        };
        let cache = CodeCache::open(&application.state_dir);
        let mut checks = Vec::new();
        for component in application.manifest.components.values() {
            let name = format!("component {}", component.id);
            let file = component.source.display();
            let Ok(wasm) = std::fs::read(&component.source) else {
                checks.push(Check::bad(
                    name,
                    format!("{file} is missing or cannot be read"),
                    (
                        "Build it: cargo xtask build",
                        "请构建组件：cargo xtask build",
                    ),
                ));
                continue;
            };
            let linked = match cache.compile(&engine, &wasm) {
                Ok(compiled) => check_imports(&engine, &compiled.component, &component.id)
                    .map_err(|error| error.to_string()),
                Err(error) => Err(format!("{error:#}")),
            };
            let remedy = (
                "Build it again with this version: cargo xtask build",
                "请用当前版本重新构建：cargo xtask build",
            );
            checks.push(match linked {
                Ok(()) => Check::good(
                    &name,
                    format!("{} bytes, all imports offered", wasm.len()),
                    format!("{} 字节，所需接口齐全", wasm.len()),
                ),
                Err(reason) => Check::bad(&name, reason, remedy),
            });
            if let Err(refusal) = AllowedHosts::resolve(component, &application.variables) {
                let found = (refusal.to_string(), refusal.to_string_zh());
                checks.push(Check::of(
                    Verdict::Bad,
                    &name,
                    found,
                    ("Correct the variable or the entry.", "请修改变量或条目。"),
                ));
            }
            for finding in application.runtime_config.unknown_labels(component) {
                let found = (finding.to_string(), finding.to_string_zh());
                checks.push(Check::of(
                    Verdict::Bad,
                    &name,
                    found,
                    (
                        "Add the label to the runtime configuration.",
                        "请在运行时配置中添加该标签。",
                    ),
                ));
            }
        }
        checks
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }

    fn mark(self, language: Language) -> &'static str {
        match self {
            Self::Good => language.pick("ok  ", "正常"),
            Self::Doubtful => language.pick("look", "注意"),
            Self::Bad => language.pick("BAD ", "异常"),
        }
    }
}

/// A clock before the time at which the manifest was written is wrong, and keys would expire wrongly.
fn clock(manifest: &Path) -> Check {
    let written = std::fs::metadata(manifest).and_then(|metadata| metadata.modified());
    let behind = written
        .ok()
        .and_then(|written| written.duration_since(SystemTime::now()).ok());
    match behind {
        Some(behind) if behind.as_secs() > CLOCK_SLACK_S => {
            let seconds = behind.as_secs();
            let found = (
                format!(
                    "the clock stands {seconds} s before the time at which the manifest was written"
                ),
                format!("系统时间比清单文件的修改时间早 {seconds} 秒"),
            );
            Check::of(
                Verdict::Bad,
                "clock",
                found,
                (
                    "Set the clock (for example with chrony); expiry of keys depends on it.",
                    "请校准系统时间（如 chrony）；密钥有效期依赖时间。",
                ),
            )
        }
        _ => Check::good("clock", "plausible", "合理"),
    }
}

fn port(listen: SocketAddr) -> Check {
    match TcpListener::bind(listen) {
        Ok(_) => Check::good(
            "port",
            format!("{listen} is free"),
            format!("{listen} 空闲"),
        ),
        Err(error) => {
            let found = (
                format!("{listen} cannot be listened on: {error}"),
                format!("无法监听 {listen}：{error}"),
            );
            Check::of(
                Verdict::Doubtful,
                "port",
                found,
                (
                    "If that is not the running gateway, stop the other program or give --listen.",
                    "如果不是正在运行的网关，请停止占用程序或改用 --listen。",
                ),
            )
        }
    }
}

fn state(folder: &Path) -> Vec<Check> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut checks = Vec::new();
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Err(error) => {
            checks.push(Check::bad(
                "state",
                format!("{shown}: {error}"),
                (
                    "Let our user make and write this folder, or give --state-dir.",
                    "请允许当前用户创建并写入该目录，或改用 --state-dir。",
                ),
            ));
            return checks;
        }
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            if tempfile::tempfile_in(folder).is_err() {
                checks.push(Check::bad(
                    "state",
                    format!("{shown} cannot be written"),
                    (
                        "Give the folder to our user: chown -R",
                        "请把目录属主改为当前用户：chown -R",
                    ),
                ));
            } else if mode & 0o077 != 0 {
                let found = (
                    format!("{shown} may be entered by others (mode {mode:o})"),
                    format!("{shown} 对其他用户开放（权限 {mode:o}）"),
                );
                checks.push(Check::of(
                    Verdict::Doubtful,
                    "state",
                    found,
                    (
                        "chmod 700 that folder: it holds the database and the pepper.",
                        "请执行 chmod 700：其中有数据库和密钥盐。",
                    ),
                ));
            } else {
                checks.push(Check::good(
                    "state",
                    format!("{shown} is ours alone"),
                    format!("{shown} 仅当前用户可访问"),
                ));
            }
        }
    }
    if let Ok(space) = rustix::fs::statvfs(folder) {
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let mebibytes = free >> 20;
        let found = (
            format!("{mebibytes} MiB free"),
            format!("剩余 {mebibytes} MiB"),
        );
        let remedy = (
            "Make room, or move the state with --state-dir.",
            "请清理磁盘，或用 --state-dir 移动数据目录。",
        );
        checks.push(match free {
            0..FREE_BYTES_FAIL => Check::of(Verdict::Bad, "disk", found, remedy),
            FREE_BYTES_FAIL..FREE_BYTES_WARN => Check::of(Verdict::Doubtful, "disk", found, remedy),
            _ => Check::good("disk", found.0, found.1),
        });
    }
    checks
}

/// Says where the key of pseudonyms is; that it is not there yet is no fault.
fn pseudonym_key(state_dir: &Path) -> Check {
    let name = "pseudonym key";
    let whence = pseudonym::whence(state_dir);
    let (en, zh) = pseudonym::described(&whence);
    let remedy = (
        "Give it the 64 hexadecimal characters of the key.",
        "请填入 64 个十六进制字符的密钥。",
    );
    match whence {
        Whence::Environment if !pseudonym::environment_is_sound() => {
            let found = (
                format!("{en}, which holds no key"),
                format!("{zh}，但不是密钥"),
            );
            Check::of(Verdict::Bad, name, found, remedy)
        }
        Whence::Environment | Whence::File(_) | Whence::Nowhere(_) => Check::good(name, en, zh),
    }
}

fn database(application: &Application) -> Vec<Check> {
    let place = match Place::of(application) {
        Ok(place) => place,
        Err(error) => {
            return vec![Check::bad(
                "database",
                format!("{error:#}"),
                (
                    "Correct the variable `database` or the runtime configuration.",
                    "请修改变量 `database` 或运行时配置。",
                ),
            )];
        }
    };
    if let Place::Sqlite(path) = &place
        && !path.exists()
    {
        return vec![Check::good(
            "database",
            format!("{place} will be made by the first start"),
            format!("{place} 将在首次启动时创建"),
        )];
    }
    let compared = block_on(async {
        let found = migrations::collect(&application.manifest, place.dialect())?;
        let mut records = place.open().await?;
        let state = migrations::compare(&mut records, &found).await?;
        records.close().await?;
        Ok(state)
    });
    match compared {
        Err(error) => vec![Check::bad(
            "database",
            format!("{error:#}"),
            (
                "See the message; `chudian migrate` makes the tables.",
                "请根据提示处理；`chudian migrate` 可创建数据表。",
            ),
        )],
        Ok(state) if !state.pending.is_empty() => {
            let count = state.pending.len();
            let found = (
                format!("{place}: {count} migrations are missing"),
                format!("{place}：缺少 {count} 个迁移"),
            );
            vec![Check::of(
                Verdict::Bad,
                "database",
                found,
                ("chudian migrate", "chudian migrate"),
            )]
        }
        Ok(state) if !state.unknown.is_empty() => {
            let names = state.unknown.join(", ");
            let found = (
                format!("{place} was migrated by a newer version: {names}"),
                format!("{place} 由更新的版本迁移过：{names}"),
            );
            vec![Check::of(
                Verdict::Doubtful,
                "database",
                found,
                ("Run the newer version.", "请运行更新的版本。"),
            )]
        }
        Ok(state) => vec![Check::good(
            "database",
            format!("{place}: {} migrations applied", state.applied),
            format!("{place}：已应用 {} 个迁移", state.applied),
        )],
    }
}
