//! The calls that set a benchmark up: one region of a cluster, over gRPC.

use anyhow::Context as _;
use bytes::Bytes;
use meridian_crypto::{WrappingAlgorithm, WrappingKeySpec};
use meridian_proto::v1::key_management_client::KeyManagementClient;
use meridian_proto::v1::key_sets_client::KeySetsClient;
use meridian_proto::v1::*;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::grpc::REGION;

/// A region of a cluster.
#[derive(Clone)]
pub struct Region {
    /// Its name.
    pub name: &'static str,
    /// Every operation of KMS.
    pub kms: KeyManagementClient<InterceptedService<Channel, Names>>,
    key_sets: KeySetsClient<InterceptedService<Channel, Names>>,
}

/// Names the region in every call.
#[derive(Clone)]
pub struct Names(MetadataValue<Ascii>);

impl Interceptor for Names {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(REGION, self.0.clone());
        Ok(request)
    }
}

impl Region {
    /// The region behind a front door.
    pub fn new(front_door: Channel, name: &'static str) -> Region {
        let names = Names(MetadataValue::from_static(name));
        Region {
            name,
            kms: KeyManagementClient::with_interceptor(front_door.clone(), names.clone()),
            key_sets: KeySetsClient::with_interceptor(front_door, names),
        }
    }

    /// Creates a key and gives its ID.
    ///
    /// # Errors
    /// Whatever the operation answers.
    pub async fn create_key(&mut self, request: CreateKeyRequest) -> anyhow::Result<String> {
        let created = self.kms.create_key(request).await?.into_inner();
        created
            .key_metadata
            .and_then(|key| key.key_id)
            .context("a new key without an ID")
    }

    /// Imports material and gives its ID.
    ///
    /// # Errors
    /// Whatever the two operations answer.
    pub async fn import(
        &mut self,
        key_id: &str,
        material: &[u8],
        import_type: &str,
    ) -> anyhow::Result<String> {
        let algorithm = WrappingAlgorithm::RsaesOaepSha256;
        let asked = GetParametersForImportRequest {
            key_id: Some(key_id.to_owned()),
            wrapping_algorithm: Some(algorithm.to_string()),
            wrapping_key_spec: Some(WrappingKeySpec::Rsa2048.to_string()),
        };
        let parameters = self
            .kms
            .get_parameters_for_import(asked)
            .await?
            .into_inner();
        let public_key = parameters.public_key.unwrap_or_default();
        let wrapped = meridian_crypto::wrap(&public_key, algorithm, material)?;
        let import = ImportKeyMaterialRequest {
            key_id: Some(key_id.to_owned()),
            import_token: parameters.import_token,
            encrypted_key_material: Some(Bytes::from(wrapped)),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
            import_type: Some(import_type.to_owned()),
            ..Default::default()
        };
        let imported = self.kms.import_key_material(import).await?.into_inner();
        imported
            .key_material_id
            .context("an import without a material ID")
    }

    /// The states of a key set as this region sees it, from here on.
    ///
    /// # Errors
    /// The region does not answer.
    pub async fn watch(&mut self, key_id: &str) -> anyhow::Result<Watch> {
        let request = WatchKeySetRequest {
            key_id: Some(key_id.to_owned()),
        };
        Ok(Watch(
            self.key_sets.watch_key_set(request).await?.into_inner(),
        ))
    }
}

/// The states of one key set in one region.
pub struct Watch(Streaming<KeySetState>);

impl Watch {
    /// Waits for a state like this.
    ///
    /// # Errors
    /// The stream ends before.
    pub async fn until(&mut self, is_it: impl Fn(&KeySetState) -> bool) -> anyhow::Result<()> {
        while let Some(state) = self.0.message().await? {
            if is_it(&state) {
                return Ok(());
            }
        }
        anyhow::bail!("the stream of a key set's states has ended")
    }
}
