//! `Port`: what one listening port answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request};
use http_body::Body;
use tower::{BoxError, Service, ServiceExt as _};

use crate::door::Door;
use crate::grpc::KeyManagement;
use crate::{aws_json, grpc, unwritten};

/// The operations on both wires, which are nearly all that comes, and every
/// other route. A router's own steps would be a tenth of the cost of a call.
#[derive(Clone)]
pub struct Port {
    /// Answers `POST /`.
    aws_json: Option<Arc<Door>>,
    /// The gRPC service of the operations, where no layer of the routes has to
    /// see its calls first.
    key_management: Option<KeyManagement>,
    routes: Router,
}

impl Port {
    /// `unlayered` says that `routes` do no more with a call of KeyManagement
    /// than to find the service.
    pub(crate) fn new(door: Arc<Door>, unlayered: bool, routes: Router) -> Port {
        Port {
            key_management: unlayered.then(|| grpc::key_management(door.clone())),
            aws_json: Some(door),
            routes,
        }
    }

    /// The response to a request, as `sent` has it. The futures are boxed one by
    /// one, so that a call does not carry the size of a router's.
    pub(crate) fn answer<B, R>(
        &self,
        request: Request<B>,
        sent: fn(Response) -> R,
    ) -> BoxFuture<'static, R>
    where
        B: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
        R: 'static,
    {
        let path = request.uri().path();
        match (&self.aws_json, &self.key_management) {
            (Some(door), _) if request.method() == Method::POST && path == "/" => {
                let door = door.clone();
                match door.auditor().cloned() {
                    None => async move { sent(aws_json::answer(&door, request).await) }.boxed(),
                    Some(auditor) => async move {
                        let answered = |request| aws_json::answer(&door, request);
                        sent(unwritten::recorded(&*auditor, request, answered).await)
                    }
                    .boxed(),
                }
            }
            (_, Some(service)) if grpc::is_key_management(path) => {
                let answered = service.clone().call(request);
                answered.map(move |Ok(it)| sent(it.into_response())).boxed()
            }
            _ => {
                let answered = self.routes.clone().oneshot(request);
                answered.map(move |Ok(response)| sent(response)).boxed()
            }
        }
    }
}

/// A port without the operations.
impl From<Router> for Port {
    fn from(routes: Router) -> Port {
        Port {
            aws_json: None,
            key_management: None,
            routes,
        }
    }
}

impl<B> Service<Request<B>> for Port
where
    B: Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.answer(request, Ok)
    }
}
