//! The tariff simulation component, called through its typed interface in this process: no server, no HTTP, no storage.
//!
//! The component also imports what it needs behind HTTP (databases, variables). Here these imports are linked to nothing: a
//! pricing that reached for one of them would stop with a trap, which the interface's contract rules out.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use wasmtime::component::{Linker, ResourceAny};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

use crate::code_cache::CodeCache;
use crate::language::Language;

use bindings::TariffSimulation;
use bindings::exports::chudian::tariff::simulator::Error as SimulatorError;

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit/tariff", world: "tariff-simulation", exports: { default: async } });
}

/// Linear memory of the component; a catalogue of the largest permitted size and its compiled form need about a fifth.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Largest component file; ours are about 2 MiB.
const COMPONENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Findings of the component that are shown.
const FINDINGS_SHOWN_MAX: usize = 10;

/// A loaded catalogue in a running component.
pub(super) struct Simulator {
    // The component's HTTP half makes the whole component asynchronous; nothing here ever waits.
    runtime: tokio::runtime::Runtime,
    store: Store<StoreLimits>,
    bindings: TariffSimulation,
    catalogue: ResourceAny,
    language: Language,
}

impl Simulator {
    /// Starts the component in `file` and loads `catalogue`. Compiled code is kept in `state_folder`, where there is one.
    pub(super) fn start(
        file: &Path,
        state_folder: Option<&Path>,
        catalogue: &[u8],
        language: Language,
    ) -> anyhow::Result<Self> {
        let engine = engine()?;
        let component = compile(&engine, file, state_folder, language)?;
        let mut linker = Linker::new(&engine);
        linker
            .define_unknown_imports_as_traps(&component)
            .map_err(plain)?;
        let mut store = Store::new(
            &engine,
            StoreLimitsBuilder::new()
                .memory_size(MEMORY_BYTES_MAX)
                .build(),
        );
        store.limiter(|limits| limits);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let started = runtime.block_on(TariffSimulation::instantiate_async(
            &mut store, &component, &linker,
        ));
        let bindings = started.map_err(plain).with_context(|| {
            let file = file.display();
            language.pick(
                format!("{file} is no tariff simulation; build it with `cargo xtask build tariff-simulation`"),
                format!("{file} 不是资费测算组件；请用 `cargo xtask build tariff-simulation` 构建"),
            )
        })?;
        let interface = bindings.chudian_tariff_simulator().catalogue();
        let loaded = runtime
            .block_on(interface.call_load(&mut store, catalogue))
            .map_err(plain)?;
        let catalogue = loaded.map_err(|error| {
            explain(&error, language.pick("the catalogue", "资费目录"), language)
        })?;
        Ok(Self {
            runtime,
            store,
            bindings,
            catalogue,
            language,
        })
    }

    /// Compares plans; request and answer as `POST /simulations`.
    pub(super) fn simulate(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let interface = self.bindings.chudian_tariff_simulator().catalogue();
        let answer = self
            .runtime
            .block_on(interface.call_simulate(&mut self.store, self.catalogue, request))
            .map_err(plain)?;
        answer.map_err(|error| {
            explain(
                &error,
                self.language.pick("the usage", "用量"),
                self.language,
            )
        })
    }

    /// Writes one bill out; request and answer as `POST /bills`.
    pub(super) fn explain(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let interface = self.bindings.chudian_tariff_simulator().catalogue();
        let answer = self
            .runtime
            .block_on(interface.call_explain(&mut self.store, self.catalogue, request))
            .map_err(plain)?;
        answer.map_err(|error| {
            explain(
                &error,
                self.language.pick("the bill", "账单"),
                self.language,
            )
        })
    }
}

/// An error of wasmtime, which is no error of the standard library.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

fn engine() -> anyhow::Result<Engine> {
    let mut config = Config::new();
    // The component's HTTP half is written against asynchronous interfaces, which must be known to read its types.
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .generate_address_map(false);
    Engine::new(&config).map_err(plain)
}

fn compile(
    engine: &Engine,
    file: &Path,
    state_folder: Option<&Path>,
    language: Language,
) -> anyhow::Result<wasmtime::component::Component> {
    let missing = || {
        let file = file.display();
        language.pick(
            format!("{file} cannot be read; build it with `cargo xtask build tariff-simulation` or name another with --component"),
            format!("无法读取 {file}；请先运行 `cargo xtask build tariff-simulation`，或用 --component 指定"),
        )
    };
    let length = std::fs::metadata(file).with_context(missing)?.len();
    anyhow::ensure!(
        length <= COMPONENT_BYTES_MAX,
        "{}: {length} > {COMPONENT_BYTES_MAX} bytes / 字节",
        file.display()
    );
    let bytes = std::fs::read(file).with_context(missing)?;
    let compiled = match state_folder {
        Some(folder) => CodeCache::open(folder)
            .compile(engine, &bytes)
            .map(|compiled| compiled.component),
        None => wasmtime::component::Component::new(engine, &bytes),
    };
    compiled
        .map_err(plain)
        .with_context(|| file.display().to_string())
}

/// What the component says is wrong.
fn explain(error: &SimulatorError, subject: &str, language: Language) -> anyhow::Error {
    match error {
        SimulatorError::Invalid(findings) => {
            let count = findings.len();
            let mut text = language.pick(
                format!("{subject} has {count} errors"),
                format!("{subject}有 {count} 处错误"),
            );
            for finding in findings.iter().take(FINDINGS_SHOWN_MAX) {
                let detail = language.pick(&finding.detail_en, &finding.detail_zh);
                // Writing to a text cannot fail.
                let _ = write!(text, "\n  {} {detail}", finding.pointer);
            }
            anyhow::anyhow!(text)
        }
        SimulatorError::UnknownPlan(id) => anyhow::anyhow!(language.pick(
            format!("the catalogue has no plan or add-on `{id}`; check --plan and --add-on"),
            format!("资费目录中没有套餐或加油包 `{id}`；请检查 --plan 与 --add-on"),
        )),
        SimulatorError::AmountTooLarge => anyhow::anyhow!(language.pick(
            "a quantity is too large to be priced; check the units of the table",
            "用量过大，无法计价；请检查表格中的单位",
        )),
    }
}
