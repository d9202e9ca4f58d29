//! Closed-loop load: clients that each keep one request under way, in rounds
//! that the sides of a comparison take in turn.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinSet;

use crate::Effort;
use crate::process::cpu_micros;

/// One client with its connection.
pub trait Client: Send + 'static {
    /// Sends a request and waits for its answer.
    fn call(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Clients of one side, and the processes that serve them.
pub struct Load<C> {
    clients: Vec<C>,
    server_pids: Vec<u32>,
}

/// What one round came to, or the medians of several.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Requests answered in a second.
    pub per_second: f64,
    /// CPU time of the servers for one request.
    pub server_cpu_us: f64,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s at {:.1} µs CPU",
            self.per_second, self.server_cpu_us
        )
    }
}

/// One side of a comparison.
pub trait Side {
    /// Loads the server for this long.
    fn round(&mut self, time: Duration) -> BoxFuture<'_, anyhow::Result<Round>>;
}

impl<C: Client> Load<C> {
    /// Clients of servers with these process IDs.
    pub fn new(clients: Vec<C>, server_pids: Vec<u32>) -> Load<C> {
        Load {
            clients,
            server_pids,
        }
    }

    /// Calls `requests` times altogether, from all clients at once.
    ///
    /// # Errors
    /// A request was not answered as it should be.
    pub async fn requests(&mut self, requests: u64) -> anyhow::Result<()> {
        let each = requests.div_ceil(self.clients.len() as u64);
        self.each(move |calls| calls < each).await.map(|_| ())
    }

    /// Lets every client call while `more` says so of the calls it has made.
    async fn each(
        &mut self,
        more: impl Fn(u64) -> bool + Clone + Send + 'static,
    ) -> anyhow::Result<u64> {
        let mut running = JoinSet::new();
        for mut client in self.clients.drain(..) {
            let more = more.clone();
            running.spawn(async move {
                let mut calls = 0;
                while more(calls) {
                    client.call().await?;
                    calls += 1;
                }
                anyhow::Ok((client, calls))
            });
        }
        let mut total = 0;
        while let Some(ended) = running.join_next().await {
            let (client, calls) = ended??;
            self.clients.push(client);
            total += calls;
        }
        Ok(total)
    }

    fn server_cpu_micros(&self) -> anyhow::Result<u64> {
        self.server_pids.iter().map(|pid| cpu_micros(*pid)).sum()
    }
}

impl<C: Client> Side for Load<C> {
    fn round(&mut self, time: Duration) -> BoxFuture<'_, anyhow::Result<Round>> {
        async move {
            let cpu_before = self.server_cpu_micros()?;
            let started = Instant::now();
            let until = started + time;
            let total = self.each(move |_| Instant::now() < until).await? as f64;
            let elapsed = started.elapsed();
            let cpu = self.server_cpu_micros()? - cpu_before;
            Ok(Round {
                per_second: total / elapsed.as_secs_f64(),
                server_cpu_us: cpu as f64 / total,
            })
        }
        .boxed()
    }
}

/// The rounds of one side.
pub struct Rounds(Vec<Round>);

impl Rounds {
    /// The median of each figure.
    pub fn median(&self) -> Round {
        Round {
            per_second: median(self.0.iter().map(|round| round.per_second)),
            server_cpu_us: median(self.0.iter().map(|round| round.server_cpu_us)),
        }
    }

    /// The throughput in terms of another side's: the median over the rounds,
    /// since the two had the same moment of a noisy machine.
    pub fn ratio_to(&self, other: &Rounds) -> f64 {
        self.median_ratio(other, |round| round.per_second)
    }

    /// The same of the servers' CPU time for one request.
    pub fn cpu_ratio_to(&self, other: &Rounds) -> f64 {
        self.median_ratio(other, |round| round.server_cpu_us)
    }

    fn median_ratio(&self, other: &Rounds, figure: impl Fn(&Round) -> f64) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        median(pairs.map(|(own, its)| figure(own) / figure(its)))
    }
}

/// Lets the sides take turns, after one round each to warm up.
///
/// # Errors
/// A request was not answered as it should be.
pub async fn take_turns(
    effort: &Effort,
    sides: &mut [&mut dyn Side],
) -> anyhow::Result<Vec<Rounds>> {
    for side in sides.iter_mut() {
        side.round(effort.round).await?;
    }
    let mut all: Vec<Rounds> = sides.iter().map(|_| Rounds(Vec::new())).collect();
    for _ in 0..effort.rounds {
        for (side, rounds) in sides.iter_mut().zip(&mut all) {
            rounds.0.push(side.round(effort.round).await?);
        }
    }
    Ok(all)
}

/// The middle one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
