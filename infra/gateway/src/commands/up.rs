//! `chudian up`: reads the manifest, loads the components and serves them until told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use chudian_manifest::{AllowedHosts, Manifest, RuntimeConfig, VariableSources, Variables};
use clap::Args;

use crate::app::{App, AppParts, Upstream};
use crate::code_cache::CodeCache;
use crate::component::{Component, Parts};
use crate::engine::{self, GatewayEngine, TickCount, Ticker};
use crate::language::Language;
use crate::logs::{self, LogFormat};
use crate::metrics::Metrics;
use crate::server::Server;
use crate::settings::Limits;
use crate::trace::Traces;

/// Serve the application / 启动服务
#[derive(Debug, Args)]
pub struct Up {
    /// Manifest, or the folder that holds `spin.toml` / 清单文件或其所在目录
    #[arg(short = 'f', long = "from", default_value = "spin.toml")]
    pub from: PathBuf,
    /// Address to serve / 监听地址
    #[arg(long, env = "CHUDIAN_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Serve only these components / 只启动这些组件
    #[arg(short = 'c', long = "component", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Another gateway serves this component: component=http://host:port / 由另一网关提供的组件
    #[arg(long = "upstream")]
    pub upstreams: Vec<String>,
    /// Runtime configuration in Spin's format / Spin 格式的运行时配置
    #[arg(long)]
    pub runtime_config_file: Option<PathBuf>,
    /// Value of an application variable: name=value / 应用变量
    #[arg(long = "variable")]
    pub variables: Vec<String>,
    /// Folder for data and the code cache; `.chudian` beside the manifest by default / 数据与代码缓存目录
    #[arg(long, env = "CHUDIAN_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Say nothing at start / 启动时不输出信息
    #[arg(long)]
    pub quiet: bool,
    /// Say what was started as one line of JSON / 以一行 JSON 输出启动信息
    #[arg(long)]
    pub json: bool,
    /// Log every request, not only those that fail or are slow / 记录每个请求
    #[arg(long, env = "CHUDIAN_ACCESS_LOG")]
    pub access_log: bool,
    /// Form of the log / 日志格式
    #[arg(long, env = "CHUDIAN_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
}

/// A gateway that is up.
pub struct Running {
    /// Accepts connections.
    pub server: Server,
    /// The application.
    pub app: Arc<App>,
    ticker: Ticker,
    traces: Option<Traces>,
}

impl Running {
    /// Stops in order: connections first, then the clock, then the last traces.
    pub fn stop(self) {
        self.server.stop();
        drop(self.ticker);
        drop(self.traces);
    }
}

impl Up {
    /// Serves until the process is told to stop.
    ///
    /// # Errors
    /// Everything that keeps the gateway from starting, in words that say what to do.
    pub fn run(self) -> anyhow::Result<()> {
        let began = Instant::now();
        logs::start(self.log_format);
        raise_open_files_limit();
        let background = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("chudian-background")
            .build()?;
        let running = self.start(background.handle())?;
        self.announce(&running, began);
        background.block_on(wait_for_signal())?;
        tracing::info!("stopping: what is in flight ends first");
        running.stop();
        tracing::info!("stopped");
        Ok(())
    }

    /// Starts everything and returns at once.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn start(&self, background: &tokio::runtime::Handle) -> anyhow::Result<Running> {
        let manifest = Manifest::load(&self.from)?;
        let upstreams = self
            .upstreams
            .iter()
            .map(|text| Upstream::parse(text))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let mut chosen = self.components.clone();
        if !chosen.is_empty() {
            chosen.extend(upstreams.keys().cloned());
        }
        let manifest = manifest.select(&chosen)?;
        let state_dir = self
            .state_dir
            .clone()
            .unwrap_or_else(|| manifest.directory.join(".chudian"));
        let runtime_config = match &self.runtime_config_file {
            Some(path) => RuntimeConfig::load(path, &std::env::current_dir()?)?,
            None => RuntimeConfig::default(),
        };
        let sources = VariableSources::from_process(
            parse_variables(&self.variables)?,
            runtime_config.variable_providers.clone(),
        );
        let (variables, warnings) = Variables::resolve(&manifest, &sources)?;
        for warning in manifest.warnings.iter().chain(&warnings) {
            tracing::warn!(%warning, "manifest");
        }
        let limits = Arc::new(self.limits.clone());
        let metrics = Arc::new(Metrics::new());
        let engine = engine::create(&limits)?;
        let ticks = Arc::new(TickCount::default());
        let ticker = Ticker::start(engine.engine.clone(), Arc::clone(&ticks))?;
        let cache = CodeCache::open(&state_dir);
        let served: BTreeSet<&str> = manifest
            .triggers
            .iter()
            .filter_map(|trigger| trigger.component())
            .filter(|id| !upstreams.contains_key(*id))
            .collect();
        let components = load_components(
            &manifest, &served, &variables, &engine, &cache, &limits, &metrics,
        )?;
        let documents = manifest
            .components
            .values()
            .filter_map(|component| Some((component.id.clone(), component.facts.openapi.clone()?)))
            .collect();
        let traces = Traces::start(background.clone(), &manifest.application.name)?;
        let app = Arc::new(App::assemble(AppParts {
            name: manifest.application.name.clone(),
            version: manifest.application.version.clone(),
            triggers: &manifest.triggers,
            components,
            documents,
            upstreams,
            limits,
            metrics,
            access_log: self.access_log,
        })?);
        let server = Server::start(Arc::clone(&app), &ticks, self.listen)?;
        Ok(Running {
            server,
            app,
            ticker,
            traces,
        })
    }

    fn announce(&self, running: &Running, began: Instant) {
        let address = running.server.address();
        let routes: Vec<(&str, &str)> = running
            .app
            .triggers
            .iter()
            .map(|trigger| (trigger.template.as_str(), trigger.component.as_str()))
            .collect();
        if self.json {
            let routes: Vec<_> = routes.iter().map(|(route, component)| serde_json::json!({ "route": route, "component": component })).collect();
            let started_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            println!(
                "{}",
                serde_json::json!({ "event": "serving", "address": format!("http://{address}"), "started_ms": started_ms, "routes": routes })
            );
        } else if !self.quiet {
            let language = Language::of_terminal();
            println!("{} http://{address}", language.pick("Serving", "服务地址"));
            println!("{}", language.pick("Routes:", "路由："));
            for (route, component) in routes {
                println!("  {route}  →  {component}");
            }
        }
    }
}

/// Compiles and links, all components at once: most of a cold start is compiling.
fn load_components(
    manifest: &Manifest,
    served: &BTreeSet<&str>,
    variables: &Variables,
    engine: &GatewayEngine,
    cache: &CodeCache,
    limits: &Arc<Limits>,
    metrics: &Metrics,
) -> anyhow::Result<Vec<Arc<Component>>> {
    let load = |id: &str| -> anyhow::Result<Arc<Component>> {
        let declared = manifest
            .components
            .get(id)
            .with_context(|| format!("component `{id}` is not declared"))?;
        let wasm = std::fs::read(&declared.source).with_context(|| {
            format!(
                "component `{id}`: cannot read {}; build it first (`cargo xtask build`)",
                declared.source.display()
            )
        })?;
        let compiled = cache.compile(&engine.engine, &wasm).map_err(|error| {
            anyhow::anyhow!(
                "component `{id}`: {} is not a component that can run here: {error:#}",
                declared.source.display()
            )
        })?;
        let allowed = AllowedHosts::resolve(declared, variables)?;
        let parts = Parts {
            declared,
            allowed,
            metrics: metrics.component(id),
            limits,
        };
        Ok(Arc::new(Component::link(
            &engine.engine,
            &compiled.component,
            parts,
        )?))
    };
    std::thread::scope(|scope| {
        let loading: Vec<_> = served.iter().map(|id| scope.spawn(|| load(id))).collect();
        loading
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("loading a component panicked")))
            })
            .collect()
    })
}

fn parse_variables(given: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    given
        .iter()
        .map(|text| {
            let (name, value) = text
                .split_once('=')
                .with_context(|| format!("`--variable {text}`: write name=value"))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Lets the process open as many files as the system allows it: connections are files.
fn raise_open_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(reason) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%reason, "the limit of open files stays as it is");
    }
}
