//! `Server`: one server process, as the process that measures it sees it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::process;
use crate::serve::{LISTENS_AT, READY};

/// How long a server may take for each step of its start or end.
const STEP_TIME_MAX: Duration = Duration::from_secs(120);

/// A process is at rest when it has used less CPU time than this share of the
/// time over which it was observed.
const REST_SHARE: f64 = 0.1;

/// How long a process is observed.
const REST_OBSERVED: Duration = Duration::from_millis(500);

/// A server process; it ends with this value.
pub struct Server {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    started: Instant,
    address: String,
    pid: u32,
}

impl Server {
    /// Handlers that do nothing.
    ///
    /// # Errors
    /// The process does not start.
    pub async fn null() -> anyhow::Result<Server> {
        let mut server = Server::spawn(&["serve-null"]).await?;
        server.ready().await?;
        Ok(server)
    }

    /// A cluster that is ready and at rest.
    ///
    /// # Errors
    /// The process does not start.
    pub async fn cluster(
        regions: &[&str],
        nodes_per_region: u64,
        data_dir: &Path,
    ) -> anyhow::Result<Server> {
        let mut server = Server::starting_cluster(regions, nodes_per_region, data_dir).await?;
        server.ready().await?;
        server.rest().await?;
        Ok(server)
    }

    /// A cluster that begins with what a seed file says, ready and at rest.
    ///
    /// # Errors
    /// The process does not start, or does not take the seed.
    pub async fn seeded(
        regions: &[&str],
        nodes_per_region: u64,
        data_dir: &Path,
        seed: &Path,
    ) -> anyhow::Result<Server> {
        let more = ["--seed", path_text(seed)?];
        let mut server = Server::serving(regions, nodes_per_region, data_dir, &more).await?;
        server.ready().await?;
        server.rest().await?;
        Ok(server)
    }

    /// A cluster that listens and may have no leaders yet.
    ///
    /// # Errors
    /// The process does not start.
    pub async fn starting_cluster(
        regions: &[&str],
        nodes_per_region: u64,
        data_dir: &Path,
    ) -> anyhow::Result<Server> {
        Server::serving(regions, nodes_per_region, data_dir, &[]).await
    }

    async fn serving(
        regions: &[&str],
        nodes_per_region: u64,
        data_dir: &Path,
        more: &[&str],
    ) -> anyhow::Result<Server> {
        let (regions, nodes) = (regions.join(","), nodes_per_region.to_string());
        let arguments = [
            "serve-cluster",
            "--regions",
            &regions,
            "--nodes-per-region",
            &nodes,
            "--data-dir",
            path_text(data_dir)?,
        ];
        Server::spawn(&[&arguments[..], more].concat()).await
    }

    async fn spawn(arguments: &[&str]) -> anyhow::Result<Server> {
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().context("the server has ended at once")?;
        let input = child.stdin.take().context("the server's input is a pipe")?;
        let output = child
            .stdout
            .take()
            .context("the server's output is a pipe")?;
        let output = BufReader::new(output).lines();
        let mut server = Server {
            child,
            input,
            output,
            started,
            address: String::new(),
            pid,
        };
        server.address = server.line(LISTENS_AT).await?.trim().to_owned();
        Ok(server)
    }

    /// Waits until every region has a leader.
    ///
    /// # Errors
    /// The process ends, or takes too long.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        self.line(READY).await.map(|_| ())
    }

    /// Waits until the process has done what it does after its start: a cluster
    /// generates wrapping keys ahead for some seconds.
    async fn rest(&self) -> anyhow::Result<()> {
        let until = Instant::now() + STEP_TIME_MAX;
        while Instant::now() < until {
            let before = process::cpu_micros(self.pid)?;
            tokio::time::sleep(REST_OBSERVED).await;
            let used = process::cpu_micros(self.pid)? - before;
            if (used as f64) < REST_OBSERVED.as_micros() as f64 * REST_SHARE {
                return Ok(());
            }
        }
        anyhow::bail!("a server does not come to rest")
    }

    /// The rest of the next line, which must begin like this.
    async fn line(&mut self, begin: &str) -> anyhow::Result<String> {
        let next = tokio::time::timeout(STEP_TIME_MAX, self.output.next_line());
        let line = next
            .await
            .with_context(|| format!("waiting for `{begin}` of a server"))??;
        let line = line.with_context(|| format!("a server ended before `{begin}`"))?;
        let rest = line.strip_prefix(begin);
        Ok(rest
            .with_context(|| format!("`{begin}` expected, not `{line}`"))?
            .to_owned())
    }

    /// Where it listens: `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Time since the process was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Its process ID.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    /// It has ended.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        process::resident_bytes(self.pid)
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// It does not end, or fails.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.input);
        let ended = tokio::time::timeout(STEP_TIME_MAX, self.child.wait()).await;
        let status = ended.context("a server did not stop")??;
        anyhow::ensure!(status.success(), "a server failed: {status}");
        Ok(())
    }
}

fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is UTF-8")
}

/// A directory for data on the disk of the working directory, since a temporary
/// directory may be in memory. It goes away with its value.
///
/// # Errors
/// The directory cannot be made.
pub fn data_directory() -> anyhow::Result<tempfile::TempDir> {
    let builder = tempfile::Builder::new()
        .prefix("meridian-bench-")
        .tempdir_in(".");
    builder.context("making a data directory in the working directory")
}
