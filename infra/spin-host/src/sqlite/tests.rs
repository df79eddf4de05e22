//! Connections on real files.

use std::sync::Arc;
use std::time::Duration;

use chudian_manifest::StoreLocation;

use crate::bindings::sqlite::{Error, RowResult, Value};
use crate::delivery::Delivery;
use crate::settings::{ResultLimits, SqliteSettings};
use crate::sqlite::SqliteDatabase;
use crate::sqlite::connection::PinnedConnection;

struct World {
    database: Arc<SqliteDatabase>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(settings: SqliteSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::File(folder.path().join("deep/er/test.db"));
        Self {
            database: Arc::new(SqliteDatabase::new(location, settings)),
            _folder: folder,
        }
    }

    async fn open(&self) -> PinnedConnection {
        PinnedConnection::open(Arc::clone(&self.database))
            .await
            .unwrap()
    }

    /// Waits until every connection was given back and cleaned.
    async fn all_given_back(&self) {
        let permits = u32::try_from(self.database.settings().connections_max).unwrap();
        self.database.wait_for_permits(permits).await;
    }
}

async fn rows(
    connection: &PinnedConnection,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<Vec<Vec<Value>>, Error> {
    let execution = connection.execute(statement.to_owned(), parameters).await?;
    let rows = execution
        .delivery
        .collect(|| Error::InvalidConnection)
        .await?;
    Ok(rows.into_iter().map(|row: RowResult| row.values).collect())
}

async fn io_error(connection: &PinnedConnection, statement: &str) -> String {
    match rows(connection, statement, Vec::new()).await {
        Err(Error::Io(text)) => text,
        Err(other) => panic!("{statement}: {other:?}"),
        Ok(rows) => panic!("{statement}: {} rows", rows.len()),
    }
}

fn shown(rows: &[Vec<Value>]) -> String {
    rows.iter()
        .map(|row| format!("{row:?}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn every_kind_of_value_comes_back() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    rows(&connection, "create table t (a, b, c, d, e)", Vec::new())
        .await
        .unwrap();
    let values = vec![
        Value::Integer(i64::MIN),
        Value::Real(0.1),
        Value::Text("移动".to_owned()),
        Value::Blob(vec![0, 255]),
        Value::Null,
    ];
    rows(
        &connection,
        "insert into t values (?1, ?2, ?3, ?4, ?5)",
        values.clone(),
    )
    .await
    .unwrap();
    let found = rows(
        &connection,
        "select * from t where a = $1",
        vec![Value::Integer(i64::MIN)],
    )
    .await
    .unwrap();
    assert_eq!(shown(&found), format!("{values:?}"));
}

#[tokio::test]
async fn columns_are_known_without_rows() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    rows(
        &connection,
        "create table t (a integer, b text)",
        Vec::new(),
    )
    .await
    .unwrap();
    for (statement, expected) in [
        ("select b, a as x from t", vec!["b", "x"]),
        ("insert into t values (1, 'x')", vec![]),
        ("delete from t returning a", vec!["a"]),
        ("delete from t returning a", vec!["a"]),
        (
            "with c as (select 1 as one) select one from c where one > 1",
            vec!["one"],
        ),
        ("create table u (a)", vec![]),
    ] {
        let execution = connection
            .execute(statement.to_owned(), Vec::new())
            .await
            .unwrap();
        assert_eq!(execution.columns, expected, "{statement}");
        execution
            .delivery
            .collect(|| Error::InvalidConnection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn row_ids_and_changes_belong_to_the_handle() {
    let world = World::new(SqliteSettings {
        connections_max: 1,
        ..SqliteSettings::default()
    });
    let connection = world.open().await;
    assert_eq!(
        (connection.last_insert_rowid(), connection.changes()),
        (0, 0)
    );
    rows(&connection, "create table t (a)", Vec::new())
        .await
        .unwrap();
    rows(
        &connection,
        "insert into t values (1), (2), (3)",
        Vec::new(),
    )
    .await
    .unwrap();
    assert_eq!(
        (connection.last_insert_rowid(), connection.changes()),
        (3, 3)
    );
    rows(&connection, "update t set a = 9 where a > 1", Vec::new())
        .await
        .unwrap();
    assert_eq!(
        (connection.last_insert_rowid(), connection.changes()),
        (3, 2)
    );
    rows(&connection, "select * from t", Vec::new())
        .await
        .unwrap();
    assert_eq!(connection.changes(), 2);
    drop(connection);
    // The next user gets the same host connection and sees nothing of it, also by SQL.
    let next = world.open().await;
    assert_eq!((next.last_insert_rowid(), next.changes()), (0, 0));
    assert_eq!(
        shown(
            &rows(&next, "select last_insert_rowid()", Vec::new())
                .await
                .unwrap()
        ),
        "[Value::Integer(0)]"
    );
}

#[tokio::test]
async fn an_open_transaction_is_rolled_back_with_its_handle() {
    let world = World::new(SqliteSettings {
        connections_max: 1,
        ..SqliteSettings::default()
    });
    let connection = world.open().await;
    rows(&connection, "create table t (a)", Vec::new())
        .await
        .unwrap();
    rows(&connection, "/* hidden */ BeGiN immediate", Vec::new())
        .await
        .unwrap();
    rows(&connection, "insert into t values (1)", Vec::new())
        .await
        .unwrap();
    drop(connection);
    let next = world.open().await;
    assert!(
        rows(&next, "select * from t", Vec::new())
            .await
            .unwrap()
            .is_empty()
    );
    rows(&next, "begin", Vec::new()).await.unwrap();
    rows(&next, "insert into t values (2)", Vec::new())
        .await
        .unwrap();
    rows(&next, "commit", Vec::new()).await.unwrap();
    drop(next);
    assert_eq!(
        rows(&world.open().await, "select * from t", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_file_system_and_the_host_are_out_of_reach() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    rows(&connection, "create table t (a)", Vec::new())
        .await
        .unwrap();
    let outside = world._folder.path().join("outside.db");
    let outside = outside.display();
    for statement in [
        format!("attach database '{outside}' as x"),
        format!("vacuum into '{outside}'"),
        "detach database main".to_owned(),
        "select load_extension('x')".to_owned(),
        "pragma journal_mode = delete".to_owned(),
        "pragma synchronous = off".to_owned(),
        "pragma foreign_keys = off".to_owned(),
        "pragma writable_schema = on".to_owned(),
        "pragma temp_store_directory = '/tmp'".to_owned(),
        "create temp table s (a)".to_owned(),
    ] {
        let error = io_error(&connection, &statement).await;
        assert!(!error.contains("deep/er"), "{error}");
    }
    assert!(!world._folder.path().join("outside.db").exists());
    for statement in [
        "pragma table_info(t)",
        "pragma foreign_keys = on",
        "pragma user_version = 7",
        "pragma user_version",
    ] {
        rows(&connection, statement, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
    let durable = rows(&connection, "pragma journal_mode", Vec::new())
        .await
        .unwrap();
    assert_eq!(shown(&durable), r#"[Value::Text("wal")]"#);
    assert_eq!(
        shown(
            &rows(&connection, "pragma synchronous", Vec::new())
                .await
                .unwrap()
        ),
        "[Value::Integer(2)]"
    );
}

#[tokio::test]
async fn faults_are_answers_and_harm_nobody_else() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    assert!(
        io_error(&connection, "selekt 1")
            .await
            .contains("syntax error")
    );
    assert!(
        io_error(&connection, "select cast(x'ff' as text) as broken")
            .await
            .contains("`broken`")
    );
    assert!(
        io_error(&connection, "select :name")
            .await
            .contains("unsupported SQL parameter")
    );
    rows(&connection, "create table t (a primary key)", Vec::new())
        .await
        .unwrap();
    rows(&connection, "insert into t values (1)", Vec::new())
        .await
        .unwrap();
    assert!(
        io_error(&connection, "insert into t values (1)")
            .await
            .contains("UNIQUE")
    );
    assert_eq!(
        rows(&connection, "select * from t", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
    let other = world.open().await;
    assert_eq!(
        rows(&other, "select * from t", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Goal: a query without end stops at its time, its connection and the others go on.
#[tokio::test]
async fn an_endless_statement_is_interrupted() {
    let settings = SqliteSettings {
        statement_time_max: Duration::from_millis(50),
        ..SqliteSettings::default()
    };
    let world = World::new(settings);
    let connection = world.open().await;
    let endless =
        "with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c";
    assert!(io_error(&connection, endless).await.contains("interrupted"));
    assert_eq!(
        rows(&connection, "select 1", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Goal: when the request goes away in the middle of a statement, the statement stops and the connection comes back clean.
#[tokio::test]
async fn an_abandoned_statement_stops() {
    let world = World::new(SqliteSettings {
        connections_max: 1,
        statement_time_max: Duration::from_secs(3600),
        ..SqliteSettings::default()
    });
    let connection = world.open().await;
    rows(&connection, "create table t (a)", Vec::new())
        .await
        .unwrap();
    rows(&connection, "begin", Vec::new()).await.unwrap();
    let endless = "with recursive c(n) as (select 1 union all select n + 1 from c) insert into t select count(*) from c";
    {
        let mut statement = Box::pin(connection.execute(endless.to_owned(), Vec::new()));
        // Polled once it runs on its thread; dropped here, it must not.
        assert!(futures::poll!(statement.as_mut()).is_pending());
    }
    drop(connection);
    world.all_given_back().await;
    let next = world.open().await;
    assert!(
        rows(&next, "select * from t", Vec::new())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn large_results_are_streamed_within_bounds() {
    let result = ResultLimits {
        rows_max: 10_000,
        bytes_max: 1 << 20,
        buffered_bytes_max: 64 << 10,
    };
    let world = World::new(SqliteSettings {
        result,
        ..SqliteSettings::default()
    });
    let connection = world.open().await;
    let count = |n: u32| {
        format!(
            "with recursive c(n) as (select 1 union all select n + 1 from c where n < {n}) select n from c"
        )
    };
    let small = connection.execute(count(10), Vec::new()).await.unwrap();
    assert!(matches!(small.delivery, Delivery::Whole(ref rows, Ok(())) if rows.len() == 10));
    let large = connection.execute(count(5_000), Vec::new()).await.unwrap();
    assert!(matches!(large.delivery, Delivery::Streaming(..)));
    assert_eq!(large.columns, ["n"]);
    assert_eq!(
        large
            .delivery
            .collect(|| Error::InvalidConnection)
            .await
            .unwrap()
            .len(),
        5_000
    );
    for too_large in [
        count(10_001),
        format!("select randomblob(60000) from ({})", count(100)),
    ] {
        let outcome = rows(&connection, &too_large, Vec::new()).await;
        assert!(
            matches!(&outcome, Err(Error::Io(text)) if text.contains("more than")),
            "{:?}",
            outcome.map(|rows| rows.len())
        );
    }
    assert_eq!(
        rows(&connection, "select 1", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Goal: a result that nobody reads does not block the next statement of its handle, and loses nothing.
#[tokio::test]
async fn an_unread_result_gives_the_connection_up() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    let large = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000) select n from c";
    let unread = connection
        .execute(large.to_owned(), Vec::new())
        .await
        .unwrap();
    assert!(matches!(unread.delivery, Delivery::Streaming(..)));
    assert_eq!(
        rows(&connection, "select 1", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
    let all = unread
        .delivery
        .collect(|| Error::InvalidConnection)
        .await
        .unwrap();
    let numbers: Vec<i64> = all
        .iter()
        .map(|row| {
            if let [Value::Integer(n)] = row.values[..] {
                n
            } else {
                panic!("{row:?}")
            }
        })
        .collect();
    assert_eq!(numbers, (1..=3000).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_written_is_there_for_another_process() {
    let world = World::new(SqliteSettings::default());
    let connection = world.open().await;
    rows(&connection, "create table t (a)", Vec::new())
        .await
        .unwrap();
    rows(&connection, "insert into t values (42)", Vec::new())
        .await
        .unwrap();
    drop(connection);
    world.all_given_back().await;
    world.database.close().await;
    let reopened = World {
        database: Arc::new(SqliteDatabase::new(
            world.database.location(),
            SqliteSettings::default(),
        )),
        _folder: tempfile::tempdir().unwrap(),
    };
    assert_eq!(
        rows(&reopened.open().await, "select a from t", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Goal: what a guest keeps open costs nobody a connection; what it has begun does, and is waited for.
#[tokio::test]
async fn handles_at_rest_hold_no_connection_and_transactions_do() {
    let settings = SqliteSettings {
        connections_max: 2,
        connections_resting_max: 2,
        connection_wait_max: Duration::from_millis(20),
        ..SqliteSettings::default()
    };
    let world = World::new(settings);
    let mut handles = Vec::new();
    for number in 1..=6_i64 {
        let handle = world.open().await;
        rows(
            &handle,
            "create table if not exists t (a integer primary key)",
            Vec::new(),
        )
        .await
        .unwrap();
        rows(
            &handle,
            "insert into t values (?)",
            vec![Value::Integer(number)],
        )
        .await
        .unwrap();
        handles.push(handle);
    }
    // All six can go on, and know what they wrote; SQL can ask as many of them as may rest.
    for (number, handle) in (1..).zip(&handles) {
        let by_sql = rows(handle, "select last_insert_rowid()", Vec::new())
            .await
            .unwrap();
        let expected = if number <= 2 { number } else { 0 };
        assert_eq!(shown(&by_sql), format!("[Value::Integer({expected})]"));
        assert_eq!((handle.last_insert_rowid(), handle.changes()), (number, 1));
    }
    for handle in &handles[..2] {
        rows(handle, "begin", Vec::new()).await.unwrap();
    }
    assert!(io_error(&handles[2], "select 1").await.contains("in use"));
    rows(&handles[0], "commit", Vec::new()).await.unwrap();
    rows(&handles[2], "select 1", Vec::new()).await.unwrap();
    rows(&handles[1], "rollback", Vec::new()).await.unwrap();
    world.all_given_back().await;
}

/// Goal: whoever waits to write is served in the order of coming, and a turn ends with the transaction, however it ends.
#[tokio::test]
async fn writers_are_served_in_the_order_of_coming() {
    const WRITERS: usize = 8;
    let world = World::new(SqliteSettings::default());
    let first = world.open().await;
    rows(&first, "create table served (writer)", Vec::new())
        .await
        .unwrap();
    rows(&first, "begin immediate", Vec::new()).await.unwrap();
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let connection = world.open().await;
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        writers.push(tokio::spawn(async move {
            let mut begin = Box::pin(rows(&connection, "begin immediate", Vec::new()));
            // It stands in the queue once it was asked for the first time.
            let early = futures::poll!(begin.as_mut());
            assert!(early.is_pending());
            begun.send(()).unwrap();
            begin.await.unwrap();
            let parameters = vec![Value::Integer(i64::try_from(number).unwrap())];
            rows(&connection, "insert into served values (?1)", parameters)
                .await
                .unwrap();
            match number % 3 {
                0 => drop(rows(&connection, "commit", Vec::new()).await.unwrap()),
                1 => {
                    // A commit that SQLite refuses leaves the transaction open; so does a second beginning.
                    io_error(&connection, "begin immediate").await;
                    rows(&connection, "end", Vec::new()).await.unwrap();
                }
                // A handle that goes away gives its turn back with its connection.
                _ => drop(connection),
            }
        }));
        has_begun.await.unwrap();
    }
    rows(&first, "rollback", Vec::new()).await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    let served = rows(
        &first,
        "select writer from served order by rowid",
        Vec::new(),
    )
    .await
    .unwrap();
    let expected: Vec<Vec<Value>> = (0..WRITERS)
        .filter(|number| number % 3 != 2)
        .map(|number| vec![Value::Integer(i64::try_from(number).unwrap())])
        .collect();
    assert_eq!(shown(&served), shown(&expected));
    // Whoever waits too long is told in SQLite's own words, and the turn is free again afterwards.
    let world = World::new(SqliteSettings {
        busy_wait_max: Duration::from_millis(20),
        ..SqliteSettings::default()
    });
    let (holder, other) = (world.open().await, world.open().await);
    rows(&holder, "begin immediate", Vec::new()).await.unwrap();
    assert_eq!(
        io_error(&other, "begin immediate").await,
        "database is locked"
    );
    rows(&holder, "rollback", Vec::new()).await.unwrap();
    rows(&other, "begin immediate", Vec::new()).await.unwrap();
}
