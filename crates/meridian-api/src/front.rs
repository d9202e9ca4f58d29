//! `Front`: the routes of both wires, on one port.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use meridian_kms::RegionName;
use tonic::service::Routes;

use crate::audit::Auditor;
use crate::authentication::Authentication;
use crate::door::Door;
use crate::kms::Kms;
use crate::observer::Observer;
use crate::port::Port;
use crate::throttle::Throttle;
use crate::{aws_json, grpc, unwritten};

/// The regions that can be called.
pub trait Cluster: Send + Sync + 'static {
    /// The region's name as a type, and its own Kms; None when the cluster has no
    /// such region.
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)>;

    /// The names of all regions.
    fn regions(&self) -> Vec<String>;
}

/// Whose requests a port takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All regions; each request says which one it means.
    Cluster,
    /// One region, as an AWS endpoint does; requests for another are refused.
    Region(String),
}

/// The front door: AWS JSON 1.1 and gRPC for a cluster or one of its regions.
pub struct Front {
    /// Where the regions are.
    pub cluster: Arc<dyn Cluster>,
    /// Which of them may be called here.
    pub scope: Scope,
    /// How callers prove who they are.
    pub authentication: Authentication,
    /// Who calls too fast; nobody when left out.
    pub throttle: Option<Arc<Throttle>>,
    /// Told of every request.
    pub observer: Arc<dyn Observer>,
    /// Keeps the audit log, if there is one.
    pub auditor: Option<Arc<dyn Auditor>>,
}

impl Front {
    /// `POST /` for AWS JSON, the gRPC services KeyManagement, KeySets, reflection
    /// and health, and more routes, whose callers nobody verifies.
    ///
    /// It has a fallback, so `more` must have none ([`Router::reset_fallback`]
    /// takes away tonic's).
    pub fn port(self, more: Router) -> Port {
        let auditor = self.auditor.clone();
        let door = Arc::new(Door::new(self));
        let router = Router::new().fallback(fallback).with_state(door.clone());
        let verify = from_fn_with_state(door.clone(), grpc::verify);
        let open = door.is_open();
        let router = grpc::add_services(Routes::from(router), door.clone()).into_axum_router();
        let router = if open { router } else { router.layer(verify) };
        let unlayered = open && auditor.is_none();
        let router = match auditor {
            Some(auditor) => router.layer(from_fn_with_state(auditor, unwritten::refuse)),
            None => router,
        };
        Port::new(door, unlayered, router.merge(more))
    }
}

/// Nothing has this path: on gRPC an unknown service, on HTTP an unknown
/// operation.
async fn fallback(
    door: axum::extract::State<Arc<Door>>,
    request: axum::extract::Request,
) -> axum::response::Response {
    if grpc::is_grpc(request.headers()) {
        return grpc::unimplemented();
    }
    aws_json::refuse(door, request).await
}
