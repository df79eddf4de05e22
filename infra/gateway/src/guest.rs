//! What the store of one instance holds: its limits, its view of the system, and the way out.
//!
//! Invariant: nothing here outlives the instance, and no value of one request is kept for the next one: an instance is
//! shared by the requests of different people.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chudian_spin_host::{SpinContext, SpinContextView, SpinView};
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::metrics::ComponentMetrics;
use crate::outbound::Outbound;

/// The data of one instance's store.
pub struct GuestState {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    spin: SpinContext,
    /// Keeps memory and tables within bounds.
    pub limiter: Limiter,
}

impl GuestState {
    /// State for a new instance, with room for `handles_max` host resources.
    pub fn new(
        wasi: WasiCtx,
        outbound: Outbound,
        spin: SpinContext,
        limiter: Limiter,
        handles_max: usize,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles_max);
        Self {
            table,
            wasi,
            http: WasiHttpCtx::new(),
            outbound,
            spin,
            limiter,
        }
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

impl SpinView for GuestState {
    fn spin(&mut self) -> SpinContextView<'_> {
        SpinContextView {
            context: &mut self.spin,
            table: &mut self.table,
        }
    }
}

/// Linear memory that all instances of a component hold together.
#[derive(Debug, Default)]
pub struct MemoryAccount {
    bytes: AtomicI64,
}

/// Bounds one instance, and all instances of its component together. A refused growth is something that a component can
/// see and answer to; ours abort, which is a trap, which is a 500 for that request.
#[derive(Debug)]
pub struct Limiter {
    instance_bytes_max: usize,
    component_bytes_max: i64,
    table_elements_max: usize,
    held_bytes: i64,
    account: Arc<MemoryAccount>,
    metrics: ComponentMetrics,
}

impl Limiter {
    /// A limiter for a new instance.
    pub fn new(
        instance_bytes_max: u64,
        component_bytes_max: u64,
        table_elements_max: u32,
        account: Arc<MemoryAccount>,
        metrics: ComponentMetrics,
    ) -> Self {
        Self {
            instance_bytes_max: usize::try_from(instance_bytes_max).unwrap_or(usize::MAX),
            component_bytes_max: i64::try_from(component_bytes_max).unwrap_or(i64::MAX),
            table_elements_max: usize::try_from(table_elements_max).unwrap_or(usize::MAX),
            held_bytes: 0,
            account,
            metrics,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = i64::try_from(desired.saturating_sub(current)).unwrap_or(i64::MAX);
        // Memories of one instance add up: the bound is on the instance, not on each of them.
        let held_after = self.held_bytes.saturating_add(growth);
        if usize::try_from(held_after).unwrap_or(usize::MAX) > self.instance_bytes_max {
            return Ok(false);
        }
        let component_before = self.account.bytes.fetch_add(growth, Ordering::Relaxed);
        if component_before.saturating_add(growth) > self.component_bytes_max {
            self.account.bytes.fetch_sub(growth, Ordering::Relaxed);
            return Ok(false);
        }
        self.held_bytes = held_after;
        self.metrics.memory_bytes.inc_by(growth);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.table_elements_max)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.account
            .bytes
            .fetch_sub(self.held_bytes, Ordering::Relaxed);
        self.metrics.memory_bytes.dec_by(self.held_bytes);
    }
}
