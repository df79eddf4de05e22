//! A server on loopback that stands for a provider and for our own functions. What it answers is set by the test; what it was asked is
//! kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedMutexGuard, Semaphore};

/// What it does with a message.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Answers so.
    Answer(u16, Value),
    /// Reads everything, then closes the connection.
    Break,
    /// Reads everything, and waits for [`StandIn::release`].
    Hang,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A field of a form.
    pub(crate) fn field(&self, name: &str) -> String {
        let mut pairs = form_urlencoded::parse(&self.body);
        let found = pairs.find(|(own, _)| own == name).unwrap();
        found.1.into_owned()
    }
}

struct Inner {
    deeds: Mutex<VecDeque<Deed>>,
    asked: Mutex<Vec<Asked>>,
    offers: Mutex<(u16, Value)>,
    log_is_there: Mutex<bool>,
    log_answers: Arc<tokio::sync::Mutex<()>>,
    came: Notify,
    released: Semaphore,
}

/// The server.
#[derive(Clone)]
pub(crate) struct StandIn {
    inner: Arc<Inner>,
    pub(crate) url: String,
}

/// Offers as the tariff function answers them.
pub(crate) fn offers() -> Value {
    let offer = |id: &str, plan: &str, fee: i64, saving: i64| {
        json!({"offer_id": id, "customer_id": "x", "channel": "sms-hall", "plan_id": plan, "catalogue_version": "v", "created_at": "x",
            "offer": {"plan": {"plan_id": plan, "name": {"zh": format!("畅享{}", fee / 100), "en": plan}, "monthly_fee_fen": fee, "add_ons": []},
            "customer": {"region": "zs01"}, "months": ["2026-09", "2026-10", "2026-11"],
            "after": {"rank": 1, "saving": {"mean_fen": saving, "worst_month_fen": 1, "months_won": 3, "total_fen": 3 * saving}}, "proof": "p"}})
    };
    json!({"items": [offer("offer-a", "plan-58", 5800, 2310), offer("offer-b", "plan-88", 8800, 150)]})
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            deeds: Mutex::default(),
            asked: Mutex::default(),
            offers: Mutex::new((201, offers())),
            log_is_there: Mutex::new(true),
            log_answers: Arc::default(),
            came: Notify::new(),
            released: Semaphore::new(0),
        });
        let stand_in = Self { inner, url };
        tokio::spawn({
            let stand_in = stand_in.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let stand_in = stand_in.clone();
                    tokio::spawn(async move { drop(stand_in.serve(stream).await) });
                }
            }
        });
        stand_in
    }

    /// What is done with the next messages; afterwards they are taken.
    pub(crate) fn then(&self, deeds: impl IntoIterator<Item = Deed>) {
        self.inner.deeds.lock().unwrap().extend(deeds);
    }

    pub(crate) fn answer_offers(&self, status: u16, answer: Value) {
        *self.inner.offers.lock().unwrap() = (status, answer);
    }

    pub(crate) fn set_log(&self, is_there: bool) {
        *self.inner.log_is_there.lock().unwrap() = is_there;
    }

    /// The log takes what comes, and answers when the guard is dropped.
    pub(crate) async fn hold_log(&self) -> OwnedMutexGuard<()> {
        self.inner.log_answers.clone().lock_owned().await
    }

    /// Lets those that hang end, with a broken connection.
    pub(crate) fn release(&self) {
        self.inner.released.add_permits(100);
    }

    /// Everything that was asked under a path's beginning.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.inner.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.path.starts_with(path))
            .cloned()
            .collect()
    }

    /// Messages that were handed over, or tried to.
    pub(crate) fn sent(&self) -> Vec<Asked> {
        self.asked("/send")
    }

    /// Waits until so many messages have come.
    pub(crate) async fn until_sent(&self, count: usize) {
        loop {
            let came = self.inner.came.notified();
            if self.sent().len() >= count {
                return;
            }
            came.await;
        }
    }

    /// Events that were reported, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.asked("/feedback")
            .iter()
            .flat_map(|asked| asked.json().as_array().unwrap().clone())
            .collect()
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let asked = read_request(&mut stream).await?;
        let (path, body) = (asked.path.clone(), asked.body.clone());
        self.inner.asked.lock().unwrap().push(asked.clone());
        self.inner.came.notify_waiters();
        let (status, answer) = if path.starts_with("/tariff") {
            self.inner.offers.lock().unwrap().clone()
        } else if path.starts_with("/feedback") {
            drop(self.inner.log_answers.lock().await);
            if *self.inner.log_is_there.lock().unwrap() {
                let events: Vec<Value> = serde_json::from_slice(&body).unwrap();
                let results: Vec<Value> = events
                    .iter()
                    .map(|_| json!({"status": "accepted"}))
                    .collect();
                (200, json!({"accepted": events.len(), "results": results}))
            } else {
                (503, json!({}))
            }
        } else {
            let deed = self.inner.deeds.lock().unwrap().pop_front();
            match deed.unwrap_or_else(|| Deed::Answer(200, taken(&asked))) {
                Deed::Answer(status, answer) => (status, answer),
                Deed::Break => return Ok(()),
                Deed::Hang => {
                    let permit = self.inner.released.acquire().await;
                    drop(permit);
                    return Ok(());
                }
            }
        };
        let body = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// The answer of whichever provider was called, with an id made of the request's own.
fn taken(asked: &Asked) -> Value {
    if asked.headers.contains_key("x-acs-action") {
        json!({"Code": "OK", "Message": "OK", "RequestId": "r", "BizId": format!("biz-{}", asked.field("OutId"))})
    } else if asked.headers.contains_key("x-tc-action") {
        let serial = format!(
            "serial-{}",
            asked.json()["SessionContext"].as_str().unwrap()
        );
        json!({"Response": {"SendStatusSet": [{"SerialNo": serial, "Code": "Ok"}], "RequestId": "r"}})
    } else {
        json!({"provider_message_id": format!("p-{}", asked.headers["webhook-id"])})
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(place) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break place + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Asked {
        path,
        headers,
        body: bytes[head_end..].to_vec(),
    })
}
