//! The hosts under test: a gateway on SQLite, a gateway on PostgreSQL, or whatever answers at a given base URL.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use chudian_test_support::{
    gateway::{Gateway, Options},
    http::Client,
    postgres::Postgres,
};
use tempfile::TempDir;

use crate::{Caller, ground::Ground, harness::LeftOut, repository, witness::Witness};

/// Which host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// A gateway of our own, on SQLite.
    Sqlite,
    /// A gateway of our own, on a temporary PostgreSQL cluster.
    Postgres,
    /// What answers at `CHUDIAN_E2E_BASE_URL`.
    Given,
}

impl HostKind {
    /// The hosts that this run is about.
    pub fn to_test() -> Vec<Self> {
        if std::env::var_os("CHUDIAN_E2E_BASE_URL").is_some() {
            vec![Self::Given]
        } else {
            vec![Self::Sqlite, Self::Postgres]
        }
    }

    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Given => "given",
        }
    }
}

/// A running host, and what the cases need of it.
pub struct Host {
    kind: HostKind,
    base_url: String,
    witness: Arc<Witness>,
    keys: Mutex<HashMap<String, String>>,
    ground: OnceLock<Result<Ground, String>>,
    asides: Mutex<HashMap<String, Options>>,
    own: Option<Own>,
}

/// What a host has that the suite started itself. Dropped in this order: gateway, cluster, folder.
struct Own {
    gateway: Gateway,
    postgres: Option<Postgres>,
    folder: TempDir,
}

impl Host {
    /// Starts it, or looks for what was given.
    ///
    /// # Errors
    /// When something that it needs is missing (the message says what makes it), or it does not start.
    pub fn start(kind: HostKind) -> Result<Self> {
        match kind {
            HostKind::Given => Self::given(),
            HostKind::Sqlite => Self::own(kind, None),
            HostKind::Postgres => Self::own(kind, Some(Postgres::start()?)),
        }
    }

    fn given() -> Result<Self> {
        let variable =
            |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let keys = std::env::var("CHUDIAN_E2E_KEYS").unwrap_or_else(|_| "{}".to_owned());
        let mut keys: HashMap<String, String> =
            serde_json::from_str(&keys).context("CHUDIAN_E2E_KEYS is not an object of texts")?;
        keys.insert("admin".to_owned(), variable("CHUDIAN_E2E_ADMIN_KEY")?);
        let empty = keys.iter().find(|(_, key)| key.is_empty());
        if let Some((name, _)) = empty {
            bail!("the key `{name}` that was given is empty");
        }
        Ok(Self {
            kind: HostKind::Given,
            base_url: variable("CHUDIAN_E2E_BASE_URL")?
                .trim_end_matches('/')
                .to_owned(),
            witness: Arc::new(Witness::new()?),
            keys: Mutex::new(keys),
            ground: OnceLock::new(),
            asides: Mutex::default(),
            own: None,
        })
    }

    fn own(kind: HostKind, postgres: Option<Postgres>) -> Result<Self> {
        check_components()?;
        let folder = TempDir::with_prefix("chudian-e2e-")?;
        let options = prepare(folder.path(), postgres.as_ref(), "main")?;
        let gateway = Gateway::start(options)?;
        let admin = gateway
            .first_key()
            .context("the first start showed no admin key")?
            .to_owned();
        Ok(Self {
            kind,
            base_url: gateway.base_url().to_owned(),
            witness: Arc::new(Witness::new()?),
            keys: Mutex::new(HashMap::from([("admin".to_owned(), admin)])),
            ground: OnceLock::new(),
            asides: Mutex::default(),
            own: Some(Own {
                gateway,
                postgres,
                folder,
            }),
        })
    }

    /// Ends it; what the suite did not start stays.
    ///
    /// # Errors
    /// When the gateway does not end as it should.
    pub fn stop(self) -> Result<()> {
        self.own.map_or(Ok(()), |own| own.gateway.stop())
    }

    /// Which host it is.
    pub fn kind(&self) -> HostKind {
        self.kind
    }

    /// `http://host:port`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Who sees every answer of this host.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// A caller without a key.
    pub fn open(&self) -> Caller {
        self.caller_of(&self.base_url)
    }

    /// A caller of another gateway, seen by the same witness.
    pub fn caller_of(&self, base_url: &str) -> Caller {
        Caller::new(Client::new(base_url), Arc::clone(&self.witness))
    }

    /// A caller with a key of that role for the whole province.
    ///
    /// # Errors
    /// [`LeftOut`] when the key of a given host was not given.
    pub fn with(&self, role: &str) -> Result<Caller> {
        Ok(self.open().with_bearer(self.key(role, None)?))
    }

    /// A caller with a key of that role for one region.
    ///
    /// # Errors
    /// [`LeftOut`] when the key of a given host was not given.
    pub fn in_region(&self, role: &str, region: &str) -> Result<Caller> {
        Ok(self.open().with_bearer(self.key(role, Some(region))?))
    }

    /// A key, made when it is first wanted.
    ///
    /// # Errors
    /// [`LeftOut`] when the key of a given host was not given.
    pub fn key(&self, role: &str, region: Option<&str>) -> Result<String> {
        let name = region.map_or_else(|| role.to_owned(), |region| format!("{role}@{region}"));
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&name) {
            return Ok(key.clone());
        }
        let Some(own) = &self.own else {
            return Err(LeftOut(format!("CHUDIAN_E2E_KEYS has no key `{name}`")).into());
        };
        let key = own.gateway.new_key(role, region)?;
        keys.insert(name, key.clone());
        Ok(key)
    }

    /// What every case stands on, laid when it is first wanted.
    ///
    /// # Errors
    /// When it could not be laid.
    pub fn ground(&self) -> Result<&Ground> {
        let laid = self.ground.get_or_init(|| {
            let admin = self.with("admin").map_err(|error| format!("{error:#}"))?;
            Ground::lay(&admin).map_err(|error| format!("{error:#}"))
        });
        laid.as_ref()
            .map_err(|error| anyhow!("the test catalogue could not be put in force: {error}"))
    }

    /// The gateway that the suite started.
    ///
    /// # Errors
    /// [`LeftOut`] on a given host.
    pub fn gateway(&self) -> Result<&Gateway> {
        Ok(&self.started()?.gateway)
    }

    /// Options for another gateway like this one, with a state (and a database) of its own under this name. Asked for the
    /// same name again, they lead to the same state.
    ///
    /// # Errors
    /// [`LeftOut`] on a given host.
    pub fn aside(&self, name: &str) -> Result<Options> {
        let own = self.started()?;
        let mut asides = self.asides.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(options) = asides.get(name) {
            return Ok(options.clone());
        }
        let options = prepare(own.folder.path(), own.postgres.as_ref(), name)?;
        asides.insert(name.to_owned(), options.clone());
        Ok(options)
    }

    /// The folder of the gateways that the suite started: their state and their logs, `<name>.log`.
    ///
    /// # Errors
    /// [`LeftOut`] on a given host.
    pub fn folder(&self) -> Result<&Path> {
        Ok(self.started()?.folder.path())
    }

    fn started(&self) -> Result<&Own> {
        self.own.as_ref().ok_or_else(|| {
            LeftOut("it needs a gateway that the suite starts itself".to_owned()).into()
        })
    }
}

/// Makes the state (and the migrated database) of one gateway.
fn prepare(folder: &Path, postgres: Option<&Postgres>, name: &str) -> Result<Options> {
    let mut options = Options::new(binary()?, repository()?.join("spin.toml"))
        .state(folder.join(name))
        .log(folder.join(format!("{name}.log")))
        // The figures have a listener of their own.
        .words(["--admin-listen", "127.0.0.1:0"])
        // The canary must find every request's line.
        .environment_variable("CHUDIAN_ACCESS_LOG", "true");
    if let Some(postgres) = postgres {
        let database = postgres.new_database(&name.replace('-', "_"))?;
        options = options
            .variable("database", &database)
            .variable("database_host", &postgres.address());
        options.command("migrate", &[])?;
    }
    Ok(options)
}

/// The gateway to start.
///
/// # Errors
/// When it is not there; the message says what makes it.
pub fn binary() -> Result<PathBuf> {
    let path = match std::env::var_os("CHUDIAN_BIN") {
        Some(path) => PathBuf::from(path),
        None => repository()?.join("target/release/chudian"),
    };
    ensure!(
        path.is_file(),
        "the gateway {} is not built; `cargo xtask build` makes it",
        path.display()
    );
    Ok(path)
}

/// Every component that `spin.toml` names must have been built.
fn check_components() -> Result<()> {
    let root = repository()?;
    let manifest: toml::Table = std::fs::read_to_string(root.join("spin.toml"))?.parse()?;
    let components = manifest
        .get("component")
        .and_then(toml::Value::as_table)
        .context("spin.toml has no components")?;
    for (name, component) in components {
        let source = component
            .get("source")
            .and_then(toml::Value::as_str)
            .with_context(|| format!("{name} has no source"))?;
        ensure!(
            root.join(source).is_file(),
            "the component {source} is not built; `cargo xtask build {name}` makes it"
        );
    }
    Ok(())
}
