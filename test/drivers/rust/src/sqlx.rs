//! sqlx with its pool, its migrations and its cache of statements.

mod harness;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use harness::{Failure, Outcome, SLOW_QUERY, Session, at_once, database_url, own_tags, report, run_scripts};
use serde_json::{Value, json};
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::types::{Decimal, Json};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, PgPool, Row};

struct SqlxSession(PgConnection);

impl Session for SqlxSession {
    async fn open() -> Result<Self, Failure> {
        Ok(Self(PgConnection::connect(&database_url()).await?))
    }

    async fn run(&mut self, sql: &str) -> Value {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.0).await;
        let column = rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect());
        column.map_or_else(|failure| json!(sqlstate_of(&failure)), |column: Vec<Option<String>>| json!(column))
    }
}

fn sqlstate_of(failure: &Error) -> String {
    let code = failure.as_database_error().and_then(|error| error.code());
    code.map_or_else(|| failure.to_string(), |code| code.into_owned())
}

fn sqlstate<T>(result: Result<T, Error>) -> String {
    result.map_or_else(|failure| sqlstate_of(&failure), |_| "no error".to_owned())
}

const INSERT: &str = "insert into items (name) values ($1)";

/// Its lock is a session-level advisory one.
async fn migrations(pool: &PgPool) -> Outcome {
    let migrator = sqlx::migrate!();
    migrator.run(pool).await?;
    migrator.run(pool).await?;
    let versions: Vec<i64> =
        sqlx::query_scalar("select version from _sqlx_migrations order by version").fetch_all(pool).await?;
    let locks: i64 =
        sqlx::query_scalar("select count(*) from pg_locks where locktype = 'advisory'").fetch_one(pool).await?;
    let item: String = sqlx::query_scalar("insert into items (name) values ($1) returning items::text")
        .bind("apple")
        .fetch_one(pool)
        .await?;
    Ok(json!([versions, locks, item]))
}

async fn transactions(pool: &PgPool) -> Outcome {
    let mut kept = pool.begin().await?;
    sqlx::query(INSERT).bind("kept").execute(&mut *kept).await?;
    let mut inner = kept.begin().await?;
    let twin = sqlstate(sqlx::query(INSERT).bind("kept").execute(&mut *inner).await);
    inner.rollback().await?;
    kept.commit().await?;
    let mut undone = pool.begin_with("begin isolation level serializable").await?;
    sqlx::query(INSERT).bind("undone").execute(&mut *undone).await?;
    let failed = sqlstate(sqlx::query("select 1 / 0").execute(&mut *undone).await);
    drop(undone);
    let names: Vec<String> = sqlx::query_scalar("select name from items order by id").fetch_all(pool).await?;
    Ok(json!([twin, failed, names]))
}

async fn statements(pool: &PgPool) -> Outcome {
    at_once(async |client| {
        let mut total = 0;
        for number in 0..20_i32 {
            let double: i32 = sqlx::query_scalar("select $1::int4 * 2 where $2::text <> ''")
                .bind(number)
                .bind(format!("client {client}"))
                .fetch_one(pool)
                .await?;
            total += double;
        }
        let failure = sqlstate(sqlx::query("select 1 / $1::int4").bind(0_i32).fetch_one(pool).await);
        let broken = sqlstate(sqlx::query("selekt $1").bind(0_i32).fetch_one(pool).await);
        Ok(json!([total, failure, broken]))
    })
    .await
}

async fn types(pool: &PgPool) -> Outcome {
    let moment: DateTime<Utc> = "2024-02-29T12:30:15.123456Z".parse()?;
    let exact: Decimal = "1234567890.0123456789".parse()?;
    let row = sqlx::query(
        "select $1::int4[], $2::text[], $3::jsonb, $4::numeric, $5::timestamptz, $6::bytea, $7::text, $8::int8,
         $9::bool, $10::float8",
    )
    .bind(vec![1_i32, 2, 3])
    .bind(vec!["a", "b\"c"])
    .bind(Json(json!({ "deep": [1, { "x": "ü" }] })))
    .bind(exact)
    .bind(moment)
    .bind(vec![0_u8, 1, 254, 255])
    .bind(None::<String>)
    .bind(9_007_199_254_740_993_i64)
    .bind(true)
    .bind(1.5_f64)
    .fetch_one(pool)
    .await?;
    Ok(json!([
        row.try_get::<Vec<i32>, _>(0)?,
        row.try_get::<Vec<String>, _>(1)?,
        row.try_get::<Value, _>(2)?,
        row.try_get::<Decimal, _>(3)?.to_string(),
        row.try_get::<DateTime<Utc>, _>(4)?.to_rfc3339(),
        row.try_get::<Vec<u8>, _>(5)?,
        row.try_get::<Option<String>, _>(6)?,
        row.try_get::<i64, _>(7)?,
        row.try_get::<bool, _>(8)?,
        row.try_get::<f64, _>(9)?,
    ]))
}

async fn bulk(pool: &PgPool) -> Outcome {
    sqlx::query("create table bulk (id int, word text)").execute(pool).await?;
    let mut connection = pool.acquire().await?;
    let mut copy = connection.copy_in_raw("copy bulk from stdin").await?;
    let lines: String = (0..20_000).map(|number| format!("{number}\tword {number}\n")).collect();
    copy.send(lines.as_bytes()).await?;
    let copied = copy.finish().await?;
    let ids: Vec<i32> = (0..1_000).collect();
    sqlx::query("insert into bulk select id, 'unnested' from unnest($1::int4[]) id").bind(ids).execute(pool).await?;
    let sums: String =
        sqlx::query_scalar("select (count(*), sum(id), max(word))::text from bulk").fetch_one(pool).await?;
    Ok(json!([copied, sums]))
}

async fn streams(pool: &PgPool) -> Outcome {
    let rows = sqlx::query_scalar::<_, i32>("select n from generate_series(1, 5000) n").fetch(pool);
    Ok(json!(rows.try_fold(0, async |total, number| Ok(total + number)).await?))
}

/// sqlx has no CancelRequest: the server is asked by SQL.
async fn cancellation(pool: &PgPool) -> Outcome {
    let slow = sqlx::query(SLOW_QUERY).execute(pool);
    let cancel = async {
        let find = "select pg_cancel_backend(pid) from pg_stat_activity where query = $1 and state = 'active'";
        while sqlx::query(find).bind(SLOW_QUERY).fetch_all(pool).await?.is_empty() {
            tokio::task::yield_now().await;
        }
        Ok::<_, Error>(())
    };
    let (ended, cancelled) = tokio::join!(slow, cancel);
    cancelled?;
    Ok(json!([sqlstate(ended)]))
}

async fn listen(pool: &PgPool) -> Outcome {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("news").await?;
    let mut heard = Vec::new();
    for number in 0..3 {
        sqlx::query("select pg_notify('news', $1)").bind(format!("number {number}")).execute(pool).await?;
        heard.push(listener.recv().await?.payload().to_owned());
    }
    Ok(json!(heard))
}

async fn concurrency(pool: &PgPool) -> Outcome {
    sqlx::query("create table counter as select 0 as n").execute(pool).await?;
    let count_once = async |tag: String| {
        let mut transaction = pool.begin().await?;
        sqlx::query("update counter set n = n + 1").execute(&mut *transaction).await?;
        let own: String = sqlx::query_scalar("select $1::text").bind(tag).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(own)
    };
    let tags = at_once(async |number| own_tags(number, &count_once).await).await?;
    let total: i32 = sqlx::query_scalar("select n from counter").fetch_one(pool).await?;
    Ok(json!([tags, total]))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(20).connect(&database_url()).await?;
    report("migrations", migrations(&pool)).await;
    report("transactions", transactions(&pool)).await;
    report("statements", statements(&pool)).await;
    report("types", types(&pool)).await;
    report("bulk", bulk(&pool)).await;
    report("streams", streams(&pool)).await;
    report("cancellation", cancellation(&pool)).await;
    report("listen", listen(&pool)).await;
    report("concurrency", concurrency(&pool)).await;
    run_scripts::<SqlxSession>().await
}
