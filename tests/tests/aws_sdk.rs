//! The AWS SDK for Rust, unmodified, against a running cluster of two regions.
//! The connector has no TLS, as the front door has none.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::rotate_key_on_demand::RotateKeyOnDemandError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, ImportType, IncludeKeyMaterial, KeyMaterialState, KeyState,
    OriginType, WrappingKeySpec,
};
use meridian_crypto::WrappingAlgorithm;
use meridian_tests::{binary, eventually};

const PRIMARY: &str = "us-east-1";
const REPLICA: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";
/// How long anything that needs no help may take.
const SOON: Duration = Duration::from_secs(30);

/// `meridian up --ephemeral`, killed when the test ends.
struct Cluster {
    process: Child,
    endpoint: String,
}

impl Cluster {
    /// Starts it and waits until both regions have a leader.
    async fn start() -> Cluster {
        let mut process = Command::new(binary())
            .args(["up", "--ephemeral", "--listen", "127.0.0.1:0"])
            .args(["--regions", &format!("{PRIMARY},{REPLICA}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let mut printed = BufReader::new(process.stdout.take().expect("it was asked for")).lines();
        let endpoint = |line: String| Some(line.split_once("AWS_ENDPOINT_URL_KMS=")?.1.to_owned());
        let endpoint = printed.by_ref().map_while(Result::ok).find_map(endpoint);
        let endpoint = endpoint.expect("a cluster that starts prints its endpoint");
        // A full pipe would stop the cluster.
        std::thread::spawn(move || printed.count());
        let cluster = Cluster { process, endpoint };
        for region in [PRIMARY, REPLICA] {
            let client = cluster.client(region);
            let look = async || client.list_keys().send().await.is_ok();
            eventually("the region answers", SOON, look, |answers| *answers).await;
        }
        cluster
    }

    /// A client that tries every call once, so that no failure goes unseen.
    fn client(&self, region: &'static str) -> Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new(ACCOUNT, "any", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Client::from_conf(config)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A multi-Region key of this origin.
async fn create(us: &Client, origin: OriginType) -> String {
    let created = us.create_key().multi_region(true).origin(origin).send();
    created.await.unwrap().key_metadata.unwrap().key_id
}

async fn replicate(us: &Client, eu: &Client, key: &str) {
    let replicated = us.replicate_key().key_id(key).replica_region(REPLICA);
    replicated.send().await.unwrap();
    let look = async || {
        let described = eu.describe_key().key_id(key).send().await.ok()?;
        described.key_metadata?.key_state
    };
    let usable = |state: &Option<KeyState>| {
        matches!(state, Some(KeyState::Enabled | KeyState::PendingImport))
    };
    eventually("the replica is there", SOON, look, usable).await;
}

/// The whole way of 32 bytes into a key, and the ID they have there.
async fn import(client: &Client, key: &str, bytes: [u8; 32], import_type: ImportType) -> String {
    let parameters = client
        .get_parameters_for_import()
        .key_id(key)
        .wrapping_algorithm(AlgorithmSpec::RsaesOaepSha256)
        .wrapping_key_spec(WrappingKeySpec::Rsa3072)
        .send()
        .await
        .unwrap();
    let public_key = parameters.public_key.unwrap();
    let wrapped = meridian_crypto::wrap(
        public_key.as_ref(),
        WrappingAlgorithm::RsaesOaepSha256,
        &bytes,
    )
    .unwrap();
    let imported = client
        .import_key_material()
        .key_id(key)
        .import_token(parameters.import_token.unwrap())
        .encrypted_key_material(Blob::new(wrapped))
        .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
        .import_type(import_type)
        .send()
        .await
        .unwrap();
    imported.key_material_id.unwrap()
}

async fn encrypt(client: &Client, key: &str, text: &str) -> Blob {
    let request = client.encrypt().key_id(key).plaintext(Blob::new(text));
    request
        .encryption_context("purpose", "test")
        .send()
        .await
        .unwrap()
        .ciphertext_blob
        .unwrap()
}

/// The text, and the material that opened it.
async fn decrypt(client: &Client, ciphertext: &Blob) -> (String, String) {
    let request = client.decrypt().ciphertext_blob(ciphertext.clone());
    let opened = request
        .encryption_context("purpose", "test")
        .send()
        .await
        .unwrap();
    let text = String::from_utf8(opened.plaintext.unwrap().into_inner()).unwrap();
    (text, opened.key_material_id.unwrap())
}

async fn wait_for_material(client: &Client, key: &str, id: &str, wanted: KeyMaterialState) {
    let look = async || {
        let request = client.list_key_rotations().key_id(key);
        let request = request.include_key_material(IncludeKeyMaterial::AllKeyMaterial);
        let materials = request.send().await.ok()?.rotations?.into_iter();
        let mut with_id = materials.filter(|it| it.key_material_id.as_deref() == Some(id));
        with_id.next()?.key_material_state
    };
    let what = format!("{id} is {wanted}");
    eventually(&what, SOON, look, |state| *state == Some(wanted.clone())).await;
}

#[tokio::test]
async fn imported_material_rotates_in_two_regions_and_every_ciphertext_opens_in_both() {
    let cluster = Cluster::start().await;
    let (us, eu) = (cluster.client(PRIMARY), cluster.client(REPLICA));
    let key = create(&us, OriginType::External).await;
    let first = import(&us, &key, [1; 32], ImportType::NewKeyMaterial).await;
    replicate(&us, &eu, &key).await;
    assert_eq!(
        import(&eu, &key, [1; 32], ImportType::ExistingKeyMaterial).await,
        first
    );
    let from_us = encrypt(&us, &key, "before, from the primary").await;
    let from_eu = encrypt(&eu, &key, "before, from the replica").await;

    let second = import(&us, &key, [2; 32], ImportType::NewKeyMaterial).await;
    let early = us.rotate_key_on_demand().key_id(&key).send().await;
    let early = early.unwrap_err().into_service_error();
    assert!(
        matches!(early, RotateKeyOnDemandError::KmsInvalidStateException(_)),
        "{early:?}"
    );

    assert_eq!(
        import(&eu, &key, [2; 32], ImportType::ExistingKeyMaterial).await,
        second
    );
    wait_for_material(&us, &key, &second, KeyMaterialState::PendingRotation).await;
    us.rotate_key_on_demand().key_id(&key).send().await.unwrap();
    for client in [&us, &eu] {
        wait_for_material(client, &key, &second, KeyMaterialState::Current).await;
    }

    let after = encrypt(&eu, &key, "after").await;
    for client in [&us, &eu] {
        let opened = decrypt(client, &from_us).await;
        assert_eq!(opened, ("before, from the primary".into(), first.clone()));
        let opened = decrypt(client, &from_eu).await;
        assert_eq!(opened, ("before, from the replica".into(), first.clone()));
        assert_eq!(
            decrypt(client, &after).await,
            ("after".into(), second.clone())
        );
    }
}

#[tokio::test]
async fn a_generated_key_encrypts_in_one_region_what_another_opens() {
    let cluster = Cluster::start().await;
    let (us, eu) = (cluster.client(PRIMARY), cluster.client(REPLICA));
    let key = create(&us, OriginType::AwsKms).await;
    replicate(&us, &eu, &key).await;
    let there = encrypt(&us, &key, "there").await;
    let back = encrypt(&eu, &key, "and back").await;
    assert_eq!(decrypt(&eu, &there).await.0, "there");
    assert_eq!(decrypt(&us, &back).await.0, "and back");
}

#[tokio::test]
async fn refusals_arrive_as_the_errors_that_the_sdk_models() {
    let cluster = Cluster::start().await;
    let us = cluster.client(PRIMARY);
    let missing = "12345678-1234-1234-1234-123456789012";
    let refused = us.describe_key().key_id(missing).send().await;
    let error = refused.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception());
    assert_eq!(error.code(), Some("NotFoundException"));
    let arn = format!("arn:aws:kms:{PRIMARY}:{ACCOUNT}:key/{missing}");
    assert_eq!(
        error.message(),
        Some(format!("Key '{arn}' does not exist").as_str())
    );

    let created = us.create_key().send().await.unwrap();
    let metadata = created.key_metadata.unwrap();
    us.disable_key()
        .key_id(&metadata.key_id)
        .send()
        .await
        .unwrap();
    let refused = us
        .encrypt()
        .key_id(&metadata.key_id)
        .plaintext(Blob::new("x"));
    let error = refused.send().await.unwrap_err().into_service_error();
    assert!(error.is_disabled_exception());
    let text = format!("{} is disabled.", metadata.arn.unwrap());
    assert_eq!(error.message(), Some(text.as_str()));
}
