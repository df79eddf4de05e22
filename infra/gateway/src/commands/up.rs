//! `chudian up`: reads the manifest, loads the components and serves them until told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use chudian_manifest::{AllowedHosts, TriggerTarget};
use chudian_spin_host::{SpinHost, SpinHostSettings};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wasmtime::Engine;

use crate::admin;
use crate::app::{App, AppParts, Upstream};
use crate::application::{Application, ApplicationArguments};
use crate::code_cache::CodeCache;
use crate::component::{Component, Parts};
use crate::engine::{self, TickCount, Ticker};
use crate::language::Language;
use crate::logs::{self, LogFormat};
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::server::Server;
use crate::settings::Limits;
use crate::trace::Traces;

/// Serve the application / 启动服务
#[derive(Debug, Args)]
pub struct Up {
    /// Where the application is.
    #[command(flatten)]
    pub application: ApplicationArguments,
    /// Address to serve / 监听地址
    #[arg(long, env = "CHUDIAN_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Address for the operator: `/metrics` and `/health`; off by default / 运维监听地址，默认关闭
    #[arg(long, env = "CHUDIAN_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,
    /// Serve only these components / 只启动这些组件
    #[arg(short = 'c', long = "component", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Another gateway serves this component: component=http://host:port / 由另一网关提供的组件
    #[arg(long = "upstream", value_name = "COMPONENT=URL")]
    pub upstreams: Vec<String>,
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
    server: Server,
    app: Arc<App>,
    admin_address: Option<SocketAddr>,
    secrets: Secrets,
    spin_host: SpinHost,
    ticker: Ticker,
    traces: Option<Traces>,
}

impl Running {
    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops in order: connections first, then the clock, then databases, then the last traces.
    pub fn stop(self, background: &tokio::runtime::Runtime) {
        self.server.stop();
        drop(self.ticker);
        background.block_on(self.spin_host.close());
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
        // Heard from here on, so that a signal during the start is not lost.
        let mut signals = background.block_on(async { Signals::listen() })?;
        let running = self.start(background.handle())?;
        self.announce(&running, began);
        background.block_on(signals.next());
        tracing::info!("stopping: what is in flight ends first");
        running.stop(&background);
        tracing::info!("stopped");
        Ok(())
    }

    /// Starts everything and returns at once.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn start(&self, background: &tokio::runtime::Handle) -> anyhow::Result<Running> {
        let upstreams = self
            .upstreams
            .iter()
            .map(|text| Upstream::parse(text))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let mut chosen = self.components.clone();
        if !chosen.is_empty() {
            // Their routes are served too, only not by a component here.
            chosen.extend(upstreams.keys().cloned());
        }
        let application = self.application.load_to_serve(&chosen)?;
        background.block_on(crate::commands::migrate::prepare(&application))?;
        let limits = Arc::new(self.limits.clone());
        let metrics = Arc::new(Metrics::new());
        let engine = engine::create(&limits)?;
        let ticks = Arc::new(TickCount::default());
        let ticker = Ticker::start(engine.engine.clone(), Arc::clone(&ticks))?;
        let spin_host = SpinHost::new(SpinHostSettings::default());
        let loader = Loader {
            application: &application,
            engine: &engine.engine,
            limits: &limits,
            metrics: &metrics,
            spin_host: &spin_host,
        };
        let components = loader.load_all(|id| !upstreams.contains_key(id))?;
        let manifest = &application.manifest;
        let traces = Traces::start(background.clone(), &manifest.application.name)?;
        let app = Arc::new(App::assemble(AppParts {
            name: manifest.application.name.clone(),
            version: manifest.application.version.clone(),
            triggers: &manifest.triggers,
            components,
            documents: manifest
                .components
                .values()
                .filter_map(|component| {
                    Some((component.id.clone(), component.facts.openapi.clone()?))
                })
                .collect(),
            upstreams,
            limits,
            metrics,
            access_log: self.access_log,
        })?);
        let server = Server::start(Arc::clone(&app), &ticks, self.listen)?;
        let admin_address = self
            .admin_listen
            .map(|address| admin::start(background, Arc::clone(&app), address))
            .transpose()?;
        Ok(Running {
            server,
            app,
            admin_address,
            secrets: application.secrets,
            spin_host,
            ticker,
            traces,
        })
    }

    fn announce(&self, running: &Running, began: Instant) {
        let address = running.server.address();
        let admin_key = running.secrets.new_admin_key().map(|key| key.reveal());
        let routes = || {
            running
                .app
                .triggers
                .iter()
                .map(|trigger| (trigger.template.as_str(), trigger.component.as_str()))
        };
        if self.json {
            let routes: Vec<_> = routes().map(|(route, component)| serde_json::json!({ "route": route, "component": component })).collect();
            let mut message = serde_json::json!({
                "event": "listening",
                "address": address.to_string(),
                "started_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "routes": routes,
            });
            if let Some(address) = running.admin_address {
                message["admin_address"] = address.to_string().into();
            }
            if let Some(key) = admin_key {
                message["admin_key"] = key.into();
            }
            println!("{message}");
            return;
        }
        let language = Language::of_terminal();
        if !self.quiet {
            println!("{} http://{address}", language.pick("Serving", "服务地址"));
            if let Some(address) = running.admin_address {
                println!(
                    "{} http://{address}/metrics",
                    language.pick("Metrics", "监控指标")
                );
            }
            println!("{}", language.pick("Routes:", "路由："));
            for (route, component) in routes() {
                println!("  {route}  →  {component}");
            }
        }
        // Shown even when quiet: it is the only time.
        if let Some(key) = admin_key {
            println!(
                "{}",
                language.pick(
                    "Admin key, shown only this once; keep it safe:",
                    "管理员密钥，仅显示这一次，请妥善保存："
                )
            );
            println!("  {key}");
        }
    }
}

/// Loads components.
struct Loader<'parts> {
    application: &'parts Application,
    engine: &'parts Engine,
    limits: &'parts Arc<Limits>,
    metrics: &'parts Metrics,
    spin_host: &'parts SpinHost,
}

impl Loader<'_> {
    /// Compiles and links those that triggers lead to, all at once: most of a cold start is compiling.
    fn load_all(&self, is_here: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Arc<Component>>> {
        let triggers = &self.application.manifest.triggers;
        if let Some(trigger) = triggers.iter().find(|trigger| matches!(&trigger.target, TriggerTarget::Component { middleware, .. } if !middleware.is_empty())) {
            anyhow::bail!("trigger `{}` has middleware, which this gateway does not run: compose the component with it beforehand (`wac plug`)", trigger.id);
        }
        let served: BTreeSet<&str> = triggers
            .iter()
            .filter_map(|trigger| trigger.component())
            .filter(|id| is_here(id))
            .collect();
        let cache = CodeCache::open(&self.application.state_dir);
        std::thread::scope(|scope| {
            let loading: Vec<_> = served
                .iter()
                .map(|id| scope.spawn(|| self.load(id, &cache)))
                .collect();
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

    fn load(&self, id: &str, cache: &CodeCache) -> anyhow::Result<Arc<Component>> {
        let Application {
            manifest,
            variables,
            runtime_config,
            state_dir,
            ..
        } = self.application;
        let declared = manifest
            .components
            .get(id)
            .with_context(|| format!("component `{id}` is not declared"))?;
        if !declared.files.is_empty() {
            anyhow::bail!(
                "component `{id}` mounts `files`, which this gateway does not: put them into the component (`include_bytes!`)"
            );
        }
        let file = declared.source.display();
        let wasm = std::fs::read(&declared.source).with_context(|| {
            format!("component `{id}`: cannot read {file}; build it first (`cargo xtask build`)")
        })?;
        let compiled = cache.compile(self.engine, &wasm).map_err(|error| {
            anyhow::anyhow!(
                "component `{id}`: {file} is not a component that can run here: {error:#}"
            )
        })?;
        let allowed = AllowedHosts::resolve(declared, variables)?;
        let ports = self.spin_host.ports(
            declared,
            runtime_config,
            state_dir,
            variables.component_values(declared)?,
            allowed.clone(),
        );
        let parts = Parts {
            declared,
            allowed,
            ports,
            metrics: self.metrics.component(id),
            limits: self.limits,
        };
        Ok(Arc::new(Component::link(
            self.engine,
            &compiled.component,
            parts,
        )?))
    }
}

/// The signals that end the process in an orderly way.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
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
