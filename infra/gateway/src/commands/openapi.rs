//! `chudian openapi`: writes the API document of the whole application.
//!
//! The document is what the components say of themselves, so they have to run: either in a gateway that is up, or in one that
//! this command starts for the moment on a free loopback port, with a state of its own that goes with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::Value;

use crate::application::ApplicationArguments;
use crate::commands::up::Up;
use crate::logs::LogFormat;
use crate::settings::Limits;

/// Where a gateway serves the document.
const ROUTE: &str = "/openapi.json";
/// Bytes of the document; ours has some hundred kilobytes.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

/// Write the OpenAPI document of the application / 输出应用的 OpenAPI 文档
#[derive(Debug, Args)]
pub struct Openapi {
    /// Where the application is.
    #[command(flatten)]
    pub application: ApplicationArguments,
    /// Only these components / 只包含这些组件
    #[arg(short = 'c', long = "component", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Ask the gateway at this address instead of starting one / 从已运行的网关获取
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// File to write; standard output when left out / 输出文件，默认标准输出
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// One line instead of a text for people / 以一行 JSON 输出
    #[arg(long)]
    pub json: bool,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
}

impl Openapi {
    /// Writes the document.
    ///
    /// # Errors
    /// When the application does not start, the gateway does not answer, or the file cannot be written.
    pub fn run(self) -> anyhow::Result<()> {
        let document = match &self.url {
            Some(url) => fetch(&format!("{}{ROUTE}", url.trim_end_matches('/')))?,
            None => self.ask_own_gateway()?,
        };
        ensure!(
            document["openapi"].is_string(),
            "what was answered is no OpenAPI document"
        );
        let text = if self.json {
            document.to_string()
        } else {
            serde_json::to_string_pretty(&document)?
        };
        match &self.out {
            Some(file) => std::fs::write(file, text + "\n")
                .with_context(|| format!("cannot write {}", file.display())),
            None => {
                println!("{text}");
                Ok(())
            }
        }
    }

    fn ask_own_gateway(&self) -> anyhow::Result<Value> {
        let state = tempfile::tempdir().context("no temporary folder can be made")?;
        let mut application = self.application.clone();
        application.state_dir = Some(state.path().to_owned());
        // No document depends on the records, so the installation's own database is left alone.
        application
            .variables
            .retain(|variable| !variable.starts_with("database="));
        application.variables.push("database=".to_owned());
        let up = Up {
            application,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            admin_listen: None,
            components: self.components.clone(),
            upstreams: Vec::new(),
            quiet: true,
            json: false,
            access_log: false,
            log_format: LogFormat::Json,
            limits: self.limits.clone(),
        };
        let background = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let running = up.start(background.handle())?;
        let document = fetch(&format!("http://{}{ROUTE}", running.address()));
        running.stop(&background);
        document
    }
}

fn fetch(url: &str) -> anyhow::Result<Value> {
    let mut answer = ureq::get(url)
        .call()
        .with_context(|| format!("{url} does not answer; is the gateway up?"))?;
    let text = answer
        .body_mut()
        .with_config()
        .limit(DOCUMENT_BYTES_MAX)
        .read_to_string()
        .with_context(|| format!("{url} broke off"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{url} answered something that is not JSON"))
}
