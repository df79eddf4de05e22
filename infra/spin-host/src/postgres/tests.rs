//! Connections to a real cluster that the test starts.

use std::sync::Arc;
use std::time::Duration;

use chudian_manifest::AllowedHosts;
use chudian_test_support::postgres::Postgres;

use crate::bindings::postgres::{
    DbDataType, DbValue, Error, Interval, ParameterValue, QueryError, RangeBoundKind,
};
use crate::delivery::Delivery;
use crate::postgres::PostgresPools;
use crate::postgres::connection::PinnedConnection;
use crate::settings::{PostgresSettings, ResultLimits};

struct World {
    pools: Arc<PostgresPools>,
    allowed: AllowedHosts,
    url: String,
    _cluster: Postgres,
}

impl World {
    fn new(settings: PostgresSettings) -> Self {
        let cluster = Postgres::start().unwrap();
        let url = cluster.new_database("test").unwrap();
        let allowed =
            AllowedHosts::parse([format!("postgres://{}", cluster.address()).as_str()]).unwrap();
        Self {
            pools: Arc::new(PostgresPools::new(settings)),
            allowed,
            url,
            _cluster: cluster,
        }
    }

    async fn open(&self) -> PinnedConnection {
        self.try_open(&self.url)
            .await
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    async fn try_open(&self, address: &str) -> Result<PinnedConnection, Error> {
        PinnedConnection::open(&self.pools, address.to_owned(), None, self.allowed.clone()).await
    }
}

async fn rows(
    connection: &PinnedConnection,
    statement: &str,
    parameters: Vec<ParameterValue>,
) -> Result<Vec<Vec<DbValue>>, Error> {
    let execution = connection.query(statement.to_owned(), parameters).await?;
    execution
        .delivery
        .collect(|| Error::Other("lost".to_owned()))
        .await
}

async fn run(connection: &PinnedConnection, statement: &str) -> u64 {
    connection
        .execute(statement.to_owned(), Vec::new())
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error:?}"))
}

/// Goal: every kind of the interface goes to the server and comes back the same.
#[tokio::test]
async fn every_kind_of_value_comes_back() {
    let world = World::new(PostgresSettings::default());
    let connection = world.open().await;
    let inclusive = RangeBoundKind::Inclusive;
    let exclusive = RangeBoundKind::Exclusive;
    let table: Vec<(&str, ParameterValue, DbValue)> = vec![
        (
            "boolean",
            ParameterValue::Boolean(true),
            DbValue::Boolean(true),
        ),
        ("\"char\"", ParameterValue::Int8(65), DbValue::Int8(65)),
        (
            "smallint",
            ParameterValue::Int16(i16::MIN),
            DbValue::Int16(i16::MIN),
        ),
        (
            "integer",
            ParameterValue::Int32(i32::MAX),
            DbValue::Int32(i32::MAX),
        ),
        (
            "bigint",
            ParameterValue::Int64(i64::MIN),
            DbValue::Int64(i64::MIN),
        ),
        (
            "real",
            ParameterValue::Floating32(0.1),
            DbValue::Floating32(0.1),
        ),
        (
            "double precision",
            ParameterValue::Floating64(-0.1),
            DbValue::Floating64(-0.1),
        ),
        (
            "text",
            ParameterValue::Str("移动 '".to_owned()),
            DbValue::Str("移动 '".to_owned()),
        ),
        (
            "varchar(9)",
            ParameterValue::Str("x".to_owned()),
            DbValue::Str("x".to_owned()),
        ),
        (
            "bytea",
            ParameterValue::Binary(vec![0, 255]),
            DbValue::Binary(vec![0, 255]),
        ),
        (
            "date",
            ParameterValue::Date((2024, 2, 29)),
            DbValue::Date((2024, 2, 29)),
        ),
        (
            "time",
            ParameterValue::Time((23, 59, 59, 123_456_000)),
            DbValue::Time((23, 59, 59, 123_456_000)),
        ),
        (
            "timestamp",
            ParameterValue::Datetime((1969, 7, 20, 20, 17, 40, 5_000)),
            DbValue::Datetime((1969, 7, 20, 20, 17, 40, 5_000)),
        ),
        (
            "timestamptz",
            ParameterValue::Timestamp(0),
            DbValue::Datetime((1970, 1, 1, 0, 0, 0, 0)),
        ),
        (
            "uuid",
            ParameterValue::Uuid("0123456789ABCDEF0123456789abcdef".to_owned()),
            DbValue::Uuid("01234567-89ab-cdef-0123-456789abcdef".to_owned()),
        ),
        (
            "jsonb",
            ParameterValue::Jsonb(b"{\"a\": [1, null]}".to_vec()),
            DbValue::Jsonb(b"{\"a\": [1, null]}".to_vec()),
        ),
        (
            "numeric",
            ParameterValue::Decimal("-12345678901234567890.000100".to_owned()),
            DbValue::Decimal("-12345678901234567890.000100".to_owned()),
        ),
        (
            "int4range",
            ParameterValue::RangeInt32((Some((1, inclusive)), Some((5, inclusive)))),
            DbValue::RangeInt32((Some((1, inclusive)), Some((6, exclusive)))),
        ),
        (
            "int8range",
            ParameterValue::RangeInt64((None, Some((5, exclusive)))),
            DbValue::RangeInt64((None, Some((5, exclusive)))),
        ),
        (
            "numrange",
            ParameterValue::RangeDecimal((Some(("0.5".to_owned(), exclusive)), None)),
            DbValue::RangeDecimal((Some(("0.5".to_owned(), exclusive)), None)),
        ),
        (
            "integer[]",
            ParameterValue::ArrayInt32(vec![Some(1), None, Some(-1)]),
            DbValue::ArrayInt32(vec![Some(1), None, Some(-1)]),
        ),
        (
            "bigint[]",
            ParameterValue::ArrayInt64(Vec::new()),
            DbValue::ArrayInt64(Vec::new()),
        ),
        (
            "numeric[]",
            ParameterValue::ArrayDecimal(vec![Some("1.50".to_owned()), None]),
            DbValue::ArrayDecimal(vec![Some("1.50".to_owned()), None]),
        ),
        (
            "text[]",
            ParameterValue::ArrayStr(vec![Some("a,b".to_owned()), None]),
            DbValue::ArrayStr(vec![Some("a,b".to_owned()), None]),
        ),
        (
            "interval",
            ParameterValue::Interval(Interval {
                micros: -1,
                days: 2,
                months: -3,
            }),
            DbValue::Interval(Interval {
                micros: -1,
                days: 2,
                months: -3,
            }),
        ),
        ("integer", ParameterValue::DbNull, DbValue::DbNull),
    ];
    for (kind, parameter, expected) in table {
        let found = rows(&connection, &format!("select $1::{kind}"), vec![parameter])
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(
            format!("{found:?}"),
            format!("{:?}", [[expected]]),
            "{kind}"
        );
    }
    // The server agrees on what the bytes mean, not only on giving them back.
    let meaning = rows(
        &connection,
        "select $1::numeric::text, $2::date::text, $3::interval::text, $4::timestamptz::text",
        vec![
            ParameterValue::Decimal("10000.0010".to_owned()),
            ParameterValue::Date((2026, 11, 22)),
            ParameterValue::Interval(Interval {
                micros: 1_000_000,
                days: 1,
                months: 14,
            }),
            ParameterValue::Timestamp(1_000_000_000),
        ],
    )
    .await
    .unwrap();
    let texts = [
        "10000.0010",
        "2026-11-22",
        "1 year 2 mons 1 day 00:00:01",
        "2001-09-09 01:46:40+00",
    ]
    .map(|text| DbValue::Str(text.to_owned()));
    assert_eq!(format!("{meaning:?}"), format!("{:?}", [texts]));
}

#[tokio::test]
async fn columns_are_known_without_rows_and_faults_are_told_apart() {
    let world = World::new(PostgresSettings::default());
    let connection = world.open().await;
    run(
        &connection,
        "create table t (a integer primary key, b text, c point)",
    )
    .await;
    let empty = connection
        .query("select * from t".to_owned(), Vec::new())
        .await
        .unwrap();
    let columns: Vec<_> = empty
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(columns, ["a", "b", "c"]);
    assert!(matches!(empty.columns[2].data_type, DbDataType::Other(ref name) if name == "point"));
    assert!(matches!(empty.delivery, Delivery::Whole(rows, Ok(())) if rows.is_empty()));

    assert_eq!(
        run(&connection, "insert into t values (1, 'x'), (2, 'y')").await,
        2
    );
    let duplicate = connection
        .execute("insert into t values (1)".to_owned(), Vec::new())
        .await;
    let Err(Error::QueryFailed(QueryError::DbError(error))) = duplicate else {
        panic!("{duplicate:?}")
    };
    assert_eq!(
        (error.code.as_str(), error.severity.as_str()),
        ("23505", "ERROR")
    );
    assert!(
        error
            .extras
            .contains(&("constraint".to_owned(), "t_pkey".to_owned()))
    );

    let wrong = rows(
        &connection,
        "select * from t where a = $1",
        vec![ParameterValue::Int64(1)],
    )
    .await;
    assert!(
        matches!(&wrong, Err(Error::BadParameter(text)) if text.contains("$1::bigint")),
        "{wrong:?}"
    );
    let missing = rows(
        &connection,
        "select $1::int, $2::int",
        vec![ParameterValue::Int32(1)],
    )
    .await;
    assert!(matches!(missing, Err(Error::BadParameter(_))));
    let impossible = rows(
        &connection,
        "select $1::date",
        vec![ParameterValue::Date((2026, 2, 30))],
    )
    .await;
    assert!(matches!(impossible, Err(Error::BadParameter(_))));
    let unsayable = rows(&connection, "select 'infinity'::date", Vec::new()).await;
    assert!(matches!(unsayable, Err(Error::ValueConversionFailed(_))));
}

#[tokio::test]
async fn the_next_user_finds_nothing_of_the_last() {
    let world = World::new(PostgresSettings {
        connections_max: 1,
        ..PostgresSettings::default()
    });
    let connection = world.open().await;
    run(&connection, "create table t (a integer)").await;
    run(&connection, "begin").await;
    run(&connection, "insert into t values (1)").await;
    run(&connection, "set search_path = pg_catalog").await;
    run(&connection, "set statement_timeout = 0").await;
    run(&connection, "create temp table secret (a integer)").await;
    rows(&connection, "select pg_advisory_lock(7)", Vec::new())
        .await
        .unwrap();
    drop(connection);
    let next = world.open().await;
    assert!(
        rows(&next, "select * from t", Vec::new())
            .await
            .unwrap()
            .is_empty(),
        "the transaction was not rolled back"
    );
    let clean = rows(
        &next,
        "select current_setting('search_path'), current_setting('statement_timeout'), \
         (select count(*) from pg_class where relname = 'secret'), (select count(*) from pg_locks where locktype = 'advisory')",
        Vec::new(),
    )
    .await
    .unwrap();
    let expected = [
        DbValue::Str("\"$user\", public".to_owned()),
        DbValue::Str("30s".to_owned()),
        DbValue::Int64(0),
        DbValue::Int64(0),
    ];
    assert_eq!(format!("{clean:?}"), format!("{:?}", [expected]));
    // A plain statement leaves the session as it is, and the same session is used again.
    let session = rows(&next, "select pg_backend_pid()::bigint", Vec::new())
        .await
        .unwrap();
    drop(next);
    let again = rows(
        &world.open().await,
        "select pg_backend_pid()::bigint",
        Vec::new(),
    )
    .await
    .unwrap();
    assert_eq!(format!("{session:?}"), format!("{again:?}"));
}

#[tokio::test]
async fn a_changed_table_does_not_spoil_a_prepared_statement() {
    let world = World::new(PostgresSettings {
        connections_max: 2,
        ..PostgresSettings::default()
    });
    let (first, second) = (world.open().await, world.open().await);
    run(&first, "create table t (a integer)").await;
    run(&first, "insert into t values (1)").await;
    assert_eq!(
        rows(&second, "select * from t", Vec::new()).await.unwrap()[0].len(),
        1
    );
    run(&first, "alter table t add column b text").await;
    let widened = second
        .query("select * from t".to_owned(), Vec::new())
        .await
        .unwrap();
    assert_eq!(widened.columns.len(), 2);
}

#[tokio::test]
async fn long_statements_end_and_large_results_stream() {
    let result = ResultLimits {
        rows_max: 10_000,
        ..ResultLimits::default()
    };
    let world = World::new(PostgresSettings {
        statement_time_max: Duration::from_millis(300),
        result,
        ..PostgresSettings::default()
    });
    let connection = world.open().await;
    let endless = rows(&connection, "select pg_sleep(3600)", Vec::new()).await;
    assert!(
        matches!(&endless, Err(Error::QueryFailed(QueryError::DbError(error))) if error.code == "57014"),
        "{endless:?}"
    );
    let large = connection
        .query("select generate_series(1, 5000)".to_owned(), Vec::new())
        .await
        .unwrap();
    assert!(matches!(large.delivery, Delivery::Streaming(..)));
    // Before it is read, another statement of the same handle gets its turn.
    assert_eq!(
        rows(&connection, "select 1", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        large
            .delivery
            .collect(|| Error::Other("lost".to_owned()))
            .await
            .unwrap()
            .len(),
        5000
    );
    let too_large = rows(&connection, "select generate_series(1, 10001)", Vec::new()).await;
    assert!(matches!(&too_large, Err(Error::Other(text)) if text.contains("more than 10000 rows")));
    drop(connection);
    assert_eq!(
        rows(&world.open().await, "select 1", Vec::new())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn only_allowed_servers_are_reached() {
    let world = World::new(PostgresSettings::default());
    for address in [
        "postgres://localhost:1/x",
        "postgres://db.example/x",
        "host=/var/run/postgresql",
    ] {
        assert!(
            matches!(
                world.try_open(address).await,
                Err(Error::ConnectionFailed(_))
            ),
            "{address}"
        );
    }
    let anywhere = AllowedHosts::parse(["postgres://*:*"]).unwrap();
    let inside = PinnedConnection::open(&world.pools, world.url.clone(), None, anywhere).await;
    assert!(
        matches!(&inside, Err(Error::ConnectionFailed(text)) if text.contains("public")),
        "a wildcard opened the inside"
    );
    let nobody = world.url.replace("chudian@", "nobody:s3cret@");
    let refused = world.try_open(&nobody).await;
    let Err(Error::ConnectionFailed(text)) = refused else {
        panic!("an unknown user got in")
    };
    assert!(
        !text.contains("s3cret") && text.contains("nobody"),
        "{text}"
    );
}

/// Goal: what a guest keeps open costs nobody a connection; what it has begun or changed in its session does.
#[tokio::test]
async fn handles_at_rest_hold_no_connection_and_transactions_do() {
    let world = World::new(PostgresSettings {
        connections_max: 2,
        connection_wait_max: Duration::from_secs(1),
        ..PostgresSettings::default()
    });
    let mut handles = Vec::new();
    for _ in 0..5 {
        let handle = world.open().await;
        for statement in ["begin", "select 1", "commit", "select 2"] {
            rows(&handle, statement, Vec::new()).await.unwrap();
        }
        handles.push(handle);
    }
    for handle in &handles[..2] {
        rows(handle, "begin", Vec::new()).await.unwrap();
    }
    assert!(rows(&handles[2], "select 1", Vec::new()).await.is_err());
    rows(&handles[0], "rollback", Vec::new()).await.unwrap();
    rows(&handles[2], "set application_name = 'kept'", Vec::new())
        .await
        .unwrap();
    assert!(rows(&handles[3], "select 1", Vec::new()).await.is_err());
    let kept = rows(&handles[2], "show application_name", Vec::new())
        .await
        .unwrap();
    assert!(
        matches!(&kept[0][0], DbValue::Str(name) if name == "kept"),
        "{kept:?}"
    );
}
