//! `meridian.v1.Chaos`: faults and time for the whole cluster. A call reaches
//! every node by its peer address, which no fault cuts.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, FuturesUnordered};
use meridian_chaos::{Fault, Faults, Kind, Nodes, Profile};
use meridian_kms::{ErrorCode, Operation, RegionName, Timestamp};
use meridian_proto::v1;
use meridian_proto::v1::chaos_server::Chaos;
use tonic::{Request, Response, Status};

use crate::active_faults::ActiveFaults;
use crate::clock::machine_now_ms;
use crate::directory::Directory;
use crate::leader_asked::Leaders;
use crate::recorder::Recorder;

/// How long one node may take to take over a new set of faults.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the regions may take to come to rest, unless told.
const REST_TIMEOUT: Duration = Duration::from_secs(30);

/// The end of the year 9989, in milliseconds since the Unix epoch: dates that are
/// years ahead of it can still be written and read everywhere.
const CLOCK_MS_MAX: i64 = 253_086_767_999_999;

/// The administrative service of a front door.
#[derive(Clone)]
pub struct ChaosService {
    /// Every node.
    pub directory: Arc<Directory>,
    /// The faults that this process's nodes obey.
    pub faults: ActiveFaults,
    /// May faults be injected and time be moved?
    pub allowed: bool,
    /// Who writes down what happens, if anybody does.
    pub recorder: Option<Arc<Recorder>>,
}

/// Takes over the faults that another node of the cluster obeys, if one
/// answers: a node that starts knows of none.
pub async fn learn(directory: &Directory, own: &str, faults: &ActiveFaults) {
    let mut asked = FuturesUnordered::new();
    for (_, place) in directory.all().filter(|(_, it)| it.peer_address != own) {
        asked.push(async move {
            let mut client = directory.client(&place.peer_address).ok()?;
            let asked = client.get_faults(v1::GetFaultsRequest {});
            let answer = tokio::time::timeout(TELL_TIMEOUT, asked).await.ok()?.ok()?;
            Faults::decode(&answer.into_inner().faults).ok()
        });
    }
    while let Some(answer) = asked.next().await {
        if let Some(known) = answer {
            faults.replace(known);
            return;
        }
    }
}

impl ChaosService {
    fn check_allowed(&self) -> Result<(), Status> {
        if self.allowed {
            return Ok(());
        }
        Err(Status::permission_denied(
            "this cluster was started without chaos allowed: set allow_chaos in the configuration",
        ))
    }

    /// Changes the set and tells every node the whole of it.
    async fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> Result<T, Status> {
        self.check_allowed()?;
        let (changed, faults) = self.faults.change(change);
        let message = v1::SetFaultsRequest {
            faults: faults.encode().into(),
        };
        let mut told = FuturesUnordered::new();
        for (region, place) in self.directory.all() {
            let message = message.clone();
            told.push(async move {
                let mut client = self.directory.client(&place.peer_address)?;
                match tokio::time::timeout(TELL_TIMEOUT, client.set_faults(message)).await {
                    Ok(answer) => answer.map(|_| ()),
                    Err(_) => Err(Status::deadline_exceeded("no answer in time")),
                }
                .map_err(|error| {
                    // A node that is down obeys nothing and cuts nothing; the
                    // other end of each of its links knows of the fault.
                    tracing::warn!(%region, node = place.id, %error, "node was not told of faults");
                    error
                })
            });
        }
        while told.next().await.is_some() {}
        drop(told);
        Ok(changed)
    }

    /// Makes a fault active; returns its ID.
    ///
    /// # Errors
    /// Chaos is not allowed, or the cluster cannot have this fault.
    pub async fn add(&self, fault: &v1::Fault) -> Result<String, Status> {
        let ids = |name: &RegionName| {
            let places = self.directory.nodes(name).iter();
            (name.to_string(), places.map(|place| place.id).collect())
        };
        let nodes: Nodes = self.directory.names().iter().map(ids).collect();
        let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        let fault = Fault::from_proto(fault, &nodes, id, machine_now_ms())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Kind::Refuse { code, .. } = &fault.kind
            && ErrorCode::from_name(code).is_none()
        {
            let codes = ErrorCode::ALL.iter().map(|code| code.name());
            return Err(Status::invalid_argument(format!(
                "{code:?} is not an error code of AWS KMS; it has {}",
                codes.collect::<Vec<_>>().join(", ")
            )));
        }
        if let Kind::Refuse { calls, .. }
        | Kind::LoseAnswer { calls }
        | Kind::SlowAnswer { calls, .. }
        | Kind::Reset { calls } = &fault.kind
            && let Some(name) = &calls.operation
            && Operation::from_name(name).is_none()
        {
            let why = format!("{name:?} is not an operation of AWS KMS");
            return Err(Status::invalid_argument(why));
        }
        let id = fault.id.clone();
        if let Kind::MaterialExpire {
            region,
            key_id,
            material,
        } = &fault.kind
        {
            self.check_allowed()?;
            let key_id = key_id.as_deref().unwrap_or_default();
            let leaders = self.leaders();
            leaders.expire(region, key_id, material.as_deref()).await?;
            self.faults.happened(&fault.kind);
            return Ok(id);
        }
        self.change(|faults| faults.add(fault)).await?;
        Ok(id)
    }

    /// Ends one fault; false when none has this ID.
    ///
    /// # Errors
    /// Chaos is not allowed.
    pub async fn remove(&self, id: &str) -> Result<bool, Status> {
        self.change(|faults| faults.remove(id)).await
    }

    /// Ends all faults; returns how many.
    ///
    /// # Errors
    /// Chaos is not allowed.
    pub async fn clear(&self) -> Result<u32, Status> {
        let removed = self.change(Faults::clear).await?;
        Ok(u32::try_from(removed).unwrap_or(u32::MAX))
    }

    /// Replaces the faults of the last profile by those of this one.
    ///
    /// # Errors
    /// Chaos is not allowed, or there is no such profile.
    pub async fn set_profile(&self, name: &str) -> Result<v1::ListFaultsResponse, Status> {
        let profile = Profile::from_name(name).ok_or_else(|| {
            let names = Profile::ALL.map(Profile::name).join(", ");
            Status::invalid_argument(format!("{name:?} is no profile; there are {names}"))
        })?;
        let names = self.directory.names();
        let regions: Vec<String> = names.iter().map(ToString::to_string).collect();
        self.change(|faults| faults.set_profile(profile, &regions))
            .await?;
        Ok(self.list())
    }

    /// The faults that have not ended.
    pub fn list(&self) -> v1::ListFaultsResponse {
        let (now, faults) = (machine_now_ms(), self.faults.current());
        let faults = faults.iter(now).map(|fault| fault.to_proto(now)).collect();
        let fired = self.faults.struck().into_iter();
        v1::ListFaultsResponse {
            faults,
            fired: fired
                .map(|(kind, times)| (kind.to_owned(), times))
                .collect(),
        }
    }

    /// Judges what the cluster has recorded so far.
    ///
    /// # Errors
    /// Nobody records, or the history cannot be read.
    pub async fn verdict(&self, wait_ms: Option<u64>) -> Result<v1::Verdict, Status> {
        let recorder = self.recorder.as_ref().ok_or_else(|| {
            Status::failed_precondition(
                "this cluster does not record: start it with `meridian up --record FILE`",
            )
        })?;
        let patience = wait_ms.map_or(REST_TIMEOUT, Duration::from_millis);
        let verdict = crate::verdict::judge(recorder, &self.faults, patience).await;
        let verdict = verdict.map_err(|error| Status::internal(format!("{error:#}")))?;
        Ok(verdict.to_proto())
    }

    fn leaders(&self) -> Leaders<'_> {
        Leaders(&self.directory)
    }

    async fn advance_all(
        &self,
        names: &[RegionName],
        ms: i64,
    ) -> Result<Vec<v1::RegionTime>, Status> {
        let leaders = self.leaders();
        let moved = futures::future::join_all(names.iter().map(|name| leaders.advance(name, ms)));
        let mut times = Vec::new();
        for (name, moved) in names.iter().zip(moved.await) {
            let now = moved.map_err(|status| {
                Status::new(
                    status.code(),
                    format!("region {name}: {}", status.message()),
                )
            })?;
            times.push(v1::RegionTime {
                region: name.to_string(),
                now: Some(now.to_proto()),
            });
        }
        Ok(times)
    }
}

#[tonic::async_trait]
impl Chaos for ChaosService {
    async fn add_fault(
        &self,
        request: Request<v1::AddFaultRequest>,
    ) -> Result<Response<v1::AddFaultResponse>, Status> {
        let fault = request.into_inner().fault.unwrap_or_default();
        let id = self.add(&fault).await?;
        Ok(Response::new(v1::AddFaultResponse { id }))
    }

    async fn remove_fault(
        &self,
        request: Request<v1::RemoveFaultRequest>,
    ) -> Result<Response<v1::RemoveFaultResponse>, Status> {
        let id = request.into_inner().id;
        let removed = self.remove(&id).await?;
        Ok(Response::new(v1::RemoveFaultResponse { removed }))
    }

    async fn clear_faults(
        &self,
        _: Request<v1::ClearFaultsRequest>,
    ) -> Result<Response<v1::ClearFaultsResponse>, Status> {
        let removed = self.clear().await?;
        Ok(Response::new(v1::ClearFaultsResponse { removed }))
    }

    async fn list_faults(
        &self,
        _: Request<v1::ListFaultsRequest>,
    ) -> Result<Response<v1::ListFaultsResponse>, Status> {
        Ok(Response::new(self.list()))
    }

    type WatchFaultsStream = BoxStream<'static, Result<v1::ListFaultsResponse, Status>>;

    async fn watch_faults(
        &self,
        _: Request<v1::ListFaultsRequest>,
    ) -> Result<Response<Self::WatchFaultsStream>, Status> {
        let service = self.clone();
        let lists = futures::stream::unfold(None, move |shown: Option<Vec<String>>| {
            let service = service.clone();
            async move {
                // A fault that ends by itself is a change too.
                let ids = |set: &Faults, now| -> Vec<String> {
                    set.iter(now).map(|fault| fault.id.clone()).collect()
                };
                let changed = |set: &Faults, now| shown.as_ref() != Some(&ids(set, now));
                service.faults.until(changed).await;
                let shown = ids(&service.faults.current(), machine_now_ms());
                Some((Ok(service.list()), Some(shown)))
            }
        });
        Ok(Response::new(lists.boxed()))
    }

    async fn set_profile(
        &self,
        request: Request<v1::SetProfileRequest>,
    ) -> Result<Response<v1::ListFaultsResponse>, Status> {
        let name = request.into_inner().name;
        Ok(Response::new(ChaosService::set_profile(self, &name).await?))
    }

    async fn get_verdict(
        &self,
        request: Request<v1::GetVerdictRequest>,
    ) -> Result<Response<v1::Verdict>, Status> {
        let wait_ms = request.into_inner().wait_ms;
        Ok(Response::new(self.verdict(wait_ms).await?))
    }

    async fn advance_clock(
        &self,
        request: Request<v1::AdvanceClockRequest>,
    ) -> Result<Response<v1::AdvanceClockResponse>, Status> {
        self.check_allowed()?;
        let v1::AdvanceClockRequest { seconds, region } = request.into_inner();
        let mut names = self.directory.names();
        if let Some(region) = region {
            names.retain(|name| name.as_str() == region);
            if names.is_empty() {
                let why = format!("{region:?} is not a region of this cluster");
                return Err(Status::invalid_argument(why));
            }
        }
        let ms = i64::try_from(seconds.saturating_mul(1000))
            .map_err(|_| Status::invalid_argument("too far ahead"))?;
        let farthest = self.advance_all(&names, 0).await?;
        let farthest = farthest.iter().filter_map(|it| it.now.as_ref());
        let farthest = farthest.map(|now| Timestamp::from_proto(now).0).max();
        if farthest.is_some_and(|now_ms| now_ms.saturating_add(ms) > CLOCK_MS_MAX) {
            let why = "too far ahead: the time of a region ends with the year 9989";
            return Err(Status::invalid_argument(why));
        }
        let regions = self.advance_all(&names, ms).await?;
        Ok(Response::new(v1::AdvanceClockResponse { regions }))
    }

    async fn get_clock(
        &self,
        _: Request<v1::GetClockRequest>,
    ) -> Result<Response<v1::GetClockResponse>, Status> {
        let regions = self.advance_all(&self.directory.names(), 0).await?;
        Ok(Response::new(v1::GetClockResponse { regions }))
    }
}
