//! The functions of `spin:sqlite`, each handed to a [`PinnedConnection`].

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, Linker, Resource, StreamReader};

use crate::bindings::sqlite::{
    self, Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::delivery::Delivery;
use crate::host::{Ports, SpinContextView, SpinView};
use crate::sqlite::connection::PinnedConnection;
use crate::sqlite::database::SqliteDatabase;

/// What stands behind a guest's connection handle.
#[derive(Clone, Debug)]
pub struct GuestConnection {
    pinned: Arc<PinnedConnection>,
}

/// What `execute-async` answers.
type Streamed = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

/// Adds the interface to a linker.
pub fn add_to_linker<T: SpinView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    sqlite::add_to_linker::<T, Ports>(linker, T::spin)
}

impl SpinContextView<'_> {
    /// The database of a label, if this instance may open one more connection to it.
    fn sqlite_database(&self, label: &str) -> Result<Arc<SqliteDatabase>, Error> {
        let database = match self.context.ports.sqlite_databases.get(label) {
            None => return Err(Error::AccessDenied),
            Some(None) => return Err(Error::NoSuchDatabase),
            Some(Some(database)) => Arc::clone(database),
        };
        let connections_max = self
            .context
            .ports
            .settings
            .sqlite
            .connections_per_instance_max;
        if self.context.open_sqlite_connections >= connections_max {
            return Err(Error::Io(format!(
                "more than {connections_max} connections are open; drop one first"
            )));
        }
        Ok(database)
    }

    fn add_sqlite_connection(
        &mut self,
        pinned: PinnedConnection,
    ) -> wasmtime::Result<Resource<GuestConnection>> {
        let resource = self.table.push(GuestConnection {
            pinned: Arc::new(pinned),
        })?;
        self.context.open_sqlite_connections += 1;
        Ok(resource)
    }

    fn sqlite_connection(
        &self,
        handle: &Resource<GuestConnection>,
    ) -> wasmtime::Result<Arc<PinnedConnection>> {
        Ok(Arc::clone(&self.table.get(handle)?.pinned))
    }
}

fn connection_of<T>(
    accessor: &Accessor<T, Ports>,
    handle: &Resource<GuestConnection>,
) -> wasmtime::Result<Arc<PinnedConnection>> {
    accessor.with(|mut access| access.get().sqlite_connection(handle))
}

impl Host for SpinContextView<'_> {}

impl HostConnection for SpinContextView<'_> {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        let database = match self.sqlite_database(&database) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        match PinnedConnection::open(database).await {
            Ok(pinned) => Ok(Ok(self.add_sqlite_connection(pinned)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.sqlite_connection(&connection)?;
        let execution = match connection.execute(statement, parameters).await {
            Ok(execution) => execution,
            Err(error) => return Ok(Err(error)),
        };
        let rows = execution
            .delivery
            .collect(|| Error::InvalidConnection)
            .await;
        Ok(rows.map(|rows| QueryResult {
            columns: execution.columns,
            rows,
        }))
    }

    async fn last_insert_rowid(
        &mut self,
        connection: Resource<GuestConnection>,
    ) -> wasmtime::Result<i64> {
        Ok(self.sqlite_connection(&connection)?.last_insert_rowid())
    }

    async fn changes(&mut self, connection: Resource<GuestConnection>) -> wasmtime::Result<u64> {
        Ok(self.sqlite_connection(&connection)?.changes())
    }

    async fn drop(&mut self, connection: Resource<GuestConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.context.open_sqlite_connections =
            self.context.open_sqlite_connections.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for Ports {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        let database = match accessor.with(|mut access| access.get().sqlite_database(&database)) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        match PinnedConnection::open(database).await {
            Ok(pinned) => accessor
                .with(|mut access| access.get().add_sqlite_connection(pinned))
                .map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let connection = connection_of(accessor, &connection)?;
        let execution = match connection.execute(statement, parameters).await {
            Ok(execution) => execution,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let (rows, outcome) = match execution.delivery {
                Delivery::Whole(rows, outcome) => (
                    StreamReader::new(&mut access, rows)?,
                    FutureReader::new(&mut access, async move { wasmtime::error::Ok(outcome) })?,
                ),
                Delivery::Streaming(receiver, outcome) => (
                    StreamReader::new(&mut access, receiver)?,
                    FutureReader::new(&mut access, async move {
                        wasmtime::error::Ok(outcome.await.unwrap_or(Err(Error::InvalidConnection)))
                    })?,
                ),
            };
            Ok(Ok((execution.columns, rows, outcome)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<GuestConnection>,
    ) -> wasmtime::Result<i64> {
        Ok(connection_of(accessor, &connection)?.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<GuestConnection>,
    ) -> wasmtime::Result<u64> {
        Ok(connection_of(accessor, &connection)?.changes())
    }
}
