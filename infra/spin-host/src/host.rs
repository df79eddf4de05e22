//! What ties the interfaces to a process, a component and an instance.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chudian_manifest::{AllowedHosts, Component, ComponentVariables, RuntimeConfig, StoreLocation};
use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::key_value::KeyValueFile;
use crate::postgres::PostgresPools;
use crate::settings::SpinHostSettings;
use crate::sqlite::SqliteDatabase;
use crate::{key_value, postgres, sqlite, variables};

/// The databases and stores of a process. Each file is opened once, however many components share it.
#[derive(Debug)]
pub struct SpinHost {
    settings: SpinHostSettings,
    databases: Mutex<HashMap<StoreLocation, Arc<SqliteDatabase>>>,
    key_value_files: Mutex<HashMap<StoreLocation, Arc<KeyValueFile>>>,
    postgres: Arc<PostgresPools>,
}

/// What one component may reach. Shared by all its instances.
#[derive(Debug)]
pub struct ComponentPorts {
    pub(crate) settings: SpinHostSettings,
    /// Labels of the manifest; `None` where the runtime configuration knows no such label.
    pub(crate) sqlite_databases: HashMap<String, Option<Arc<SqliteDatabase>>>,
    /// Labels of the manifest; `None` where the runtime configuration knows no such label.
    pub(crate) key_value_stores: HashMap<String, Option<Arc<KeyValueFile>>>,
    pub(crate) postgres: Arc<PostgresPools>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) variables: ComponentVariables,
}

/// What one instance holds open. Part of its store data.
#[derive(Debug)]
pub struct SpinContext {
    pub(crate) ports: Arc<ComponentPorts>,
    pub(crate) open_sqlite_connections: usize,
    pub(crate) open_postgres_connections: usize,
    pub(crate) open_stores: usize,
}

/// A context together with the resource table of its store.
pub struct SpinContextView<'store> {
    /// The context.
    pub context: &'store mut SpinContext,
    /// The table that holds the guest's handles.
    pub table: &'store mut ResourceTable,
}

/// Implemented by the store data: where the context is.
pub trait SpinView: Send + 'static {
    /// The context and the table.
    fn spin(&mut self) -> SpinContextView<'_>;
}

/// Names the data that the host functions of this crate work on; for use with `Accessor`.
#[derive(Debug)]
pub struct Ports;

impl HasData for Ports {
    type Data<'store> = SpinContextView<'store>;
}

impl SpinHost {
    /// A host that has nothing open yet.
    pub fn new(settings: SpinHostSettings) -> Self {
        let postgres = Arc::new(PostgresPools::new(settings.postgres.clone()));
        Self {
            settings,
            databases: Mutex::default(),
            key_value_files: Mutex::default(),
            postgres,
        }
    }

    /// Gathers what a component may reach. Opens nothing: a file is made when it is first used.
    ///
    /// `variables` and `allowed_hosts` are the component's own, already resolved; relative `state_dir` is meant from the
    /// working directory.
    pub fn ports(
        &self,
        component: &Component,
        runtime_config: &RuntimeConfig,
        state_dir: &Path,
        variables: ComponentVariables,
        allowed_hosts: AllowedHosts,
    ) -> ComponentPorts {
        let sqlite_databases = component.sqlite_databases.iter().map(|label| {
            let location = runtime_config.sqlite_database(label, state_dir);
            (
                label.clone(),
                location.map(|location| self.sqlite_database(location)),
            )
        });
        let key_value_stores = component.key_value_stores.iter().map(|label| {
            let location = runtime_config.key_value_store(label, state_dir);
            (
                label.clone(),
                location.map(|location| self.key_value_file(location)),
            )
        });
        ComponentPorts {
            settings: self.settings.clone(),
            sqlite_databases: sqlite_databases.collect(),
            key_value_stores: key_value_stores.collect(),
            postgres: Arc::clone(&self.postgres),
            allowed_hosts,
            variables,
        }
    }

    /// The database at a location, for callers other than components (health checks).
    pub fn sqlite_database(&self, location: StoreLocation) -> Arc<SqliteDatabase> {
        let mut databases = self
            .databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let settings = &self.settings.sqlite;
        Arc::clone(
            databases
                .entry(location.clone())
                .or_insert_with(|| Arc::new(SqliteDatabase::new(location, settings.clone()))),
        )
    }

    fn key_value_file(&self, location: StoreLocation) -> Arc<KeyValueFile> {
        let mut files = self
            .key_value_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let settings = &self.settings.key_value;
        Arc::clone(
            files
                .entry(location.clone())
                .or_insert_with(|| Arc::new(KeyValueFile::new(location, settings))),
        )
    }

    /// Closes all idle connections; call it after the last request. SQLite then folds its write-ahead log into the file.
    pub async fn close(&self) {
        let databases: Vec<_> = self
            .databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        let files: Vec<_> = self
            .key_value_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect();
        for database in databases {
            database.close().await;
        }
        for file in files {
            file.close().await;
        }
        self.postgres.close().await;
    }
}

impl SpinContext {
    /// The context of a new instance.
    pub fn new(ports: Arc<ComponentPorts>) -> Self {
        Self {
            ports,
            open_sqlite_connections: 0,
            open_postgres_connections: 0,
            open_stores: 0,
        }
    }
}

/// Adds the interface that an import names, such as `spin:sqlite/sqlite@3.1.0`; a version that ours can stand for is
/// enough. Answers false, and adds nothing, when the interface is not one of this crate.
pub fn add_import<T: SpinView>(linker: &mut Linker<T>, import: &str) -> wasmtime::Result<bool> {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let major = version.split('.').next().unwrap_or_default();
    match (name, major) {
        ("spin:sqlite/sqlite", "3") => sqlite::add_to_linker(linker)?,
        ("spin:postgres/postgres", "4") => postgres::add_to_linker(linker)?,
        ("spin:key-value/key-value", "3") => key_value::add_to_linker(linker)?,
        ("spin:variables/variables", "3") => variables::add_to_linker(linker)?,
        _ => return Ok(false),
    }
    Ok(true)
}
