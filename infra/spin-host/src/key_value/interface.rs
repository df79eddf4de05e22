//! The functions of `spin:key-value`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Linker, Resource, StreamProducer, StreamReader,
    StreamResult, VecBuffer,
};

use crate::bindings::key_value::{self, Error, Host, HostStore, HostStoreWithStore};
use crate::host::{Ports, SpinContextView, SpinView};
use crate::key_value::store::KeyValueFile;
use crate::settings::KeyValueSettings;

/// Keys read at once by `get-keys`: enough that the work of a page is small beside its keys.
const KEYS_PER_PAGE: i64 = 500;

/// What stands behind a guest's store handle.
#[derive(Clone, Debug)]
pub struct GuestStore {
    file: Arc<KeyValueFile>,
    label: Arc<str>,
}

/// Adds the interface to a linker.
pub fn add_to_linker<T: SpinView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    key_value::add_to_linker::<T, Ports>(linker, T::spin)
}

impl SpinContextView<'_> {
    fn open_store(&mut self, label: &str) -> wasmtime::Result<Result<Resource<GuestStore>, Error>> {
        let file = match self.context.ports.key_value_stores.get(label) {
            None => return Ok(Err(Error::AccessDenied)),
            Some(None) => return Ok(Err(Error::NoSuchStore)),
            Some(Some(file)) => Arc::clone(file),
        };
        if self.context.open_stores
            >= self
                .context
                .ports
                .settings
                .key_value
                .stores_per_instance_max
        {
            return Ok(Err(Error::StoreTableFull));
        }
        let resource = self.table.push(GuestStore {
            file,
            label: label.into(),
        })?;
        self.context.open_stores += 1;
        Ok(Ok(resource))
    }
}

/// The store behind a handle, and the limits.
fn store_of<T>(
    accessor: &Accessor<T, Ports>,
    handle: &Resource<GuestStore>,
) -> wasmtime::Result<(GuestStore, KeyValueLimits)> {
    accessor.with(|mut access| {
        let view = access.get();
        let store = view.table.get(handle)?.clone();
        Ok((
            store,
            KeyValueLimits::of(&view.context.ports.settings.key_value),
        ))
    })
}

/// The limits that each call looks at.
#[derive(Clone, Copy)]
struct KeyValueLimits {
    key_bytes_max: usize,
    value_bytes_max: usize,
}

impl KeyValueLimits {
    fn of(settings: &KeyValueSettings) -> Self {
        Self {
            key_bytes_max: settings.key_bytes_max,
            value_bytes_max: settings.value_bytes_max,
        }
    }

    fn check_key(self, key: &str) -> Result<(), Error> {
        if key.len() > self.key_bytes_max {
            return Err(Error::Other(format!(
                "the key has more than {} bytes",
                self.key_bytes_max
            )));
        }
        Ok(())
    }

    fn check_value(self, value: &[u8]) -> Result<(), Error> {
        if value.len() > self.value_bytes_max {
            return Err(Error::Other(format!(
                "the value has more than {} bytes",
                self.value_bytes_max
            )));
        }
        Ok(())
    }
}

impl Host for SpinContextView<'_> {}

impl HostStore for SpinContextView<'_> {
    async fn drop(&mut self, store: Resource<GuestStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.context.open_stores = self.context.open_stores.saturating_sub(1);
        Ok(())
    }
}

impl<T: Send> HostStoreWithStore<T> for Ports {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<GuestStore>, Error>> {
        accessor.with(|mut access| access.get().open_store(&label))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<GuestStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let (store, limits) = store_of(accessor, &store)?;
        Ok(match limits.check_key(&key) {
            Ok(()) => store.file.get(&store.label, &key).await,
            Err(error) => Err(error),
        })
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<GuestStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let (store, limits) = store_of(accessor, &store)?;
        Ok(
            match limits
                .check_key(&key)
                .and_then(|()| limits.check_value(&value))
            {
                Ok(()) => store.file.set(&store.label, key, value).await,
                Err(error) => Err(error),
            },
        )
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<GuestStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let (store, limits) = store_of(accessor, &store)?;
        Ok(match limits.check_key(&key) {
            Ok(()) => store.file.delete(&store.label, key).await,
            Err(error) => Err(error),
        })
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<GuestStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let (store, limits) = store_of(accessor, &store)?;
        Ok(match limits.check_key(&key) {
            Ok(()) => store.file.exists(&store.label, &key).await,
            Err(error) => Err(error),
        })
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<GuestStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (store, _) = store_of(accessor, &store)?;
        let (outcome_sender, outcome) = oneshot::channel();
        let keys = Keys {
            store,
            after: None,
            page: None,
            outcome: Some(outcome_sender),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            // When the guest drops the keys, nothing failed.
            let outcome = FutureReader::new(&mut access, async move {
                wasmtime::error::Ok(outcome.await.unwrap_or(Ok(())))
            })?;
            Ok((keys, outcome))
        })
    }
}

type Page = Pin<Box<dyn Future<Output = Result<Vec<String>, Error>> + Send>>;

/// The keys of a store, page by page in their order, as the guest reads them. Nothing is locked between pages: a key that
/// is written meanwhile comes or does not come, every other key comes exactly once.
struct Keys {
    store: GuestStore,
    after: Option<String>,
    page: Option<Page>,
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Keys {
    fn next_page(&self) -> Page {
        let (store, after) = (self.store.clone(), self.after.clone());
        Box::pin(async move { store.file.keys(&store.label, after, KEYS_PER_PAGE).await })
    }

    fn end(&mut self, outcome: Result<(), Error>) -> Poll<wasmtime::Result<StreamResult>> {
        // Fails only when the guest does not ask.
        self.outcome.take().map(|sender| sender.send(outcome));
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl<Data> StreamProducer<Data> for Keys {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, Data>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let this = &mut *self;
        let mut page = this.page.take().unwrap_or_else(|| this.next_page());
        match page.as_mut().poll(context) {
            // An unfinished page is kept for the next read, also when this one is cancelled.
            Poll::Pending => {
                this.page = Some(page);
                if finish {
                    Poll::Ready(Ok(StreamResult::Cancelled))
                } else {
                    Poll::Pending
                }
            }
            Poll::Ready(Err(error)) => this.end(Err(error)),
            Poll::Ready(Ok(keys)) => match keys.last() {
                None => this.end(Ok(())),
                Some(last) => {
                    this.after = Some(last.clone());
                    destination.set_buffer(keys.into());
                    Poll::Ready(Ok(StreamResult::Completed))
                }
            },
        }
    }
}
