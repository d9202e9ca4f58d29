//! Serving a [`Port`] on a listener: HTTP/1.1 and HTTP/2 with prior knowledge on
//! the same port.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::response::Response;
use axum::serve::Listener;
use futures::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::audit::ClientAddress;
use crate::port::Port;
use crate::socket::Socket;

/// Calls that one HTTP/2 connection may have under way.
const STREAMS_MAX: u32 = 4096;

/// What a client may send ahead on one HTTP/2 stream, in bytes: a whole request
/// of any size that is accepted.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// The same for all streams of a connection.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// How long requests under way may take to finish once it is time to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Answers connections until `shutdown` is ready; then lets requests under way
/// finish, for a short time only, since a stream may never end by itself.
///
/// Dropping the future closes all connections at once.
///
/// With `note_clients` each request carries its client's address, for the audit
/// log.
pub async fn serve(listener: TcpListener, port: Port, note_clients: bool, shutdown: impl Future) {
    let mut listener = listener;
    let builder = connection_builder();
    let draining = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            _ = &mut shutdown => break,
            (stream, client) = Listener::accept(&mut listener) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection goes without TCP_NODELAY");
                }
                let stream = TokioIo::new(Socket(stream));
                let answers = Answers {
                    port: port.clone(),
                    client: note_clients.then(|| ClientAddress(client.ip())),
                };
                let connection = builder.serve_connection(stream, answers);
                let connection = draining.watch(connection.into_owned());
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(error, "a connection ended early");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIME_MAX, draining.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("stopped with requests under way");
    }
}

/// Marks a response that is not sent: the connection is closed in its place.
#[derive(Clone, Copy)]
pub(crate) struct Reset;

/// The requests of one connection.
struct Answers {
    port: Port,
    client: Option<ClientAddress>,
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Response>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(client) = self.client {
            request.extensions_mut().insert(client);
        }
        self.port.answer(request, or_reset)
    }
}

/// A service that fails ends its connection.
fn or_reset(response: Response) -> io::Result<Response> {
    match response.extensions().get::<Reset>() {
        Some(Reset) => Err(io::ErrorKind::ConnectionReset.into()),
        None => Ok(response),
    }
}

fn connection_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The time limit for headers would also close idle connections, under
    // clients that are about to use them again.
    builder.http1().header_read_timeout(None);
    builder
        .http2()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX);
    builder
}
