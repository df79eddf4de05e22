//! The functions of `spin:postgres`, each handed to a [`PinnedConnection`].

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, Linker, Resource, StreamReader};

use crate::bindings::postgres::{
    self, Column, DbValue, Error, Host, HostConnection, HostConnectionBuilder,
    HostConnectionBuilderWithStore, HostConnectionWithStore, ParameterValue, RowSet,
};
use crate::delivery::Delivery;
use crate::host::{ComponentPorts, Ports, SpinContextView, SpinView};
use crate::postgres::connection::PinnedConnection;

/// Bytes of a root certificate in PEM: a chain of a few certificates.
const CA_ROOT_BYTES_MAX: usize = 64 << 10;

/// What stands behind a guest's connection handle.
#[derive(Clone, Debug)]
pub struct GuestConnection {
    pinned: Arc<PinnedConnection>,
}

/// What stands behind a guest's connection builder.
#[derive(Clone)]
pub struct GuestConnectionBuilder {
    address: String,
    ca_root: Option<String>,
}

impl std::fmt::Debug for GuestConnectionBuilder {
    /// Without the address, which holds a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GuestConnectionBuilder")
            .field("ca_root", &self.ca_root.is_some())
            .finish_non_exhaustive()
    }
}

/// What `query-async` answers.
type Streamed = (
    Vec<Column>,
    StreamReader<Vec<DbValue>>,
    FutureReader<Result<(), Error>>,
);

/// Adds the interface to a linker.
pub fn add_to_linker<T: SpinView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    postgres::add_to_linker::<T, Ports>(linker, T::spin)
}

async fn connect(
    ports: Result<Arc<ComponentPorts>, Error>,
    builder: GuestConnectionBuilder,
) -> Result<PinnedConnection, Error> {
    let ports = ports?;
    PinnedConnection::open(
        &ports.postgres,
        builder.address,
        builder.ca_root,
        ports.allowed_hosts.clone(),
    )
    .await
}

impl SpinContextView<'_> {
    /// The component's ports, if this instance may open one more connection.
    fn postgres_ports(&self) -> Result<Arc<ComponentPorts>, Error> {
        let connections_max = self
            .context
            .ports
            .settings
            .postgres
            .connections_per_instance_max;
        if self.context.open_postgres_connections >= connections_max {
            return Err(Error::ConnectionFailed(format!(
                "more than {connections_max} connections are open; drop one first"
            )));
        }
        Ok(Arc::clone(&self.context.ports))
    }

    fn add_postgres_connection(
        &mut self,
        pinned: PinnedConnection,
    ) -> wasmtime::Result<Resource<GuestConnection>> {
        let resource = self.table.push(GuestConnection {
            pinned: Arc::new(pinned),
        })?;
        self.context.open_postgres_connections += 1;
        Ok(resource)
    }

    fn postgres_connection(
        &self,
        handle: &Resource<GuestConnection>,
    ) -> wasmtime::Result<Arc<PinnedConnection>> {
        Ok(Arc::clone(&self.table.get(handle)?.pinned))
    }

    async fn open_postgres(
        &mut self,
        builder: GuestConnectionBuilder,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        match connect(self.postgres_ports(), builder).await {
            Ok(pinned) => self.add_postgres_connection(pinned).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }
}

async fn open_postgres_async<T>(
    accessor: &Accessor<T, Ports>,
    builder: GuestConnectionBuilder,
) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
    let ports = accessor.with(|mut access| access.get().postgres_ports());
    match connect(ports, builder).await {
        Ok(pinned) => accessor
            .with(|mut access| access.get().add_postgres_connection(pinned))
            .map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn connection_of<T>(
    accessor: &Accessor<T, Ports>,
    handle: &Resource<GuestConnection>,
) -> wasmtime::Result<Arc<PinnedConnection>> {
    accessor.with(|mut access| access.get().postgres_connection(handle))
}

impl Host for SpinContextView<'_> {}

impl HostConnectionBuilder for SpinContextView<'_> {
    async fn new(&mut self, address: String) -> wasmtime::Result<Resource<GuestConnectionBuilder>> {
        Ok(self.table.push(GuestConnectionBuilder {
            address,
            ca_root: None,
        })?)
    }

    async fn set_ca_root(
        &mut self,
        builder: Resource<GuestConnectionBuilder>,
        certificate: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        if certificate.len() > CA_ROOT_BYTES_MAX
            || !certificate.contains("-----BEGIN CERTIFICATE-----")
        {
            return Ok(Err(Error::Other(
                "invalid root certificate: it must be PEM of at most 64 KiB".to_owned(),
            )));
        }
        self.table.get_mut(&builder)?.ca_root = Some(certificate);
        Ok(Ok(()))
    }

    async fn build(
        &mut self,
        builder: Resource<GuestConnectionBuilder>,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        let builder = self.table.get(&builder)?.clone();
        self.open_postgres(builder).await
    }

    async fn drop(&mut self, builder: Resource<GuestConnectionBuilder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for Ports {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<GuestConnectionBuilder>,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        let builder = accessor.with(|mut access| access.get().table.get(&builder).cloned())?;
        open_postgres_async(accessor, builder).await
    }
}

impl HostConnection for SpinContextView<'_> {
    async fn open(
        &mut self,
        address: String,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        self.open_postgres(GuestConnectionBuilder {
            address,
            ca_root: None,
        })
        .await
    }

    async fn query(
        &mut self,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<RowSet, Error>> {
        let connection = self.postgres_connection(&connection)?;
        let execution = match connection.query(statement, parameters).await {
            Ok(execution) => execution,
            Err(error) => return Ok(Err(error)),
        };
        let rows = execution.delivery.collect(abandoned).await;
        Ok(rows.map(|rows| RowSet {
            columns: execution.columns,
            rows,
        }))
    }

    async fn execute(
        &mut self,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let connection = self.postgres_connection(&connection)?;
        Ok(connection.execute(statement, parameters).await)
    }

    async fn drop(&mut self, connection: Resource<GuestConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.context.open_postgres_connections =
            self.context.open_postgres_connections.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for Ports {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> wasmtime::Result<Result<Resource<GuestConnection>, Error>> {
        open_postgres_async(
            accessor,
            GuestConnectionBuilder {
                address,
                ca_root: None,
            },
        )
        .await
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<Streamed, Error>> {
        let connection = connection_of(accessor, &connection)?;
        let execution = match connection.query(statement, parameters).await {
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
                        wasmtime::error::Ok(outcome.await.unwrap_or_else(|_| Err(abandoned())))
                    })?,
                ),
            };
            Ok(Ok((execution.columns, rows, outcome)))
        })
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let connection = connection_of(accessor, &connection)?;
        Ok(connection.execute(statement, parameters).await)
    }
}

fn abandoned() -> Error {
    Error::Other("the statement was abandoned".to_owned())
}
