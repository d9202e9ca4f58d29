//! The seam between regions: every byte from one region to another passes
//! [`Links`], here over gRPC, and `faulty.rs` injects faults around it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use meridian_kms::{Answer, Question, RegionName};
use meridian_proto::v1::{FactBatch, PreflightQuestion};

use crate::directory::Directory;

/// How long a push may take before it counts as lost. It is repeated then,
/// which is harmless.
pub const PUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a preflight may take before the region counts as unreachable.
pub const PREFLIGHT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one node of the other region may take before the next is tried.
const NODE_TIMEOUT: Duration = Duration::from_millis(1500);

/// The other region did not answer.
#[derive(Clone, Debug)]
pub struct LinkError(pub String);

/// Everything that one region sends to others.
pub trait Links: Send + Sync + 'static {
    /// Sends facts; returns once the region has committed them.
    fn push(
        &self,
        to: &RegionName,
        facts: Vec<Vec<u8>>,
    ) -> BoxFuture<'static, Result<(), LinkError>>;

    /// Asks a read-only question.
    fn preflight(&self, question: &Question) -> BoxFuture<'static, Result<Answer, LinkError>>;
}

/// Links over gRPC: to whichever node of the region answers, and from there to
/// its leader.
pub struct GrpcLinks {
    /// The sending region.
    pub from: RegionName,
    /// Where the others are.
    pub directory: Arc<Directory>,
    /// The address that answered last, by region.
    pub answering: Arc<Mutex<HashMap<RegionName, String>>>,
}

impl GrpcLinks {
    /// The addresses of a region, the one that answered last first.
    fn addresses(&self, region: &RegionName) -> Vec<String> {
        let answering = self
            .answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut addresses: Vec<String> = answering.get(region).cloned().into_iter().collect();
        let known = self
            .directory
            .nodes(region)
            .iter()
            .map(|place| place.peer_address.clone());
        addresses.extend(known.filter(|address| answering.get(region) != Some(address)));
        addresses
    }

    fn remember(
        answering: &Mutex<HashMap<RegionName, String>>,
        region: &RegionName,
        address: &str,
    ) {
        let mut answering = answering.lock().unwrap_or_else(PoisonError::into_inner);
        if answering.get(region).map(String::as_str) != Some(address) {
            answering.insert(region.clone(), address.to_owned());
        }
    }

    /// The address did not answer: the next push begins elsewhere.
    fn forget(answering: &Mutex<HashMap<RegionName, String>>, region: &RegionName) {
        let mut answering = answering.lock().unwrap_or_else(PoisonError::into_inner);
        answering.remove(region);
    }
}

/// One node's answer, or why there is none.
async fn in_time<T>(
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<tonic::Response<T>, String> {
    match tokio::time::timeout(NODE_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|status| status.message().to_owned()),
        Err(_) => Err("no answer in time".into()),
    }
}

impl Links for GrpcLinks {
    fn push(
        &self,
        to: &RegionName,
        facts: Vec<Vec<u8>>,
    ) -> BoxFuture<'static, Result<(), LinkError>> {
        let batch = FactBatch {
            from_region: self.from.to_string(),
            to_region: to.to_string(),
            facts: facts.into_iter().map(Bytes::from).collect(),
        };
        let mut addresses = self.addresses(to);
        let (directory, answering, to) =
            (self.directory.clone(), self.answering.clone(), to.clone());
        Box::pin(async move {
            let mut why = String::from("no node is known");
            let mut tries = 0;
            while tries < addresses.len() && tries < 8 {
                let address = addresses[tries].clone();
                tries += 1;
                let client = directory.client(&address);
                let mut client = client.map_err(|error| LinkError(error.to_string()))?;
                match in_time(client.push_facts(batch.clone())).await {
                    Ok(ack) => match ack.into_inner().leader_address {
                        None => {
                            GrpcLinks::remember(&answering, &to, &address);
                            return Ok(());
                        }
                        Some(leader) if !leader.is_empty() => {
                            why = format!("{address} is not the leader");
                            addresses.insert(tries, leader);
                        }
                        Some(_) => why = format!("{address} knows no leader"),
                    },
                    Err(error) => why = error,
                }
            }
            GrpcLinks::forget(&answering, &to);
            Err(LinkError(why))
        })
    }

    fn preflight(&self, question: &Question) -> BoxFuture<'static, Result<Answer, LinkError>> {
        let message = PreflightQuestion {
            from_region: self.from.to_string(),
            to_region: question.region.to_string(),
            question: question.encode().into(),
        };
        let addresses = self.addresses(&question.region);
        let directory = self.directory.clone();
        Box::pin(async move {
            let mut why = String::from("no node is known");
            for address in addresses {
                let client = directory.client(&address);
                let mut client = client.map_err(|error| LinkError(error.to_string()))?;
                match in_time(client.preflight(message.clone())).await {
                    Ok(answer) => {
                        let answer = Answer::decode(&answer.into_inner().answer);
                        return answer.map_err(|error| LinkError(error.to_string()));
                    }
                    Err(error) => why = error,
                }
            }
            Err(LinkError(why))
        })
    }
}
