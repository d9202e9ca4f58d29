//! `GET /health`, `/regions` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use meridian_kms::RegionName;
use meridian_proto::v1::{StatusRequest, StatusResponse};
use serde::Serialize;

use crate::directory::{Directory, Place};
use crate::metrics::Metrics;

/// How long a node may take to say how it is.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// What the status pages need.
#[derive(Clone)]
pub struct StatusPages {
    /// Every node.
    pub directory: Arc<Directory>,
    /// The process's metrics.
    pub metrics: Metrics,
    /// The regions' own ports, where a process serves them.
    pub region_addresses: Arc<Vec<(RegionName, String)>>,
}

/// A region in `GET /regions`.
#[derive(Serialize)]
struct RegionStatus {
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Node ID of the leader; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<u64>,
    nodes: Vec<NodeStatus>,
}

/// A node in `GET /regions`.
#[derive(Serialize)]
struct NodeStatus {
    id: u64,
    peer_address: String,
    reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_index: Option<u64>,
}

/// `GET /health`.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    regions_without_leader: Vec<String>,
}

impl StatusPages {
    /// The routes.
    pub fn router(self) -> Router {
        let (health, regions, metrics) = (self.clone(), self.clone(), self.metrics);
        Router::new()
            .route("/health", get(move || async move { health.health().await }))
            .route(
                "/regions",
                get(move || async move { Json(regions.regions().await) }),
            )
            .route("/metrics", get(move || async move { render(&metrics) }))
    }

    async fn health(&self) -> Response {
        let regions = self.regions().await;
        let leaderless = regions.into_iter().filter(|region| region.leader.is_none());
        let regions_without_leader: Vec<String> = leaderless.map(|region| region.region).collect();
        let healthy = regions_without_leader.is_empty();
        let code = if healthy {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let status = if healthy { "ok" } else { "no leader" };
        (
            code,
            Json(Health {
                status,
                regions_without_leader,
            }),
        )
            .into_response()
    }

    async fn regions(&self) -> Vec<RegionStatus> {
        let names = self.directory.names();
        futures::future::join_all(names.iter().map(|name| self.region(name))).await
    }

    async fn region(&self, name: &RegionName) -> RegionStatus {
        let places = self.directory.nodes(name);
        let answers = futures::future::join_all(places.iter().map(|place| self.ask(place))).await;
        // Of two nodes that name different leaders the one in the later term
        // is right; a leader counts only if it agrees itself.
        let leads =
            |answer: &&StatusResponse| answer.leader_id != 0 && answer.leader_id == answer.node_id;
        let leader = answers
            .iter()
            .flatten()
            .filter(leads)
            .max_by_key(|answer| answer.term);
        let address = self
            .region_addresses
            .iter()
            .find(|(region, _)| region == name);
        RegionStatus {
            region: name.to_string(),
            address: address.map(|(_, address)| address.clone()),
            leader: leader.map(|answer| answer.node_id),
            nodes: places
                .iter()
                .zip(&answers)
                .map(|(place, answer)| node(place, answer))
                .collect(),
        }
    }

    async fn ask(&self, place: &Place) -> Option<StatusResponse> {
        let mut client = self.directory.client(&place.peer_address).ok()?;
        let asked = tokio::time::timeout(STATUS_TIMEOUT, client.status(StatusRequest {})).await;
        Some(asked.ok()?.ok()?.into_inner())
    }
}

fn node(place: &Place, answer: &Option<StatusResponse>) -> NodeStatus {
    NodeStatus {
        id: place.id,
        peer_address: place.peer_address.clone(),
        reachable: answer.is_some(),
        address: answer.as_ref().map(|answer| answer.listen_address.clone()),
        term: answer.as_ref().map(|answer| answer.term),
        applied_index: answer.as_ref().map(|answer| answer.applied_index),
    }
}

fn render(metrics: &Metrics) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.render()).into_response()
}
