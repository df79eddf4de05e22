//! The wasmtime engine, and the clock by which running components are interrupted.
//!
//! Invariant: no component can hold a thread for longer than about two ticks; what it uses of memory, stack and tables
//! is bounded by the configuration made here and by the limiter of its store.
//!
//! It is not about a particular component: see `component` for compiling and linking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::settings::Limits;

/// How often running components are asked whether to go on. Others on the same thread wait at most about two of these
/// for a component that computes, and they wait so once for each answer of a database that they need; a thousand wake-ups a
/// second cost less than one percent of a core.
pub const TICK: Duration = Duration::from_millis(1);

/// Stack of a component. Our functions recurse over bounded expressions only; deeper recursion is a fault.
const WASM_STACK_BYTES_MAX: usize = 512 * 1024;
/// Stack of the fiber in which a component runs: its own and that of the host functions it calls.
const FIBER_STACK_BYTES: usize = 2 * 1024 * 1024;
/// Memory of a dropped instance that is kept and zeroed, rather than given back and faulted in again.
const KEEP_RESIDENT_BYTES: usize = 512 * 1024;
/// Returned slots are given back to the system in groups, to save system calls.
const DECOMMIT_BATCH: usize = 16;
/// A component holds several core modules (adapters among them), each with tables of its own.
const CORE_INSTANCES_PER_COMPONENT: u32 = 32;
/// Tables of all core modules of a component.
const TABLES_PER_COMPONENT: u32 = 16;

/// An engine and what was done to get it.
#[derive(Clone, Debug)]
pub struct GatewayEngine {
    /// The engine that compiles and runs everything.
    pub engine: Engine,
    /// Whether instances come from the pool. False where the system refuses the address space.
    pub pooling: bool,
}

/// Makes the engine: pooled when the system grants the address space, else allocating on demand.
///
/// # Errors
/// When neither configuration is accepted by wasmtime on this machine.
pub fn create(limits: &Limits) -> anyhow::Result<GatewayEngine> {
    let mut pooled = base_config();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool_config(limits)));
    match Engine::new(&pooled) {
        Ok(engine) => Ok(GatewayEngine {
            engine,
            pooling: true,
        }),
        Err(refusal) => {
            tracing::warn!(reason = %refusal, "the system refused the address space of the instance pool; instances are allocated one by one");
            let engine = Engine::new(&base_config()).map_err(|error| {
                anyhow::anyhow!("wasmtime cannot run on this machine: {error:#}")
            })?;
            Ok(GatewayEngine {
                engine,
                pooling: false,
            })
        }
    }
}

fn base_config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES_MAX)
        .async_stack_size(FIBER_STACK_BYTES)
        .wasm_simd(true)
        .wasm_bulk_memory(true)
        // What our components never use is what nobody needs to attack.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(true)
        // Relative addresses of a trap are enough to find its function; the map costs a third of the code's size.
        .generate_address_map(false);
    config
}

fn pool_config(limits: &Limits) -> PoolingAllocationConfig {
    let instances = limits.instances_max.get();
    let memory_bytes_max = usize::try_from(limits.instance_memory_bytes_max).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_tables(instances.saturating_mul(4))
        // Each request that waits inside an instance may hold a fiber.
        .total_stacks(
            instances.saturating_mul(
                limits
                    .instance_requests_concurrent_max
                    .get()
                    .saturating_add(1),
            ),
        )
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_memory_size(memory_bytes_max)
        .table_elements(usize::try_from(limits.instance_table_elements_max).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .decommit_batch_size(DECOMMIT_BATCH)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Counts ticks for the slices of [`crate::worker`]; shared by all serving threads.
#[derive(Debug, Default)]
pub struct TickCount(AtomicU64);

impl TickCount {
    /// Ticks since the ticker started.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The thread that ticks. Stops when dropped.
#[derive(Debug)]
pub struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking for `engine`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(engine: Engine, count: Arc<TickCount>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stop_seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("chudian-ticker".to_owned())
            .spawn(move || {
                while !stop_seen.load(Ordering::Relaxed) {
                    std::thread::sleep(TICK);
                    count.0.fetch_add(1, Ordering::Relaxed);
                    engine.increment_epoch();
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread neither panics nor blocks for longer than a tick.
            let _ = thread.join();
        }
    }
}
