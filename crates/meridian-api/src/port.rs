//! `Port`: what one listening port answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request};
use http_body::Body;
use tower::{BoxError, Service, ServiceExt as _};

use crate::door::Door;
use crate::{aws_json, unwritten};

/// AWS JSON, which is `POST /` and nearly all that comes, and every other route.
/// A router's own steps would be a tenth of the cost of a call.
#[derive(Clone)]
pub struct Port {
    aws_json: Option<Arc<Door>>,
    routes: Router,
}

impl Port {
    pub(crate) fn new(aws_json: Arc<Door>, routes: Router) -> Port {
        Port {
            aws_json: Some(aws_json),
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
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
        R: 'static,
    {
        match &self.aws_json {
            Some(door) if request.method() == Method::POST && request.uri().path() == "/" => {
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
            _ => {
                let answered = self.routes.clone().oneshot(request);
                async move {
                    match answered.await {
                        Ok(response) => sent(response),
                        Err(it) => match it {},
                    }
                }
                .boxed()
            }
        }
    }
}

/// A port without AWS JSON.
impl From<Router> for Port {
    fn from(routes: Router) -> Port {
        Port {
            aws_json: None,
            routes,
        }
    }
}

impl<B> Service<Request<B>> for Port
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
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
