//! Stores on real files.

use chudian_manifest::StoreLocation;
use sqlx::{ConnectOptions as _, Executor as _, Row as _};

use crate::key_value::KeyValueFile;
use crate::settings::{KeyValueSettings, SqliteSettings};
use crate::sqlite::connect_options;

#[tokio::test]
async fn values_are_set_read_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyValueFile::new(
        StoreLocation::File(folder.path().join("kv.db")),
        &KeyValueSettings::default(),
    );
    assert_eq!(file.get("default", "a").await.unwrap(), None);
    file.set("default", "a".to_owned(), vec![0, 1, 255])
        .await
        .unwrap();
    file.set("default", "empty".to_owned(), Vec::new())
        .await
        .unwrap();
    file.set("other", "a".to_owned(), b"apart".to_vec())
        .await
        .unwrap();
    assert_eq!(
        file.get("default", "a").await.unwrap(),
        Some(vec![0, 1, 255])
    );
    assert_eq!(
        file.get("default", "empty").await.unwrap(),
        Some(Vec::new())
    );
    assert_eq!(
        file.get("other", "a").await.unwrap().as_deref(),
        Some(b"apart".as_slice())
    );
    file.set("default", "a".to_owned(), b"new".to_vec())
        .await
        .unwrap();
    assert_eq!(
        file.get("default", "a").await.unwrap().as_deref(),
        Some(b"new".as_slice())
    );
    assert!(file.exists("default", "a").await.unwrap());
    file.delete("default", "a".to_owned()).await.unwrap();
    file.delete("default", "a".to_owned()).await.unwrap();
    assert!(!file.exists("default", "a").await.unwrap());
    assert!(file.exists("other", "a").await.unwrap());
}

#[tokio::test]
async fn keys_come_in_pages_without_gap_or_repetition() {
    let file = KeyValueFile::new(
        StoreLocation::Memory("m".to_owned()),
        &KeyValueSettings::default(),
    );
    let mut expected: Vec<String> = (0..25).map(|number| format!("key-{number}")).collect();
    for key in &expected {
        file.set("default", key.clone(), vec![1]).await.unwrap();
    }
    file.set("default", String::new(), vec![1]).await.unwrap();
    file.set("other", "elsewhere".to_owned(), vec![1])
        .await
        .unwrap();
    expected.push(String::new());
    expected.sort();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = file.keys("default", after, 4).await.unwrap();
        let Some(last) = page.last().cloned() else {
            break;
        };
        assert!(page.len() <= 4);
        after = Some(last);
        found.extend(page);
    }
    assert_eq!(found, expected);
}

/// Goal: the file is the one that stock Spin reads and writes.
#[tokio::test]
async fn the_file_is_spins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.db");
    let mut foreign = connect_options(&path, &SqliteSettings::default())
        .connect()
        .await
        .unwrap();
    let table = "CREATE TABLE IF NOT EXISTS spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
    foreign.execute(table).await.unwrap();
    foreign
        .execute("INSERT INTO spin_key_value VALUES ('default', 'theirs', x'01')")
        .await
        .unwrap();
    let file = KeyValueFile::new(StoreLocation::File(path), &KeyValueSettings::default());
    assert_eq!(file.get("default", "theirs").await.unwrap(), Some(vec![1]));
    file.set("default", "ours".to_owned(), vec![2])
        .await
        .unwrap();
    // A write of another process is seen at once.
    foreign
        .execute("UPDATE spin_key_value SET value = x'03' WHERE key = 'theirs'")
        .await
        .unwrap();
    assert_eq!(file.get("default", "theirs").await.unwrap(), Some(vec![3]));
    let row = foreign
        .fetch_one("SELECT value FROM spin_key_value WHERE key = 'ours'")
        .await
        .unwrap();
    assert_eq!(row.try_get::<Vec<u8>, _>(0).unwrap(), [2]);
}

fn file_in(folder: &tempfile::TempDir) -> KeyValueFile {
    KeyValueFile::new(
        StoreLocation::File(folder.path().join("kv.db")),
        &KeyValueSettings::default(),
    )
}

/// Goal: writes that share commits are each answered when they are in the file, and none is lost or mixed up.
#[tokio::test]
async fn many_writes_at_once_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    let value_of = |number: usize| vec![u8::try_from(number % 251).unwrap(); 1 + number * 7];
    let sets =
        (0..500).map(|number| file.set("default", format!("key-{number}"), value_of(number)));
    for outcome in futures::future::join_all(sets).await {
        outcome.unwrap();
    }
    let deletes = (0..500)
        .step_by(2)
        .map(|number| file.delete("default", format!("key-{number}")));
    for outcome in futures::future::join_all(deletes).await {
        outcome.unwrap();
    }
    for number in 0..500 {
        let expected = (number % 2 == 1).then(|| value_of(number));
        assert_eq!(
            file.get("default", &format!("key-{number}")).await.unwrap(),
            expected,
            "{number}"
        );
    }
    file.close().await;
    assert!(
        !folder.path().join("kv.db-wal").exists(),
        "the log was not folded into the file"
    );
    assert_eq!(
        file_in(&folder).get("default", "key-499").await.unwrap(),
        Some(value_of(499))
    );
}

/// Goal: nobody's write fails because a neighbour's in the same commit does.
#[tokio::test]
async fn a_write_that_fails_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    file.set("default", "first".to_owned(), vec![0])
        .await
        .unwrap();
    let mut foreign = connect_options(&folder.path().join("kv.db"), &SqliteSettings::default())
        .connect()
        .await
        .unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON spin_key_value WHEN new.key LIKE 'bad%'
        BEGIN SELECT RAISE(ROLLBACK, 'refused'); END";
    foreign.execute(trigger).await.unwrap();
    let keys = ["good-1", "bad-1", "good-2", "good-3", "bad-2", "good-4"];
    let sets = keys.map(|key| file.set("default", key.to_owned(), vec![1]));
    for (key, outcome) in keys.iter().zip(futures::future::join_all(sets).await) {
        assert_eq!(
            outcome.is_ok(),
            key.starts_with("good"),
            "{key}: {outcome:?}"
        );
        assert_eq!(
            file.exists("default", key).await.unwrap(),
            key.starts_with("good"),
            "{key}"
        );
    }
}

/// Goal: values are whole on both sides of the length from which they are read on a thread of their own.
#[tokio::test]
async fn values_of_all_lengths_are_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    let here_bytes_max = KeyValueSettings::default().read_here_bytes_max;
    for bytes in [0, 1, here_bytes_max, here_bytes_max + 1, 3 << 20] {
        let value: Vec<u8> = (0..bytes)
            .map(|place| u8::try_from(place % 253).unwrap())
            .collect();
        file.set("default", "key".to_owned(), value.clone())
            .await
            .unwrap();
        assert!(
            file.get("default", "key").await.unwrap() == Some(value),
            "{bytes} bytes differ"
        );
    }
}

/// Goal: a writer of another process makes ours wait, not fail, and is never seen half done.
#[tokio::test]
async fn another_processs_transaction_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    file.set("default", "key".to_owned(), vec![1])
        .await
        .unwrap();
    let mut foreign = connect_options(&folder.path().join("kv.db"), &SqliteSettings::default())
        .connect()
        .await
        .unwrap();
    foreign.execute("BEGIN IMMEDIATE").await.unwrap();
    foreign
        .execute("UPDATE spin_key_value SET value = x'02'")
        .await
        .unwrap();
    let ours = file.set("default", "ours".to_owned(), vec![9]);
    let theirs = async {
        assert_eq!(file.get("default", "key").await.unwrap(), Some(vec![1]));
        foreign.execute("COMMIT").await.unwrap();
        assert_eq!(file.get("default", "key").await.unwrap(), Some(vec![2]));
    };
    let (ours, ()) = futures::future::join(ours, theirs).await;
    ours.unwrap();
    assert_eq!(file.get("default", "ours").await.unwrap(), Some(vec![9]));
}
