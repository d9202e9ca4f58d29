//! Administration that only the leader of a region can carry out, by the peer
//! addresses that no fault cuts.

use std::time::Duration;

use meridian_kms::{RegionName, Timestamp};
use meridian_proto::v1;
use meridian_proto::v1::node_client::NodeClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::directory::Directory;
use crate::forward::never_connected;

/// How long a region may take to find a leader that does what is asked.
const LEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The leaders of all regions.
pub struct Leaders<'a>(pub &'a Directory);

type PeerClient = NodeClient<Channel>;

/// What a node says that was taken for the leader.
enum Heard<T> {
    /// It is.
    Leader(T),
    /// The leader's address; empty when it does not know.
    Elsewhere(String),
}

impl Leaders<'_> {
    /// Asks the leader of a region, which is looked for among its nodes. A
    /// request that may have arrived is not repeated, unless that is harmless.
    async fn ask<T, F>(
        &self,
        region: &RegionName,
        harmless: bool,
        ask: impl Fn(PeerClient) -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<Heard<T>, Status>>,
    {
        let mut addresses: Vec<String> = self
            .0
            .nodes(region)
            .iter()
            .map(|place| place.peer_address.clone())
            .collect();
        let mut last = Status::unavailable(format!("region {region} has no leader"));
        let deadline = tokio::time::Instant::now() + LEADER_TIMEOUT;
        while tokio::time::Instant::now() < deadline {
            for address in std::mem::take(&mut addresses) {
                match ask(self.0.client(&address)?).await {
                    Ok(Heard::Leader(answer)) => return Ok(answer),
                    Ok(Heard::Elsewhere(leader)) if !leader.is_empty() => {
                        addresses.insert(0, leader);
                    }
                    Ok(Heard::Elsewhere(_)) => addresses.push(address),
                    Err(status) if !harmless && !never_connected(&status) => return Err(status),
                    Err(status) => {
                        last = status;
                        addresses.push(address);
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(last)
    }

    /// Moves the clock of one region, zero only reads it; returns the time then.
    ///
    /// # Errors
    /// No leader was found in time, or it is not known whether it did it.
    pub async fn advance(&self, region: &RegionName, ms: i64) -> Result<Timestamp, Status> {
        self.ask(region, ms == 0, |mut client| async move {
            let message = v1::NodeAdvanceClockRequest { milliseconds: ms };
            let answer = client.advance_clock(message).await?.into_inner();
            Ok(match answer.leader_address {
                None => Heard::Leader(Timestamp(answer.now_ms)),
                Some(leader) => Heard::Elsewhere(leader),
            })
        })
        .await
    }

    /// Has imported material expire in a region, now.
    ///
    /// # Errors
    /// There is no such material, or no leader was found in time.
    pub async fn expire(
        &self,
        region: &str,
        key_id: &str,
        material: Option<&str>,
    ) -> Result<(), Status> {
        let region: RegionName = region
            .parse()
            .map_err(|_| Status::invalid_argument(format!("{region:?} is no region")))?;
        let message = v1::NodeExpireMaterialRequest {
            key_id: key_id.to_owned(),
            key_material_id: material.map(str::to_owned),
        };
        self.ask(&region, false, |mut client| {
            let message = message.clone();
            async move {
                let answer = client.expire_material(message).await?.into_inner();
                Ok(match answer.leader_address {
                    None => Heard::Leader(()),
                    Some(leader) => Heard::Elsewhere(leader),
                })
            }
        })
        .await
    }
}
