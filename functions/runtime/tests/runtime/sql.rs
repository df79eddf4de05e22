//! The SQL port keeps its word on both databases.

use chudian_runtime::parameters;
use chudian_runtime::ports::KeyValue as _;
use chudian_runtime::ports::native::SqlKeyValue;
use chudian_runtime::ports::sql::{SqlError, SqlValue};

use crate::world::World;

async fn make_table(world: &World) {
    let table = "create table thing (id bigint primary key, name text not null unique, part double precision, data bytea, \
                 check (id >= 0))";
    world.sql.execute(table, Vec::new()).await.unwrap();
}

const INSERT: &str = "insert into thing (id, name, part, data) values ($1, $2, $3, $4)";

pub(crate) async fn values_come_back_as_they_went(world: World) {
    make_table(&world).await;
    let bytes: Vec<u8> = (0..=255).collect();
    world
        .sql
        .execute(
            INSERT,
            parameters![i64::MAX, "触点 \u{1F4F1} '--", -0.1, bytes.clone()],
        )
        .await
        .unwrap();
    let nulls = parameters![0_i64, "", None::<f64>, None::<Vec<u8>>];
    assert_eq!(world.sql.execute(INSERT, nulls).await.unwrap(), 1);
    type Row = (i64, String, Option<f64>, Option<Vec<u8>>);
    let rows: Vec<Row> = world
        .sql
        .query(
            "select id, name, part, data from thing order by id desc",
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        rows[0],
        (
            i64::MAX,
            "触点 \u{1F4F1} '--".to_owned(),
            Some(-0.1),
            Some(bytes)
        )
    );
    assert_eq!(rows[1], (0, String::new(), None, None));
    let none: Vec<Row> = world
        .sql
        .query(
            "select id, name, part, data from thing where id = $1",
            parameters![5_i64],
        )
        .await
        .unwrap();
    assert!(none.is_empty());
    let is_zero =
        "select cast(case when id = 0 then 1 else 0 end as bigint) from thing order by id";
    assert_eq!(
        world.sql.query::<(bool,)>(is_zero, Vec::new()).await,
        Ok(vec![(true,), (false,)])
    );
    let changed = world
        .sql
        .execute(
            "update thing set name = $1 where id > $2",
            parameters!["x", 100_i64],
        )
        .await;
    assert_eq!(changed, Ok(1));
    assert_eq!(
        world
            .sql
            .execute("delete from thing where id = $1", parameters![77_i64])
            .await,
        Ok(0)
    );
}

pub(crate) async fn errors_have_their_class(world: World) {
    make_table(&world).await;
    let row = |id: i64, name: &str| parameters![id, name, None::<f64>, None::<Vec<u8>>];
    world.sql.execute(INSERT, row(1, "one")).await.unwrap();
    for (id, name) in [(1, "other"), (2, "one")] {
        let error = world.sql.execute(INSERT, row(id, name)).await.unwrap_err();
        assert!(matches!(error, SqlError::UniqueViolation(_)), "{error:?}");
    }
    let error = world
        .sql
        .execute(INSERT, row(-1, "negative"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SqlError::ConstraintViolation(_)),
        "{error:?}"
    );
    let no_name = vec![
        SqlValue::Integer(9),
        SqlValue::Null,
        SqlValue::Null,
        SqlValue::Null,
    ];
    let error = world.sql.execute(INSERT, no_name).await.unwrap_err();
    assert!(
        matches!(error, SqlError::ConstraintViolation(_)),
        "{error:?}"
    );
    let error = world
        .sql
        .execute("insert into nowhere values (1)", Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error, SqlError::Statement(_)), "{error:?}");
    let error = world
        .sql
        .query::<(String,)>("select id from thing", Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error, SqlError::Shape(_)), "{error:?}");
    // After all these errors the port still works.
    assert_eq!(
        world
            .sql
            .query::<(i64,)>("select id from thing", Vec::new())
            .await,
        Ok(vec![(1,)])
    );
}

pub(crate) async fn a_transaction_holds_together(world: World) {
    make_table(&world).await;
    let row = |id: i64| parameters![id, format!("thing {id}"), None::<f64>, None::<Vec<u8>>];
    let mut transaction = world.sql.begin().await.unwrap();
    transaction.execute(INSERT, row(1)).await.unwrap();
    let seen: Option<(i64,)> = transaction
        .query_optional("select id from thing", Vec::new())
        .await
        .unwrap();
    assert_eq!(seen, Some((1,)));
    transaction
        .end(Err::<(), _>(SqlError::Shape("undo".to_owned())))
        .await
        .unwrap_err();
    assert_eq!(count(&world).await, 0);

    let mut transaction = world.sql.begin().await.unwrap();
    transaction.execute(INSERT, row(1)).await.unwrap();
    transaction.execute(INSERT, row(2)).await.unwrap();
    assert_eq!(
        count(&world).await,
        0,
        "others see nothing before the commit"
    );
    transaction.end(Ok::<_, SqlError>(())).await.unwrap();
    assert_eq!(count(&world).await, 2);

    // An error inside takes everything with it, whatever the database thinks of the statements before it.
    let mut transaction = world.sql.begin().await.unwrap();
    transaction.execute(INSERT, row(3)).await.unwrap();
    let outcome = transaction.execute(INSERT, row(2)).await;
    assert!(transaction.end(outcome).await.is_err());
    assert_eq!(count(&world).await, 2);
}

pub(crate) async fn a_dropped_transaction_leaves_nothing(world: World) {
    make_table(&world).await;
    let mut transaction = world.sql.begin().await.unwrap();
    transaction
        .execute(
            INSERT,
            parameters![1_i64, "one", None::<f64>, None::<Vec<u8>>],
        )
        .await
        .unwrap();
    drop(transaction);
    // The next writer is not kept out, and finds nothing.
    let transaction = world.sql.begin().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&world).await, 0);
}

/// Goal: concurrent read-modify-write transactions lose no update and fail only in ways that say "try again".
pub(crate) async fn writers_wait_for_each_other(world: World) {
    make_table(&world).await;
    world
        .sql
        .execute(INSERT, parameters![0_i64, "counter", 0.0, None::<Vec<u8>>])
        .await
        .unwrap();
    let writers = (0..8).map(|_| {
        let sql = world.sql.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let mut transaction = sql.begin().await.unwrap();
                let lock = "update thing set part = part where id = 0";
                transaction.execute(lock, Vec::new()).await.unwrap();
                let (part,): (f64,) = transaction
                    .query_optional("select part from thing where id = 0", Vec::new())
                    .await
                    .unwrap()
                    .unwrap();
                let update = "update thing set part = $1 where id = 0";
                transaction
                    .execute(update, parameters![part + 1.0])
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let (part,): (f64,) = world
        .sql
        .query_optional("select part from thing", Vec::new())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(part, 80.0);
}

pub(crate) async fn the_key_value_double_keeps_bytes(world: World) {
    let store = SqlKeyValue::open(world.sql.clone()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    store.set("a", &[0, 255]).await.unwrap();
    store.set("a", &[1]).await.unwrap();
    store.set("b", &[]).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), Some(vec![1]));
    let mut keys = store.keys().await.unwrap();
    keys.sort();
    assert_eq!(keys, ["a", "b"]);
    store.delete("a").await.unwrap();
    store.delete("a").await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
}

async fn count(world: &World) -> i64 {
    world
        .sql
        .query_optional::<(i64,)>("select count(*) from thing", Vec::new())
        .await
        .unwrap()
        .unwrap()
        .0
}
