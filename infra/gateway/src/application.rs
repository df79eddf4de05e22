//! What every verb needs of an application: its manifest, variables, runtime configuration and state folder.
//!
//! Invariant: `chudian up` and the other verbs read the same files the same way, so that a key made by one is known to the
//! other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use chudian_manifest::{Manifest, RuntimeConfig, VariableSources, Variables};
use clap::Args;

use crate::language::told;
use crate::secrets::Secrets;

/// Folder for state beside the manifest, unless another is given.
const STATE_FOLDER: &str = ".chudian";

/// Where the application is; the same words for every verb.
#[derive(Clone, Debug, Args)]
pub struct ApplicationArguments {
    /// Manifest, or the folder that holds `spin.toml` / 清单文件或其所在目录
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    pub from: PathBuf,
    /// Runtime configuration in Spin's format / Spin 格式的运行时配置
    #[arg(long, env = "CHUDIAN_RUNTIME_CONFIG_FILE")]
    pub runtime_config_file: Option<PathBuf>,
    /// Value of an application variable: name=value / 应用变量
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Folder for data and the code cache; `.chudian` beside the manifest by default / 数据与代码缓存目录
    #[arg(long, env = "CHUDIAN_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
}

/// An application that was read and found in order.
#[derive(Debug)]
pub struct Application {
    /// The manifest, with the chosen components only.
    pub manifest: Manifest,
    /// Values of the application's variables.
    pub variables: Variables,
    /// Where labels live.
    pub runtime_config: RuntimeConfig,
    /// Folder for data, secrets and compiled code.
    pub state_dir: PathBuf,
    /// The installation's own secrets.
    pub secrets: Secrets,
}

impl ApplicationArguments {
    /// Reads everything. With `components` given, only those are kept (as `spin up -c`).
    ///
    /// # Errors
    /// A [`chudian_manifest::Refusal`] that names every mistake, or why a file could not be read or made.
    pub fn load(&self, components: &[String]) -> anyhow::Result<Application> {
        self.read(components, false)
    }

    /// As [`Self::load`]; makes the first admin key of a fresh installation, which the caller must show.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_to_serve(&self, components: &[String]) -> anyhow::Result<Application> {
        self.read(components, true)
    }

    fn read(&self, components: &[String], makes_first_key: bool) -> anyhow::Result<Application> {
        let manifest = Manifest::load(&self.from)?.select(components)?;
        let runtime_config = match &self.runtime_config_file {
            Some(path) => RuntimeConfig::load(path, &std::env::current_dir()?)?,
            None => RuntimeConfig::default(),
        };
        let chosen = self
            .state_dir
            .clone()
            .or_else(|| runtime_config.state_dir.clone());
        let state_dir = chosen.unwrap_or_else(|| manifest.directory.join(STATE_FOLDER));
        let secrets = Secrets::open(&state_dir, &manifest, makes_first_key)?;
        let mut sources = VariableSources::from_process(
            self.given_variables()?,
            runtime_config.variable_providers.clone(),
        );
        sources.fallback = secrets.variables();
        let (variables, warnings) = Variables::resolve(&manifest, &sources)?;
        for warning in manifest.warnings.iter().chain(&warnings) {
            tracing::warn!(%warning, "manifest");
        }
        Ok(Application {
            manifest,
            variables,
            runtime_config,
            state_dir,
            secrets,
        })
    }

    fn given_variables(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let read = |text: &String| {
            let (name, value) = text.split_once('=').with_context(|| {
                told!(
                    "`--variable {text}`: write name=value",
                    "`--variable {text}`：应写成 名称=值"
                )
            })?;
            Ok((name.to_owned(), value.to_owned()))
        };
        self.variables.iter().map(read).collect()
    }
}
