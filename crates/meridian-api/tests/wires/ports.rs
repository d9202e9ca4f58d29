//! Real connections: both HTTP versions on one port, shutdown, large bodies,
//! and a router merged into the front's.

use meridian_api::Port;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::aws_json::signed;
use crate::cluster::{answer, cluster};

/// Serves a port on a free loopback port until `shutdown`.
pub async fn serve(
    port: Port,
    shutdown: impl Future<Output: Send> + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (
        address,
        tokio::spawn(meridian_api::serve(listener, port, true, shutdown)),
    )
}

/// Serves a port for as long as the test runs.
pub async fn serve_on(port: Port) -> SocketAddr {
    serve(port, std::future::pending::<()>()).await.0
}

async fn send(address: SocketAddr, version: Version, request: Request<Body>) -> Response<Incoming> {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    if version == Version::HTTP_2 {
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let mut request = request;
        *request.uri_mut() = format!("http://{address}{}", request.uri())
            .parse()
            .unwrap();
        return sender.send_request(request).await.unwrap();
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut request = request;
    let host = address.to_string().parse().unwrap();
    request.headers_mut().insert("host", host);
    sender.send_request(request).await.unwrap()
}

#[tokio::test]
async fn aws_json_is_served_over_both_http_versions() {
    let address = serve_on(cluster(&["eu-west-1"], answer).front()).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let list = send(address, version, signed("eu-west-1", "ListKeys", "{}")).await;
        assert_eq!((list.version(), list.status().as_u16()), (version, 200));
        assert!(list.headers().contains_key("date"));
        let length = list.headers()["content-length"]
            .to_str()
            .unwrap()
            .to_owned();
        let body = list.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], br#"{"Keys":[]}"#);
        assert_eq!(length, body.len().to_string());

        let body = r#"{"KeyId":"k"}"#;
        let enable = send(address, version, signed("eu-west-1", "EnableKey", body)).await;
        assert_eq!(enable.headers()["content-length"], "0");
        assert!(
            enable
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_reads_the_answer() {
    let address = serve_on(cluster(&["eu-west-1"], answer).front()).await;
    let body = vec![b' '; 8 << 20];
    let answer = send(
        address,
        Version::HTTP_11,
        signed("eu-west-1", "ListKeys", body),
    )
    .await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn a_stopped_port_closes_its_connections_and_is_free_again() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (address, served) = serve(cluster(&["eu-west-1"], answer).front(), stopped).await;
    let idle = TcpStream::connect(address).await.unwrap();
    let request = signed("eu-west-1", "ListKeys", "{}");
    assert_eq!(send(address, Version::HTTP_11, request).await.status(), 200);
    stop.send(()).unwrap();
    served.await.unwrap();
    idle.readable().await.unwrap();
    assert_eq!(
        idle.try_read(&mut [0; 8]).unwrap(),
        0,
        "the connection is closed"
    );
    TcpListener::bind(address).await.unwrap();
}

#[tokio::test]
async fn a_port_may_have_more_routes() {
    let own = Router::new().route("/health", get(async || "fine"));
    let address = serve_on(cluster(&["eu-west-1"], answer).front_with(own)).await;
    let health = Request::get("/health").body(Body::empty()).unwrap();
    assert_eq!(send(address, Version::HTTP_11, health).await.status(), 200);
    let nothing = Request::get("/nothing").body(Body::empty()).unwrap();
    assert_eq!(send(address, Version::HTTP_11, nothing).await.status(), 400);
}
