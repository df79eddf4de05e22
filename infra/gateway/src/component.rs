//! One component, compiled and linked: everything that its instances have in common.
//!
//! Invariant: a component gets the interfaces that it imports and no other; an import that the gateway cannot serve stops
//! the start with the names of component and interface, not the first request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chudian_manifest as manifest;
use chudian_spin_host::{ComponentPorts, SpinContext};
use tokio::sync::Semaphore;
use wasmtime::component::{Component as Compiled, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::admission::Gate;
use crate::engine::TickCount;
use crate::exchange::Fate;
use crate::guest::{GuestState, Limiter, MemoryAccount};
use crate::logs::GuestLog;
use crate::metrics::ComponentMetrics;
use crate::outbound::{Outbound, OutboundPolicy};
use crate::settings::Limits;
use crate::worker::Slice;

/// The handler that a component must export.
const HANDLER_EXPORT: &str = "wasi:http/handler@0.3";

/// A component that is ready to be instantiated.
pub struct Component {
    /// Its id in the manifest.
    pub id: String,
    /// The linked component.
    pub service: ServicePre<GuestState>,
    /// How many requests it may have in flight.
    pub gate: Gate,
    /// What is counted of it.
    pub metrics: ComponentMetrics,
    computing: ComputingTime,
    engine: Engine,
    outbound: Arc<OutboundPolicy>,
    ports: Arc<ComponentPorts>,
    environment: Vec<(String, String)>,
    memory: Arc<MemoryAccount>,
    log: Arc<GuestLog>,
}

/// How long a component computes for an answer, as a mean that follows what happens. The whole of it counts, not the stretches between
/// two waits: a request that computes for seconds begins and ends with many short ones, and the next must not be judged by those.
/// Written by all threads without a lock: a value that gets lost between two of them does no harm.
#[derive(Debug, Default)]
pub struct ComputingTime {
    mean_us: AtomicU64,
}

impl ComputingTime {
    /// What one more answer counts for: an eighth, so that one that was interrupted by something else does not decide.
    const WEIGHT: u64 = 8;
    /// From here on an answer is long: handing its request to another thread costs a hundredth of it.
    const LONG_US: u64 = 1_000;

    /// One more answer.
    pub fn note(&self, time: Duration) {
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mean_us = self.mean_us.load(Ordering::Relaxed);
        let next_us = mean_us
            .saturating_mul(Self::WEIGHT - 1)
            .saturating_add(time_us)
            / Self::WEIGHT;
        self.mean_us.store(next_us, Ordering::Relaxed);
    }

    /// Whether its answers take long.
    pub fn is_long(&self) -> bool {
        self.mean_us.load(Ordering::Relaxed) >= Self::LONG_US
    }
}

/// Why a component cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It imports what the gateway does not have.
    #[error("component `{component}` imports `{interface}`, which this gateway does not offer")]
    UnknownImport {
        /// The component's id.
        component: String,
        /// The interface, with its version.
        interface: String,
    },
    /// It asks for files, which the gateway does not give.
    #[error(
        "component `{component}` asks for files (`{interface}`): this gateway serves none to components; build it without file access"
    )]
    Files {
        /// The component's id.
        component: String,
        /// The interface, with its version.
        interface: String,
    },
    /// It does not export the handler.
    #[error("component `{component}` does not export `{HANDLER_EXPORT}`: build it with spin-sdk 7")]
    NoHandler {
        /// The component's id.
        component: String,
    },
    /// wasmtime refused it.
    #[error("component `{component}` cannot be linked: {reason}")]
    Refused {
        /// The component's id.
        component: String,
        /// What wasmtime says.
        reason: String,
    },
}

/// What a component is made of, besides its code.
pub struct Parts<'parts> {
    /// The manifest's description of it.
    pub declared: &'parts manifest::Component,
    /// Where it may go.
    pub allowed: manifest::AllowedHosts,
    /// Its databases, stores and variables.
    pub ports: ComponentPorts,
    /// What is counted of it.
    pub metrics: ComponentMetrics,
    /// The gateway's limits.
    pub limits: &'parts Arc<Limits>,
}

impl Component {
    /// Links `compiled`.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub fn link(engine: &Engine, compiled: &Compiled, parts: Parts<'_>) -> Result<Self, LinkError> {
        let Parts {
            declared,
            allowed,
            ports,
            metrics,
            limits,
        } = parts;
        let id = declared.id.clone();
        let linker = link_imports(engine, compiled, &id)?;
        let refused = |error: wasmtime::Error| LinkError::Refused {
            component: id.clone(),
            reason: format!("{error:#}"),
        };
        let instance = linker.instantiate_pre(compiled).map_err(refused)?;
        let has_handler = compiled
            .component_type()
            .exports(engine)
            .any(|(name, _)| name.starts_with(HANDLER_EXPORT));
        if !has_handler {
            return Err(LinkError::NoHandler { component: id });
        }
        let service = ServicePre::new(instance).map_err(|error| LinkError::Refused {
            component: id.clone(),
            reason: format!("{error:#}"),
        })?;
        let outbound = Arc::new(OutboundPolicy {
            allowed,
            connections: Arc::new(Semaphore::new(
                usize::try_from(limits.outbound_connections_max)
                    .unwrap_or(usize::MAX)
                    .min(Semaphore::MAX_PERMITS),
            )),
            limits: Arc::clone(limits),
            component: id.clone(),
        });
        Ok(Self {
            service,
            gate: Gate::new(limits, metrics.clone()),
            computing: ComputingTime::default(),
            engine: engine.clone(),
            outbound,
            ports: Arc::new(ports),
            environment: declared
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            memory: Arc::default(),
            log: GuestLog::new(&id, limits.guest_log_bytes_per_second_max, metrics.clone()),
            metrics,
            id,
        })
    }

    /// How long it computes for an answer.
    pub fn computing(&self) -> &ComputingTime {
        &self.computing
    }

    /// A store for a new instance.
    pub fn new_store(
        &self,
        limits: &Limits,
        fate: &Arc<Fate>,
        slice: &Arc<Slice>,
        ticks: &Arc<TickCount>,
    ) -> Store<GuestState> {
        let wasi = WasiCtxBuilder::new()
            .envs(&self.environment)
            .stdout(self.log.stream())
            .stderr(self.log.stream())
            .build();
        let limiter = Limiter::new(
            limits.instance_memory_bytes_max,
            limits.component_memory_bytes_max,
            limits.instance_table_elements_max,
            Arc::clone(&self.memory),
            self.metrics.clone(),
        );
        let handles_max = usize::try_from(limits.instance_handles_max).unwrap_or(usize::MAX);
        let outbound = Outbound::new(Arc::clone(&self.outbound), Arc::clone(fate));
        let spin = SpinContext::new(Arc::clone(&self.ports));
        let state = GuestState::new(wasi, outbound, spin, limiter, handles_max);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_max_component_handles(handles_max);
        store.set_epoch_deadline(1);
        let (slice, ticks) = (Arc::clone(slice), Arc::clone(ticks));
        store.epoch_deadline_callback(move |_| Ok(slice.on_tick(&ticks)));
        store
    }
}

/// Whether a compiled component could be linked here, without making anything of it.
///
/// # Errors
/// See [`LinkError`].
pub fn check_imports(engine: &Engine, compiled: &Compiled, id: &str) -> Result<(), LinkError> {
    let linker = link_imports(engine, compiled, id)?;
    linker
        .instantiate_pre(compiled)
        .map(drop)
        .map_err(|error| LinkError::Refused {
            component: id.to_owned(),
            reason: format!("{error:#}"),
        })
}

/// Adds exactly the interfaces that the component imports.
fn link_imports(
    engine: &Engine,
    compiled: &Compiled,
    id: &str,
) -> Result<Linker<GuestState>, LinkError> {
    let mut linker = Linker::new(engine);
    let mut added = Vec::new();
    let component_type = compiled.component_type();
    for (interface, _) in component_type.imports(engine) {
        let refused = |error: wasmtime::Error| LinkError::Refused {
            component: id.to_owned(),
            reason: format!("{error:#}"),
        };
        let package = package_of(interface);
        match package {
            "wasi:http" => add_once(&mut added, package, || {
                wasmtime_wasi_http::p3::add_to_linker(&mut linker)
            }),
            "wasi:cli" => add_once(&mut added, package, || {
                wasmtime_wasi::p3::cli::add_to_linker(&mut linker)
            }),
            "wasi:clocks" => add_once(&mut added, package, || {
                wasmtime_wasi::p3::clocks::add_to_linker(&mut linker)
            }),
            "wasi:random" => add_once(&mut added, package, || {
                wasmtime_wasi::p3::random::add_to_linker(&mut linker)
            }),
            "wasi:filesystem" => {
                return Err(LinkError::Files {
                    component: id.to_owned(),
                    interface: interface.to_owned(),
                });
            }
            _ => match chudian_spin_host::add_import(&mut linker, interface).map_err(refused)? {
                true => Ok(()),
                false => {
                    return Err(LinkError::UnknownImport {
                        component: id.to_owned(),
                        interface: interface.to_owned(),
                    });
                }
            },
        }
        .map_err(refused)?;
    }
    Ok(linker)
}

/// `spin:sqlite` of `spin:sqlite/sqlite@3.1.0`.
fn package_of(interface: &str) -> &str {
    interface
        .split_once('/')
        .map_or(interface, |(package, _)| package)
}

fn add_once<'name>(
    added: &mut Vec<&'name str>,
    package: &'name str,
    add: impl FnOnce() -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    if added.contains(&package) {
        return Ok(());
    }
    added.push(package);
    add()
}
