//! An HTTP/1.1 client so plain that the server is what is measured: one
//! connection, one request made ahead, answers that have a Content-Length.

use anyhow::Context as _;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::load::Client;

/// A connection and the request that it repeats.
pub struct Http1 {
    stream: TcpStream,
    request: Bytes,
    received: Vec<u8>,
}

impl Http1 {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(address: &str, request: Bytes) -> anyhow::Result<Http1> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Http1 {
            stream,
            request,
            received: Vec::with_capacity(4096),
        })
    }

    /// Sends another request from here on.
    pub fn repeat(&mut self, request: Bytes) {
        self.request = request;
    }

    /// Sends the request; gives the body of the answer.
    ///
    /// # Errors
    /// The connection ends, or the answer is not `200 OK`.
    pub async fn send(&mut self) -> anyhow::Result<&[u8]> {
        self.stream.write_all(&self.request).await?;
        self.received.clear();
        let body_at = loop {
            if let Some(at) = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                break at + 4;
            }
            self.receive().await?;
        };
        let head = std::str::from_utf8(&self.received[..body_at])?;
        let length = content_length(head).with_context(|| format!("no length in {head}"))?;
        let is_ok = head.starts_with("HTTP/1.1 200 ");
        while self.received.len() < body_at + length {
            self.receive().await?;
        }
        let body = &self.received[body_at..];
        anyhow::ensure!(is_ok, "not answered: {}", String::from_utf8_lossy(body));
        Ok(body)
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.received).await?;
        anyhow::ensure!(count > 0, "the server has closed the connection");
        Ok(())
    }
}

fn content_length(head: &str) -> Option<usize> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    value.trim().parse().ok()
}

impl Client for Http1 {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.send().await.map(|_| ())
    }
}
