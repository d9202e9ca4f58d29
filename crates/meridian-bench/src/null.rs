//! What the wires are measured against: handlers that do nothing, on the HTTP
//! stack and the gRPC stack of the product.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Ready, ready};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

/// The path of the null RPC.
pub const NULL_RPC: &str = "/meridian.bench.Null/Call";

/// `POST /` that reads its body and answers a small one, and a unary RPC from
/// the empty message to the empty message.
pub fn router() -> Router {
    let null_post = post(|body: Bytes| async move {
        drop(body);
        "{}"
    });
    Routes::from(Router::new().route("/", null_post))
        .add_service(NullRpc)
        .into_axum_router()
}

#[derive(Clone)]
struct NullRpc;

impl NamedService for NullRpc {
    const NAME: &'static str = "meridian.bench.Null";
}

impl Service<http::Request<Body>> for NullRpc {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        async move {
            let codec = ProstCodec::<(), ()>::default();
            Ok(tonic::server::Grpc::new(codec)
                .unary(Nothing, request)
                .await)
        }
        .boxed()
    }
}

/// The handler itself.
struct Nothing;

impl Service<Request<()>> for Nothing {
    type Response = Response<()>;
    type Error = Status;
    type Future = Ready<Result<Response<()>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}
