//! Faults over plain HTTP, so that a test in any language needs two lines:
//!
//! * `POST /chaos/faults` with a fault as JSON: `{"id": "…"}`
//! * `GET /chaos/faults`: `{"faults": […]}`
//! * `DELETE /chaos/faults`, `DELETE /chaos/faults/ID`: `{"removed": 1}`
//! * `PUT /chaos/profile/NAME`: the faults that are active then
//! * `POST /chaos/verdict`: what the judge says of a cluster that records itself
//!
//! A fault is the message `meridian.v1.Fault` in protobuf's JSON form, such as
//! `{"link_cut": {"link": {"from": "us-east-1", "to": "eu-west-1"}}}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post, put};
use axum::{Json, Router};
use meridian_proto::proto_json::{from_json, to_json};
use meridian_proto::v1::{Fault, ListFaultsResponse};
use serde_json::{Value, json};

use crate::chaos_service::ChaosService;

/// The pages of a front door.
pub struct ChaosPages(pub ChaosService);

impl ChaosPages {
    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/chaos/faults", post(add).get(list).delete(clear))
            .route("/chaos/faults/{id}", delete(remove))
            .route("/chaos/profile/{name}", put(set_profile))
            .route("/chaos/verdict", post(verdict))
            .with_state(self.0)
    }
}

type Answer = Result<Json<Value>, Refused>;

/// An error as these pages show it.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<tonic::Status> for Refused {
    fn from(status: tonic::Status) -> Refused {
        let code = match status.code() {
            tonic::Code::InvalidArgument => StatusCode::BAD_REQUEST,
            tonic::Code::PermissionDenied => StatusCode::FORBIDDEN,
            tonic::Code::FailedPrecondition => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refused(code, status.message().to_owned())
    }
}

async fn add(State(chaos): State<ChaosService>, body: String) -> Answer {
    let fault: Fault = from_json("Fault", &body)
        .map_err(|why| Refused(StatusCode::BAD_REQUEST, format!("not a fault: {why}")))?;
    Ok(Json(json!({"id": chaos.add(&fault).await?})))
}

async fn list(State(chaos): State<ChaosService>) -> Json<Value> {
    listed(&chaos.list())
}

async fn set_profile(State(chaos): State<ChaosService>, Path(name): Path<String>) -> Answer {
    Ok(listed(&chaos.set_profile(&name).await?))
}

async fn verdict(State(chaos): State<ChaosService>) -> Answer {
    Ok(Json(to_json("Verdict", &chaos.verdict(None).await?)))
}

fn listed(list: &ListFaultsResponse) -> Json<Value> {
    let faults: Vec<Value> = list
        .faults
        .iter()
        .map(|fault| to_json("Fault", fault))
        .collect();
    Json(json!({"faults": faults, "fired": list.fired}))
}

async fn clear(State(chaos): State<ChaosService>) -> Answer {
    Ok(Json(json!({"removed": chaos.clear().await?})))
}

async fn remove(State(chaos): State<ChaosService>, Path(id): Path<String>) -> Answer {
    match chaos.remove(&id).await? {
        true => Ok(Json(json!({"removed": 1}))),
        false => Err(Refused(
            StatusCode::NOT_FOUND,
            format!("no fault {id:?} is active"),
        )),
    }
}
