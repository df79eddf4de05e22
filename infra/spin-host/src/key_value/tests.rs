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
