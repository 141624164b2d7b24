//! tokio-postgres.

mod harness;

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::future::try_join_all;
use futures_util::{SinkExt, StreamExt, TryStreamExt, pin_mut};
use harness::{Failure, Outcome, SLOW_QUERY, Session, at_once, database_url, own_tags, report, run_scripts};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, Error, IsolationLevel, NoTls, SimpleQueryMessage};

struct SimpleSession(Client);

impl Session for SimpleSession {
    async fn open() -> Result<Self, Failure> {
        Ok(Self(connect().await?))
    }

    async fn run(&mut self, sql: &str) -> Value {
        match self.0.simple_query(sql).await {
            Ok(messages) => messages.iter().filter_map(first_column).collect(),
            Err(failure) => json!(sqlstate_of(&failure)),
        }
    }
}

fn first_column(message: &SimpleQueryMessage) -> Option<Value> {
    match message {
        SimpleQueryMessage::Row(row) => Some(json!(row.get(0))),
        _ => None,
    }
}

async fn connect() -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(&database_url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn sqlstate_of(failure: &Error) -> String {
    failure.code().map_or_else(|| failure.to_string(), |code| code.code().to_owned())
}

fn sqlstate<T>(result: Result<T, Error>) -> String {
    result.map_or_else(|failure| sqlstate_of(&failure), |_| "no error".to_owned())
}

async fn migrations() -> Outcome {
    let mut client = connect().await?;
    client
        .batch_execute(
            "create table items (id serial primary key, name text not null unique);
             alter table items add column price numeric(10, 2) default 1.50",
        )
        .await?;
    let undone = client.transaction().await?;
    undone.batch_execute("drop table items").await?;
    undone.rollback().await?;
    let insert = "insert into items (name) values ($1) returning items::text";
    Ok(json!(client.query_one(insert, &[&"apple"]).await?.get::<_, String>(0)))
}

async fn transactions() -> Outcome {
    let insert = "insert into items (name) values ($1)";
    let mut client = connect().await?;
    let mut kept = client.transaction().await?;
    kept.execute(insert, &[&"kept"]).await?;
    let inner = kept.savepoint("before_twin").await?;
    let twin = sqlstate(inner.execute(insert, &[&"kept"]).await);
    inner.rollback().await?;
    kept.commit().await?;
    let strict = client.build_transaction().isolation_level(IsolationLevel::Serializable).start().await?;
    strict.execute(insert, &[&"undone"]).await?;
    let failed = sqlstate(strict.batch_execute("select 1 / 0").await);
    drop(strict);
    let names = client.query("select name from items order by id", &[]).await?;
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    Ok(json!([twin, failed, names]))
}

/// Twenty clients with statements of their own, and pipelines of thirty.
async fn statements() -> Outcome {
    at_once(async |client| {
        let connection = connect().await?;
        let double = connection.prepare("select $1::int4 * 2, $2::text").await?;
        let mut total = 0;
        for number in 0..20_i32 {
            let word = format!("client {client}");
            total += connection.query_one(&double, &[&number, &word]).await?.get::<_, i32>(0);
        }
        let numbers: Vec<i32> = (0..30).collect();
        let rows = try_join_all(numbers.iter().map(async |number| {
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [number, &"pipelined"];
            connection.query_one(&double, &parameters).await
        }))
        .await?;
        let pipelined: i32 = rows.iter().map(|row| row.get::<_, i32>(0)).sum();
        let quotient = connection.prepare("select 1 / $1::int4").await?;
        let failure = sqlstate(connection.query_one(&quotient, &[&0_i32]).await);
        let broken = sqlstate(connection.prepare("selekt $1").await);
        Ok(json!([total, pipelined, failure, broken]))
    })
    .await
}

async fn types() -> Outcome {
    let client = connect().await?;
    let moment: DateTime<Utc> = "2024-02-29T12:30:15.123456Z".parse()?;
    let nothing: Option<String> = None;
    let row = client
        .query_one(
            "select $1::int4[], $2::text[], $3::jsonb, $4::timestamptz, $5::bytea, $6::text, $7::int8, $8::bool,
             $9::float8, '12345678901234567890.0123456789'::numeric::text, date '2024-02-29'",
            &[
                &vec![1_i32, 2, 3],
                &vec!["a", "b\"c"],
                &json!({ "deep": [1, { "x": "ü" }] }),
                &moment,
                &vec![0_u8, 1, 254, 255],
                &nothing,
                &9_007_199_254_740_993_i64,
                &true,
                &1.5_f64,
            ],
        )
        .await?;
    let names: Vec<&str> = row.columns().iter().map(|column| column.type_().name()).collect();
    Ok(json!([
        names,
        row.get::<_, Vec<i32>>(0),
        row.get::<_, Vec<String>>(1),
        row.get::<_, Value>(2),
        row.get::<_, DateTime<Utc>>(3).to_rfc3339(),
        row.get::<_, Vec<u8>>(4),
        row.get::<_, Option<String>>(5),
        row.get::<_, i64>(6),
        row.get::<_, bool>(7),
        row.get::<_, f64>(8),
        row.get::<_, String>(9),
        row.get::<_, NaiveDate>(10).to_string(),
    ]))
}

async fn bulk() -> Outcome {
    let client = connect().await?;
    client.batch_execute("create table bulk (id int, word text)").await?;
    let sink = client.copy_in("copy bulk from stdin").await?;
    pin_mut!(sink);
    for number in 0..20_000 {
        sink.send(Bytes::from(format!("{number}\tword {number}\n"))).await?;
    }
    let copied = sink.finish().await?;
    let out = client.copy_out("copy bulk to stdout").await?;
    let size = out.try_fold(0, async |total, chunk| Ok(total + chunk.len())).await?;
    let row = client.query_one("select (count(*), sum(id), max(word))::text from bulk", &[]).await?;
    Ok(json!([copied, size, row.get::<_, String>(0)]))
}

async fn streams() -> Outcome {
    let mut client = connect().await?;
    let transaction = client.transaction().await?;
    let portal = transaction.bind("select n from generate_series(1, 1000) n", &[]).await?;
    let mut pages = Vec::new();
    loop {
        let page = transaction.query_portal(&portal, 300).await?;
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
    }
    transaction.commit().await?;
    let none: [i32; 0] = [];
    let rows = client.query_raw("select n from generate_series(1, 5000) n", none).await?;
    let sum = rows.try_fold(0, async |total, row| Ok(total + row.get::<_, i32>(0))).await?;
    Ok(json!([pages, sum]))
}

async fn cancellation() -> Outcome {
    let client = connect().await?;
    let watcher = connect().await?;
    let token = client.cancel_token();
    let slow = client.simple_query(SLOW_QUERY);
    let cancel = async {
        let find = "select 1 from pg_stat_activity where query = $1 and state = 'active'";
        while watcher.query(find, &[&SLOW_QUERY]).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        token.cancel_query(NoTls).await
    };
    let (ended, cancelled) = tokio::join!(slow, cancel);
    cancelled?;
    let alive: i32 = client.query_one("select 1", &[]).await?.get(0);
    Ok(json!([sqlstate(ended), alive]))
}

/// A connection whose notifications arrive in a channel.
async fn listening() -> Result<(Client, UnboundedReceiver<String>), Error> {
    let (client, mut connection) = tokio_postgres::connect(&database_url(), NoTls).await?;
    let (sender, heard) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notice) = message {
                // The topic is over when nobody hears.
                let _ = sender.send(notice.payload().to_owned());
            }
        }
    });
    Ok((client, heard))
}

async fn listen() -> Outcome {
    let (listener, mut heard) = listening().await?;
    listener.batch_execute("listen news").await?;
    let speaker = connect().await?;
    let mut payloads = Vec::new();
    for number in 0..3 {
        speaker.execute("select pg_notify('news', $1)", &[&format!("number {number}")]).await?;
        payloads.push(heard.recv().await);
    }
    listener.batch_execute("unlisten news").await?;
    Ok(json!(payloads))
}

async fn count_once(client: &mut Client, tag: String) -> Result<String, Failure> {
    let transaction = client.transaction().await?;
    transaction.execute("update counter set n = n + 1", &[]).await?;
    let own = transaction.query_one("select $1::text", &[&tag]).await?.get(0);
    transaction.commit().await?;
    Ok(own)
}

async fn concurrency() -> Outcome {
    let client = connect().await?;
    client.batch_execute("create table counter as select 0 as n").await?;
    let tags = at_once(async |number| {
        let mut own = connect().await?;
        own_tags(number, async |tag| count_once(&mut own, tag).await).await
    })
    .await?;
    let total: i32 = client.query_one("select n from counter", &[]).await?.get(0);
    Ok(json!([tags, total]))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    report("migrations", migrations()).await;
    report("transactions", transactions()).await;
    report("statements", statements()).await;
    report("types", types()).await;
    report("bulk", bulk()).await;
    report("streams", streams()).await;
    report("cancellation", cancellation()).await;
    report("listen", listen()).await;
    report("concurrency", concurrency()).await;
    run_scripts::<SimpleSession>().await
}
