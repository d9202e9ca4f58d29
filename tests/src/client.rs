//! `Client`: one region through one port, over gRPC. Every method is one or two
//! calls and tries once.

use std::time::Duration;

use bytes::Bytes;
use meridian_crypto::{WrappingAlgorithm, WrappingKeySpec};
use meridian_proto::v1::key_management_client::KeyManagementClient;
use meridian_proto::v1::key_sets_client::KeySetsClient;
use meridian_proto::v1::*;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::failure::Failure;

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

const WRAPPING: WrappingAlgorithm = WrappingAlgorithm::RsaesOaepSha256;

/// Whether material is new to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    /// The key does not have it yet.
    New,
    /// The key has it, and this region may lack the bytes.
    Existing,
}

/// A region, reached through one port.
#[derive(Clone)]
pub struct Client {
    region: InRegion,
    channel: Channel,
}

/// Names the region in the metadata of each call.
#[derive(Clone)]
struct InRegion(MetadataValue<Ascii>);

impl Interceptor for InRegion {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("x-meridian-region", self.0.clone());
        Ok(request)
    }
}

impl Client {
    /// A client of the region at `host:port`. Connects when it is first used
    /// and again after a connection was lost.
    pub fn new(region: &'static str, address: &str) -> Client {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .expect("host:port makes a URL")
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        Client {
            region: InRegion(MetadataValue::from_static(region)),
            channel: endpoint.connect_lazy(),
        }
    }

    /// Every operation, for calls that have no method here.
    pub fn kms(
        &self,
    ) -> KeyManagementClient<InterceptedService<Channel, impl Interceptor + use<>>> {
        KeyManagementClient::with_interceptor(self.channel.clone(), self.region.clone())
    }

    /// A new key; its ID.
    pub async fn create_key(&self, request: CreateKeyRequest) -> Result<String, Failure> {
        let answer = self.kms().create_key(request).await?.into_inner();
        let metadata = answer.key_metadata.and_then(|it| it.key_id);
        metadata.ok_or_else(|| Failure::incomplete("a key ID"))
    }

    /// A multi-Region key that waits for its first material; its ID.
    pub async fn create_external_key(&self) -> Result<String, Failure> {
        let request = CreateKeyRequest {
            origin: Some("EXTERNAL".into()),
            multi_region: Some(true),
            ..Default::default()
        };
        self.create_key(request).await
    }

    /// What DescribeKey says.
    pub async fn describe_key(&self, key_id: &str) -> Result<KeyMetadata, Failure> {
        let request = DescribeKeyRequest {
            key_id: Some(key_id.into()),
            ..Default::default()
        };
        let answer = self.kms().describe_key(request).await?.into_inner();
        let metadata = answer.key_metadata;
        metadata
            .map(|boxed| *boxed)
            .ok_or_else(|| Failure::incomplete("metadata"))
    }

    /// Gives a key another description.
    pub async fn describe(&self, key_id: &str, description: &str) -> Result<(), Failure> {
        let request = UpdateKeyDescriptionRequest {
            key_id: Some(key_id.into()),
            description: Some(description.into()),
        };
        self.kms().update_key_description(request).await?;
        Ok(())
    }

    /// Makes a replica in another region.
    pub async fn replicate_key(&self, key_id: &str, region: &str) -> Result<(), Failure> {
        let request = ReplicateKeyRequest {
            key_id: Some(key_id.into()),
            replica_region: Some(region.into()),
            ..Default::default()
        };
        self.kms().replicate_key(request).await?;
        Ok(())
    }

    /// Imports material that does not expire; its ID.
    pub async fn import(
        &self,
        key_id: &str,
        material: &[u8],
        import: Import,
    ) -> Result<String, Failure> {
        let request = GetParametersForImportRequest {
            key_id: Some(key_id.into()),
            wrapping_algorithm: Some(WRAPPING.to_string()),
            wrapping_key_spec: Some(WrappingKeySpec::Rsa2048.to_string()),
        };
        let given = self.kms().get_parameters_for_import(request).await?;
        let given = given.into_inner();
        let public_key = given.public_key.unwrap_or_default();
        let wrapped = meridian_crypto::wrap(&public_key, WRAPPING, material)
            .map_err(|_| Failure::incomplete("a usable wrapping key"))?;
        let request = ImportKeyMaterialRequest {
            key_id: Some(key_id.into()),
            import_token: given.import_token,
            encrypted_key_material: Some(wrapped.into()),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            import_type: Some(import.name().into()),
            ..Default::default()
        };
        let answer = self.kms().import_key_material(request).await?.into_inner();
        let id = answer.key_material_id;
        id.ok_or_else(|| Failure::incomplete("a material ID"))
    }

    /// Starts a rotation.
    pub async fn rotate(&self, key_id: &str) -> Result<(), Failure> {
        let request = RotateKeyOnDemandRequest {
            key_id: Some(key_id.into()),
        };
        self.kms().rotate_key_on_demand(request).await?;
        Ok(())
    }

    /// A ciphertext under the key's current material.
    pub async fn encrypt(&self, key_id: &str, plaintext: &[u8]) -> Result<Bytes, Failure> {
        let request = EncryptRequest {
            key_id: Some(key_id.into()),
            plaintext: Some(Bytes::copy_from_slice(plaintext)),
            ..Default::default()
        };
        let answer = self.kms().encrypt(request).await?.into_inner();
        let ciphertext = answer.ciphertext_blob;
        ciphertext.ok_or_else(|| Failure::incomplete("a ciphertext"))
    }

    /// What a ciphertext holds.
    pub async fn decrypt(&self, ciphertext: &Bytes) -> Result<Bytes, Failure> {
        let request = DecryptRequest {
            ciphertext_blob: Some(ciphertext.clone()),
            ..Default::default()
        };
        let answer = self.kms().decrypt(request).await?.into_inner();
        let plaintext = answer.plaintext;
        plaintext.ok_or_else(|| Failure::incomplete("a plaintext"))
    }

    /// Gives a key a name, without `alias/`.
    pub async fn create_alias(&self, name: &str, key_id: &str) -> Result<(), Failure> {
        let request = CreateAliasRequest {
            alias_name: Some(format!("alias/{name}")),
            target_key_id: Some(key_id.into()),
        };
        self.kms().create_alias(request).await?;
        Ok(())
    }

    /// The state of a key and its related keys as this region knows it.
    pub async fn key_set(&self, key_id: &str) -> Result<KeySetState, Failure> {
        let request = WatchKeySetRequest {
            key_id: Some(key_id.into()),
        };
        let mut client = KeySetsClient::with_interceptor(self.channel.clone(), self.region.clone());
        let mut states = client.watch_key_set(request).await?.into_inner();
        let first = states.message().await?;
        first.ok_or_else(|| Failure::incomplete("a state"))
    }
}

impl Import {
    fn name(self) -> &'static str {
        match self {
            Import::New => "NEW_KEY_MATERIAL",
            Import::Existing => "EXISTING_KEY_MATERIAL",
        }
    }
}
