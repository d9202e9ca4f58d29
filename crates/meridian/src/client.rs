//! A connection to a running cluster: its front door, its regions, its chaos.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use http_body_util::BodyExt;
use meridian_proto::v1::chaos_client::ChaosClient;
use meridian_proto::v1::key_management_client::KeyManagementClient;
use meridian_proto::v1::key_sets_client::KeySetsClient;
use meridian_proto::v1::*;
use prost::Message;
use serde::Deserialize;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};
use tower::{Service, ServiceExt};

use crate::call_failed::CallFailed;
use crate::cli::{ClientArgs, DEFAULT_ENDPOINT, DEFAULT_REGIONS};
use crate::failure::advice;
use crate::signing::Credentials;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for the answer to one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A cluster, reached through its front door.
#[derive(Clone)]
pub struct Cluster {
    endpoint: String,
    channel: Channel,
    account: Option<MetadataValue<Ascii>>,
    credentials: Option<Arc<Credentials>>,
}

/// One region of a cluster, reached through the cluster's front door.
#[derive(Clone)]
pub struct Region {
    name: String,
    metadata: MetadataValue<Ascii>,
    cluster: Cluster,
}

/// One entry of `GET /regions`, as far as a client needs it.
#[derive(Deserialize)]
struct ListedRegion {
    region: String,
}

impl Cluster {
    /// Connects to the front door.
    ///
    /// # Errors
    /// If the URL or the account makes no sense, or nothing answers.
    pub async fn connect(args: &ClientArgs) -> anyhow::Result<Self> {
        Self::connect_to(&args.endpoint, args.account.as_deref()).await
    }

    /// The same without the flags of a command.
    pub async fn connect_to(endpoint: &str, account: Option<&str>) -> anyhow::Result<Self> {
        let account = account
            .map(MetadataValue::try_from)
            .transpose()
            .context("an account is a number of 12 digits")?;
        let address = Endpoint::from_shared(endpoint.to_owned())
            .ok()
            .filter(|address| address.uri().scheme_str() == Some("http"))
            .with_context(|| format!("{endpoint:?} is no URL such as {DEFAULT_ENDPOINT}"))?
            .connect_timeout(CONNECT_TIMEOUT);
        let channel = address.connect().await.map_err(|_| {
            advice(
                format!("no cluster answers at {endpoint}"),
                "start one with `meridian up`, or name another with --endpoint or MERIDIAN_ENDPOINT",
            )
        })?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
            channel,
            account,
            credentials: Credentials::from_environment().map(Arc::new),
        })
    }

    /// The URL that this cluster was reached at.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The regions of the cluster: the usual ones in their usual order, then
    /// the others as the cluster lists them.
    ///
    /// # Errors
    /// If the answer does not come or is not that of a front door.
    pub async fn regions(&self) -> anyhow::Result<Vec<Region>> {
        let names = tokio::time::timeout(CALL_TIMEOUT, self.get_regions())
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")))
            .with_context(|| format!("asking {} for its regions", self.endpoint))?;
        let regions: anyhow::Result<Vec<Region>> =
            names.iter().map(|name| self.region(name)).collect();
        let mut regions = regions?;
        regions.sort_by_key(|region| {
            let usual = DEFAULT_REGIONS.iter();
            let place = usual.clone().position(|name| *name == region.name);
            place.unwrap_or(usual.len())
        });
        Ok(regions)
    }

    /// Goes over the connection that gRPC uses: the front door speaks both.
    async fn get_regions(&self) -> anyhow::Result<Vec<String>> {
        let request = http::Request::get("/regions").body(tonic::body::Body::empty())?;
        let mut channel = self.channel.clone();
        let answer = channel.ready().await?.call(request).await?;
        anyhow::ensure!(answer.status().is_success(), "status {}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        let listed: Vec<ListedRegion> =
            serde_json::from_slice(&body).context("not the answer of a front door")?;
        Ok(listed.into_iter().map(|entry| entry.region).collect())
    }

    /// The region of this name, whether or not the cluster has it.
    ///
    /// # Errors
    /// If the name cannot be one.
    pub fn region(&self, name: &str) -> anyhow::Result<Region> {
        let metadata = MetadataValue::try_from(name)
            .with_context(|| format!("{name:?} is no region name such as eu-west-1"))?;
        Ok(Region {
            name: name.to_owned(),
            metadata,
            cluster: self.clone(),
        })
    }

    /// What the judge says of a cluster that records itself: waits for it to come
    /// to rest, so it may take long.
    ///
    /// # Errors
    /// Whatever the cluster answers.
    pub async fn get_verdict(&self, message: GetVerdictRequest) -> Result<Verdict, CallFailed> {
        let answered = self.chaos().get_verdict(Request::new(message)).await;
        answered
            .map(tonic::Response::into_inner)
            .map_err(|status| CallFailed::new("GetVerdict", "", &status))
    }

    fn chaos(&self) -> ChaosClient<Channel> {
        ChaosClient::new(self.channel.clone())
    }
}

/// Defines a method per chaos call.
macro_rules! chaos_calls {
    ($($(#[$doc:meta])* $method:ident: $operation:literal $request:ident -> $response:ident;)*) => {
        impl Cluster {
            $($(#[$doc])*
            pub async fn $method(&self, message: $request) -> Result<$response, CallFailed> {
                let mut request = Request::new(message);
                request.set_timeout(CALL_TIMEOUT);
                match self.chaos().$method(request).await {
                    Ok(answer) => Ok(answer.into_inner()),
                    Err(status) => Err(CallFailed::new($operation, "", &status)),
                }
            })*
        }
    };
}

chaos_calls! {
    /// Makes a fault active.
    add_fault: "AddFault" AddFaultRequest -> AddFaultResponse;
    /// Ends one fault.
    remove_fault: "RemoveFault" RemoveFaultRequest -> RemoveFaultResponse;
    /// Ends all faults.
    clear_faults: "ClearFaults" ClearFaultsRequest -> ClearFaultsResponse;
    /// Replaces the faults of the last profile by those of another.
    set_profile: "SetProfile" SetProfileRequest -> ListFaultsResponse;
    /// The active faults.
    list_faults: "ListFaults" ListFaultsRequest -> ListFaultsResponse;
    /// Moves the time of every region forward.
    advance_clock: "AdvanceClock" AdvanceClockRequest -> AdvanceClockResponse;
    /// The time of every region.
    get_clock: "GetClock" GetClockRequest -> GetClockResponse;
}

impl Region {
    /// Such as `eu-west-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same region, asked by another account.
    ///
    /// # Errors
    /// If the account makes no sense.
    pub fn asked_by(&self, account: &str) -> anyhow::Result<Region> {
        let account = MetadataValue::try_from(account);
        let account = account.context("an account is a number of 12 digits")?;
        let mut region = self.clone();
        region.cluster.account = Some(account);
        // A signature would name another.
        region.cluster.credentials = None;
        Ok(region)
    }

    /// With who asks, and signed if there is something to sign with.
    fn request<T: Message>(&self, path: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(credentials) = &self.cluster.credentials {
            credentials.sign(&mut request, &self.cluster.endpoint, &self.name, path);
        }
        let metadata = request.metadata_mut();
        metadata.insert("x-meridian-region", self.metadata.clone());
        if let Some(account) = &self.cluster.account {
            metadata.insert("x-meridian-account", account.clone());
        }
        request
    }

    /// The state of a key in this region, at once and after every change.
    pub async fn watch_key_set(&self, key_id: &str) -> Result<Streaming<KeySetState>, CallFailed> {
        let watch = WatchKeySetRequest {
            key_id: Some(key_id.to_owned()),
        };
        let request = self.request("/meridian.v1.KeySets/WatchKeySet", watch);
        let mut client = KeySetsClient::new(self.cluster.channel.clone());
        match client.watch_key_set(request).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(CallFailed::new("WatchKeySet", &self.name, &status)),
        }
    }
}

/// Defines a method per operation.
macro_rules! operations {
    ($($method:ident: $operation:literal $request:ident -> $response:ident;)*) => {
        impl Region {
            $(#[doc = concat!("AWS's ", $operation, ", in this region.")]
            pub async fn $method(&self, message: $request) -> Result<$response, CallFailed> {
                let path = concat!("/meridian.v1.KeyManagement/", $operation);
                let mut request = self.request(path, message);
                request.set_timeout(CALL_TIMEOUT);
                let mut client = KeyManagementClient::new(self.cluster.channel.clone());
                match client.$method(request).await {
                    Ok(answer) => Ok(answer.into_inner()),
                    Err(status) => Err(CallFailed::new($operation, &self.name, &status)),
                }
            })*
        }
    };
}

operations! {
    create_key: "CreateKey" CreateKeyRequest -> CreateKeyResponse;
    describe_key: "DescribeKey" DescribeKeyRequest -> DescribeKeyResponse;
    create_alias: "CreateAlias" CreateAliasRequest -> CreateAliasResponse;
    replicate_key: "ReplicateKey" ReplicateKeyRequest -> ReplicateKeyResponse;
    get_parameters_for_import: "GetParametersForImport" GetParametersForImportRequest -> GetParametersForImportResponse;
    import_key_material: "ImportKeyMaterial" ImportKeyMaterialRequest -> ImportKeyMaterialResponse;
    update_primary_region: "UpdatePrimaryRegion" UpdatePrimaryRegionRequest -> UpdatePrimaryRegionResponse;
    delete_imported_key_material: "DeleteImportedKeyMaterial" DeleteImportedKeyMaterialRequest -> DeleteImportedKeyMaterialResponse;
    enable_key: "EnableKey" EnableKeyRequest -> EnableKeyResponse;
    disable_key: "DisableKey" DisableKeyRequest -> DisableKeyResponse;
    enable_key_rotation: "EnableKeyRotation" EnableKeyRotationRequest -> EnableKeyRotationResponse;
    disable_key_rotation: "DisableKeyRotation" DisableKeyRotationRequest -> DisableKeyRotationResponse;
    schedule_key_deletion: "ScheduleKeyDeletion" ScheduleKeyDeletionRequest -> ScheduleKeyDeletionResponse;
    cancel_key_deletion: "CancelKeyDeletion" CancelKeyDeletionRequest -> CancelKeyDeletionResponse;
    rotate_key_on_demand: "RotateKeyOnDemand" RotateKeyOnDemandRequest -> RotateKeyOnDemandResponse;
    encrypt: "Encrypt" EncryptRequest -> EncryptResponse;
    create_grant: "CreateGrant" CreateGrantRequest -> CreateGrantResponse;
    decrypt: "Decrypt" DecryptRequest -> DecryptResponse;
}
