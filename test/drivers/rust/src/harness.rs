//! What every stack's program does: run its topics one after the other, and print what came of each as a line
//! of JSON. Whether that is right is the runner's to say: it compares with PostgreSQL's own.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};

/// Whatever a topic fails with.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a topic came to: anything that is the same at every run.
pub type Outcome = Result<Value, Failure>;

/// Runs until it is cancelled.
pub const SLOW_QUERY: &str = "select pg_sleep(30)::text /* the slow one */";

const CLIENTS: usize = 20;
const ROUNDS: usize = 10;
const DEADLINE: Duration = Duration::from_secs(15);

/// One connection, for as long as it lives.
pub trait Session: Sized {
    /// Connects.
    fn open() -> impl Future<Output = Result<Self, Failure>>;

    /// Returns the first column of the rows, or the SQLSTATE of the failure.
    fn run(&mut self, sql: &str) -> impl Future<Output = Value>;
}

#[derive(Deserialize)]
struct Script {
    topic: String,
    steps: Vec<(String, String)>,
}

/// Where the programs connect to.
pub fn database_url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL says where to connect")
}

/// Prints what came of a topic.
pub async fn report(topic: &str, work: impl Future<Output = Outcome>) {
    let line = match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok(result)) => json!({ "topic": topic, "result": result }),
        Ok(Err(failure)) => json!({ "topic": topic, "failed": format!("{failure:?}") }),
        Err(_) => json!({ "topic": topic, "failed": "not over in time" }),
    };
    println!("{line}");
}

/// Runs the scripts of plain SQL.
pub async fn run_scripts<Opened: Session>() -> Result<(), Failure> {
    let path = std::env::var("SCRIPTS")?;
    let scripts: Vec<Script> = serde_json::from_slice(&std::fs::read(path)?)?;
    for script in scripts {
        report(&script.topic, play::<Opened>(&script.steps)).await;
    }
    Ok(())
}

/// Runs `work` for twenty clients at once and returns the results in order.
pub async fn at_once(work: impl AsyncFn(usize) -> Outcome) -> Outcome {
    Ok(Value::Array(try_join_all((0..CLIENTS).map(async |client| work(client).await)).await?))
}

/// Returns the different tags that a client got in ten transactions: only ever its own.
pub async fn own_tags(client: usize, mut count_once: impl AsyncFnMut(String) -> Result<String, Failure>) -> Outcome {
    let mut seen = BTreeSet::new();
    for _ in 0..ROUNDS {
        seen.insert(count_once(format!("tag {client}")).await?);
    }
    Ok(json!(seen))
}

async fn play<Opened: Session>(steps: &[(String, String)]) -> Outcome {
    let mut sessions: HashMap<&str, Opened> = HashMap::new();
    let mut results = Vec::with_capacity(steps.len());
    for (name, sql) in steps {
        if !sessions.contains_key(name.as_str()) {
            sessions.insert(name, Opened::open().await?);
        }
        if let Some(session) = sessions.get_mut(name.as_str()) {
            results.push(session.run(sql).await);
        }
    }
    Ok(Value::Array(results))
}
