//! The pricing engine alone: plan-months per second inside Wasm, through the typed face, and natively.
//!
//! Both sides price the sample's whole catalogue for the same customers' six months, totals only, and return the same
//! checksum; a figure whose checksum differs is not printed.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chudian_tariff_simulation::{batch, engine::Workspace, wire};
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker},
};

use crate::{Setup, report};

mod bindings {
    //! The typed face, as a host sees it.
    wasmtime::component::bindgen!({ path: "../../wit/tariff", world: "tariff-simulation", exports: { default: async } });
}

/// Both bars are from the platform issue.
const PLAN_MONTHS_PER_S_MIN: f64 = 5_000_000.0;
const OF_NATIVE_MIN: f64 = 0.6;

/// Customers of the sample; each is priced as often as fills about a tenth of a second.
const CUSTOMERS: u64 = 8;
const ROUNDS_PER_CUSTOMER: u32 = 200;

pub(crate) fn run(setup: &Setup) -> Result<()> {
    let catalogue = chudian_sample::catalogue_json()?;
    let customers = sample_usage()?;
    let mut inside = Inside::load(setup, &catalogue)?;
    let native = Native::load(&catalogue)?;

    let (mut inside_per_s, mut native_per_s) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let (mut plan_months, mut inside_s, mut native_s) = (0, 0.0, 0.0);
        for usage in &customers {
            let begin = Instant::now();
            let inside_sum = inside.price(usage)?;
            inside_s += begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            let (native_sum, priced) = native.price(usage)?;
            native_s += begin.elapsed().as_secs_f64();
            ensure!(
                inside_sum == native_sum,
                "inside Wasm the totals differ from the native ones"
            );
            plan_months += priced;
        }
        inside_per_s.push(plan_months as f64 / inside_s);
        native_per_s.push(plan_months as f64 / native_s);
    }
    let inside = report::median(&inside_per_s);
    report::figure(
        "engine inside Wasm, one core",
        inside / 1e6,
        "million plan-months/s",
    );
    report::figure(
        "engine native, one core",
        report::median(&native_per_s) / 1e6,
        "million plan-months/s",
    );
    report::figure("one plan-month inside Wasm", 1e9 / inside, "ns");
    report::ratio(
        "engine inside Wasm to the issue's bar of 5 million/s",
        inside / PLAN_MONTHS_PER_S_MIN,
        1.0,
    );
    report::ratio(
        "engine inside Wasm to native",
        report::median_ratio(&inside_per_s, &native_per_s),
        OF_NATIVE_MIN,
    );
    Ok(())
}

/// The engine inside Wasm on some cores at once, as a measure for others.
pub(crate) struct Engines {
    each: Vec<Inside>,
    customers: Vec<Vec<u8>>,
    /// What one of them prices in a turn.
    plan_months: u64,
}

impl Engines {
    /// An instance for each core.
    pub(crate) fn load(setup: &Setup, cores: usize) -> Result<Self> {
        let catalogue = chudian_sample::catalogue_json()?;
        let customers = sample_usage()?;
        let native = Native::load(&catalogue)?;
        let mut plan_months = 0;
        for usage in &customers {
            plan_months += native.price(usage)?.1;
        }
        let each = (0..cores).map(|_| Inside::load(setup, &catalogue));
        Ok(Self {
            each: each.collect::<Result<_>>()?,
            customers,
            plan_months,
        })
    }

    /// Prices the customers once on each core; plan-months per second of all together.
    pub(crate) fn plan_months_per_s(&mut self) -> Result<f64> {
        let plan_months = self.plan_months * self.each.len() as u64;
        let customers = &self.customers;
        let price = |engine: &mut Inside| {
            let mut customers = customers.iter();
            customers.try_for_each(|usage| engine.price(usage).map(drop))
        };
        let price = &price;
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let engines = self.each.iter_mut();
            let all: Vec<_> = engines
                .map(|engine| scope.spawn(move || price(engine)))
                .collect();
            all.into_iter().try_for_each(|one| {
                one.join()
                    .map_err(|_| anyhow::anyhow!("a thread of the engine panicked"))?
            })
        })?;
        Ok(plan_months as f64 / begin.elapsed().as_secs_f64())
    }
}

/// Usage documents of the first customers of the sample.
fn sample_usage() -> Result<Vec<Vec<u8>>> {
    let settings = chudian_sample::Settings {
        customers: CUSTOMERS,
        ..chudian_sample::Settings::default()
    };
    settings
        .customers()
        .map(|customer| usage_document(&customer))
        .collect()
}

/// A customer's line of an import as the usage document that the typed face takes.
fn usage_document(customer: &chudian_sample::Customer) -> Result<Vec<u8>> {
    let line = serde_json::to_value(customer)?;
    let document = serde_json::json!({
        "schema": line["usage"]["schema"],
        "customer": { "id": line["customer_id"], "plan": line["plan_id"], "region": line["region"] },
        "months": line["usage"]["months"],
    });
    Ok(serde_json::to_vec(&document)?)
}

/// The component, called through its typed face.
struct Inside {
    /// The component's instance may wait for hosts in general, so calls into it are futures; these never wait.
    runtime: tokio::runtime::Runtime,
    store: Store<()>,
    world: bindings::TariffSimulation,
    catalogue: wasmtime::component::ResourceAny,
}

impl Inside {
    fn load(setup: &Setup, catalogue: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).map_err(of_host)?;
        let path = setup.root.join("target/components/tariff-simulation.wasm");
        let component = Component::from_file(&engine, &path).map_err(of_host)?;
        let mut linker = Linker::new(&engine);
        // The typed face needs nothing of the host; whatever HTTP needs is a trap here, and is never reached.
        linker
            .define_unknown_imports_as_traps(&component)
            .map_err(of_host)?;
        let mut store = Store::new(&engine, ());
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let world = runtime
            .block_on(bindings::TariffSimulation::instantiate_async(
                &mut store, &component, &linker,
            ))
            .map_err(of_host)?;
        let face = world.chudian_tariff_simulator().catalogue();
        let loaded = runtime
            .block_on(face.call_load(&mut store, catalogue))
            .map_err(of_host)?;
        let catalogue = loaded
            .map_err(|error| anyhow::anyhow!("the sample's catalogue was refused: {error:?}"))?;
        Ok(Self {
            runtime,
            store,
            world,
            catalogue,
        })
    }

    fn price(&mut self, usage: &[u8]) -> Result<u64> {
        let face = self.world.chudian_tariff_simulator().catalogue();
        let priced = self
            .runtime
            .block_on(face.call_price_repeatedly(
                &mut self.store,
                self.catalogue,
                usage,
                ROUNDS_PER_CUSTOMER,
            ))
            .map_err(of_host)?;
        priced.map_err(|error| anyhow::anyhow!("a customer of the sample was refused: {error:?}"))
    }
}

/// wasmtime's errors are no `std::error::Error`.
fn of_host(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}

/// The same crate, linked natively.
struct Native {
    catalogue: chudian_tariff_simulation::compile::CompiledCatalogue,
}

impl Native {
    fn load(catalogue: &[u8]) -> Result<Self> {
        let parsed = wire::parse_catalogue(catalogue)
            .map_err(|errors| anyhow::anyhow!("the sample's catalogue was refused: {errors:?}"))?;
        Ok(Self {
            catalogue: parsed.catalogue.compile(),
        })
    }

    /// The checksum, and how many plan-months were priced for it.
    fn price(&self, usage: &[u8]) -> Result<(u64, u64)> {
        let usage = wire::parse_usage(usage, &self.catalogue.catalogue)
            .map_err(|errors| anyhow::anyhow!("a customer was refused: {errors:?}"))?;
        let metered = self
            .catalogue
            .meter(&usage)
            .context("a customer uses too much")?;
        let mut workspace = Workspace::default();
        batch::price_repeatedly(
            &self.catalogue,
            &metered,
            &mut workspace,
            ROUNDS_PER_CUSTOMER,
        )
        .context("a bill is too large")
    }
}
