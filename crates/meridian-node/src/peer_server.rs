//! The service that nodes offer each other: Raft inside the region, facts and
//! questions between regions, forwarded calls, faults and clock.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use meridian_api::{CallError, Kms};
use meridian_chaos::Faults;
use meridian_crypto::OsEntropy;
use meridian_kms::key_set::Origin;
use meridian_kms::{Caller, Change, Entry, Operation, Question, RegionName, Request};
use meridian_proto::v1;
use meridian_proto::v1::node_server::Node;
use meridian_raft::HandleError;
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Request as Call, Response as Reply, Status};

use crate::active_faults::ActiveFaults;
use crate::core::{Core, LEADER_TIMEOUT, NotCommitted};
use crate::forward;
use crate::kms::{Attempt, NodeKms};

/// One node, as its peers see it.
pub struct PeerServer {
    /// The node.
    pub core: Arc<Core>,
    /// Its API.
    pub kms: NodeKms,
    /// The faults it obeys.
    pub faults: ActiveFaults,
    /// May faults be injected and time be moved?
    pub allow_chaos: bool,
    /// Where clients reach this node.
    pub listen_address: String,
    /// Where peers reach it.
    pub peer_address: String,
}

impl PeerServer {
    /// A message that a cut link would have lost does not arrive here either,
    /// should only this side know of the fault.
    fn check_link(&self, from: &str, to: &str) -> Result<(), Status> {
        if to != self.core.region.as_str() {
            return Err(Status::invalid_argument(format!(
                "this is not a node of region {to}"
            )));
        }
        match self.faults.cuts(from, to) {
            true => Err(Status::unavailable("lost on the way")),
            false => Ok(()),
        }
    }

    /// The address of the leader, if it is another node; empty when unknown.
    fn leader_elsewhere(&self) -> Option<String> {
        let leader = self.core.group.status().leader;
        if leader == Some(self.core.node_id) {
            return None;
        }
        let address = leader.and_then(|id| self.core.directory.address(&self.core.region, id));
        Some(address.unwrap_or_default().to_owned())
    }

    fn caller(request: &v1::ForwardRequest) -> Result<Caller, Status> {
        let account = request.account.parse();
        Ok(Caller {
            account: account.map_err(|_| Status::invalid_argument("malformed account"))?,
            principal: request.principal.clone(),
            request_id: request.request_id.clone(),
        })
    }
}

type Answer<T> = Result<Reply<T>, Status>;

#[tonic::async_trait]
impl Node for PeerServer {
    async fn raft(&self, call: Call<v1::RaftMessage>) -> Answer<v1::RaftMessage> {
        let v1::RaftMessage { kind, payload } = call.into_inner();
        match self.core.group.handle(kind, payload).await {
            Ok(payload) => Ok(Reply::new(v1::RaftMessage { kind, payload })),
            Err(HandleError::Malformed(why)) => Err(Status::invalid_argument(why)),
            Err(HandleError::Failed(why)) => Err(Status::failed_precondition(why)),
            Err(HandleError::Stopped) => Err(Status::unavailable("the node is stopping")),
        }
    }

    async fn push_facts(&self, call: Call<v1::FactBatch>) -> Answer<v1::FactAck> {
        self.core.resumed().await;
        let batch = call.into_inner();
        self.check_link(&batch.from_region, &batch.to_region)?;
        let from: RegionName = batch.from_region.parse().map_err(invalid)?;
        if let Some(leader) = self.leader_elsewhere() {
            return Ok(Reply::new(v1::FactAck {
                leader_address: Some(leader),
            }));
        }
        let facts = batch.facts.iter().map(AsRef::as_ref);
        let region = self.core.view.applied();
        let change = region.plan_facts(&from, facts, &self.core.vault, &mut OsEntropy);
        let change = change.map_err(invalid)?;
        if let (Some(recorder), Change::Facts { facts, .. }) = (&self.core.recorder, &change) {
            recorder.told(&from, &self.core.region, facts);
        }
        match self.core.propose(change).await {
            Ok(_) => Ok(Reply::new(v1::FactAck {
                leader_address: None,
            })),
            Err(NotCommitted::NotLeader) => {
                let leader = self.leader_elsewhere().unwrap_or_default();
                Ok(Reply::new(v1::FactAck {
                    leader_address: Some(leader),
                }))
            }
            Err(NotCommitted::Unknown(why)) => Err(Status::unavailable(why)),
        }
    }

    async fn preflight(&self, call: Call<v1::PreflightQuestion>) -> Answer<v1::PreflightAnswer> {
        self.core.resumed().await;
        let message = call.into_inner();
        self.check_link(&message.from_region, &message.to_region)?;
        let question = Question::decode(&message.question).map_err(invalid)?;
        if !self.core.barrier(Instant::now() + LEADER_TIMEOUT).await {
            return Err(Status::unavailable("the region has no leader"));
        }
        let answer = self.kms.answer(&question);
        Ok(Reply::new(v1::PreflightAnswer {
            answer: answer.encode().into(),
        }))
    }

    async fn forward(&self, call: Call<v1::ForwardRequest>) -> Answer<v1::ForwardResponse> {
        let message = call.into_inner();
        let caller = PeerServer::caller(&message)?;
        let operation = Operation::from_name(&message.operation);
        let operation = operation.ok_or_else(|| Status::unimplemented(&message.operation))?;
        let request = Request::decode_proto(operation, message.request).map_err(invalid)?;
        if !message.to_leader {
            let answer = self.kms.call(caller, request).await;
            let answer = answer.map(|response| response.encode_proto().into());
            return Ok(Reply::new(forward::encode(answer, 0)));
        }
        if self.leader_elsewhere().is_some() {
            return Ok(Reply::new(forward::not_leader()));
        }
        Ok(Reply::new(
            match self.kms.write_here(&caller, &request).await {
                Attempt::NotLeader => forward::not_leader(),
                Attempt::Answered(index, answer) => {
                    let answer = answer.map(|response| response.encode_proto().into());
                    forward::encode(answer, index)
                }
            },
        ))
    }

    type ForwardWatchStream = BoxStream<'static, Result<v1::ForwardResponse, Status>>;

    async fn forward_watch(
        &self,
        call: Call<v1::ForwardRequest>,
    ) -> Answer<Self::ForwardWatchStream> {
        let message = call.into_inner();
        let caller = PeerServer::caller(&message)?;
        let request = v1::WatchKeySetRequest::decode(message.request).map_err(invalid)?;
        let states = self
            .kms
            .watch_key_set(caller, request.key_id.unwrap_or_default());
        let encode = |state: Result<v1::KeySetState, CallError>| {
            Ok(forward::encode(
                state.map(|state| state.encode_to_vec().into()),
                0,
            ))
        };
        Ok(Reply::new(states.map(encode).boxed()))
    }

    async fn read_index(&self, _: Call<v1::ReadIndexRequest>) -> Answer<v1::ReadIndexResponse> {
        use v1::read_index_response::Result as Answer;
        let result = match self.core.group.read_index().await {
            Ok(index) => Answer::Index(index),
            Err(_) => Answer::LeaderAddress(self.leader_elsewhere().unwrap_or_default()),
        };
        Ok(Reply::new(v1::ReadIndexResponse {
            result: Some(result),
        }))
    }

    async fn note_uses(
        &self,
        call: Call<v1::NodeNoteUsesRequest>,
    ) -> Answer<v1::NodeNoteUsesResponse> {
        let entry = Entry::decode(&call.into_inner().uses).map_err(invalid)?;
        let Change::KeysUsed { .. } = entry.change else {
            return Err(Status::invalid_argument("not a use of keys"));
        };
        match self.core.propose(entry.change).await {
            Ok(_) => Ok(Reply::new(v1::NodeNoteUsesResponse {})),
            Err(NotCommitted::NotLeader) => Err(Status::failed_precondition("not the leader")),
            Err(NotCommitted::Unknown(why)) => Err(Status::unavailable(why)),
        }
    }

    async fn status(&self, _: Call<v1::StatusRequest>) -> Answer<v1::StatusResponse> {
        self.core.resumed().await;
        let status = self.core.group.status();
        Ok(Reply::new(v1::StatusResponse {
            region: self.core.region.to_string(),
            node_id: self.core.node_id,
            term: status.term,
            leader_id: status.leader.unwrap_or_default(),
            last_log_index: status.last_log,
            applied_index: status.applied,
            snapshot_index: status.snapshot.unwrap_or_default(),
            listen_address: self.listen_address.clone(),
            peer_address: self.peer_address.clone(),
        }))
    }

    async fn set_faults(&self, call: Call<v1::SetFaultsRequest>) -> Answer<v1::SetFaultsResponse> {
        self.check_allowed()?;
        let faults = Faults::decode(&call.into_inner().faults).map_err(invalid)?;
        self.faults.replace(faults);
        Ok(Reply::new(v1::SetFaultsResponse {}))
    }

    async fn expire_material(
        &self,
        call: Call<v1::NodeExpireMaterialRequest>,
    ) -> Answer<v1::NodeExpireMaterialResponse> {
        self.check_allowed()?;
        let elsewhere = |leader| {
            Ok(Reply::new(v1::NodeExpireMaterialResponse {
                leader_address: Some(leader),
            }))
        };
        if let Some(leader) = self.leader_elsewhere() {
            return elsewhere(leader);
        }
        let change = self.expiry(&call.into_inner())?;
        match self.core.propose(change).await {
            Ok(_) => Ok(Reply::new(v1::NodeExpireMaterialResponse {
                leader_address: None,
            })),
            Err(NotCommitted::NotLeader) => elsewhere(self.leader_elsewhere().unwrap_or_default()),
            Err(NotCommitted::Unknown(why)) => Err(Status::unavailable(why)),
        }
    }

    async fn get_faults(&self, _: Call<v1::GetFaultsRequest>) -> Answer<v1::GetFaultsResponse> {
        let faults = self.faults.current().encode().into();
        Ok(Reply::new(v1::GetFaultsResponse { faults }))
    }

    async fn advance_clock(
        &self,
        call: Call<v1::NodeAdvanceClockRequest>,
    ) -> Answer<v1::NodeAdvanceClockResponse> {
        let ms = call.into_inner().milliseconds;
        if ms != 0 {
            self.check_allowed()?;
        }
        if ms < 0 {
            return Err(Status::invalid_argument("time moves forward only"));
        }
        if let Some(leader) = self.leader_elsewhere() {
            let leader_address = Some(leader);
            return Ok(Reply::new(v1::NodeAdvanceClockResponse {
                now_ms: 0,
                leader_address,
            }));
        }
        if ms != 0 {
            match self.core.propose(Change::AdvanceClock { ms }).await {
                Ok(_) => {}
                Err(NotCommitted::NotLeader) => {
                    let leader_address = Some(self.leader_elsewhere().unwrap_or_default());
                    let answer = v1::NodeAdvanceClockResponse {
                        now_ms: 0,
                        leader_address,
                    };
                    return Ok(Reply::new(answer));
                }
                Err(NotCommitted::Unknown(why)) => return Err(Status::unavailable(why)),
            }
        }
        let now_ms = self.core.now(&self.core.view.applied()).0;
        Ok(Reply::new(v1::NodeAdvanceClockResponse {
            now_ms,
            leader_address: None,
        }))
    }
}

impl PeerServer {
    /// The change that has material expire: the one that is named, or the newest
    /// that is here.
    fn expiry(&self, request: &v1::NodeExpireMaterialRequest) -> Result<Change, Status> {
        let region = self.core.view.applied();
        let mut keys = region.keys().values();
        let key = keys.find(|key| key.key.id.to_string() == request.key_id);
        let key = key.filter(|key| key.shared.origin == Origin::External);
        let materials = key.iter().flat_map(|key| key.shared.materials.iter().rev());
        let mut held = materials.filter(|it| key.is_some_and(|key| key.sealed(&it.id).is_some()));
        let found = match &request.key_material_id {
            Some(wanted) => held.find(|it| it.id.to_string() == *wanted),
            None => held.next(),
        };
        match key.zip(found) {
            Some((key, material)) => Ok(Change::MaterialExpires {
                key: key.key,
                material: material.id,
            }),
            None => Err(Status::invalid_argument(format!(
                "{} has no such imported material of {:?}",
                self.core.region, request.key_id
            ))),
        }
    }

    fn check_allowed(&self) -> Result<(), Status> {
        if self.allow_chaos {
            return Ok(());
        }
        Err(Status::permission_denied(
            "this node was started without chaos allowed: set allow_chaos in its configuration",
        ))
    }
}

fn invalid(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}
