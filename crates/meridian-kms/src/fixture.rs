//! What the tests of this crate stand on: one region with its secrets, a clock
//! that moves when told to, and a shadow that must stay equal byte for byte.
//!
//! Also compiled, by path, into the tests between regions and those of formats.

#![allow(dead_code, reason = "each place it is compiled into uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

use std::collections::{BTreeMap, BTreeSet};

use meridian_crypto::{
    AttestationRoot, ClusterSecret, ImportToken, MaterialId, RootKey, SeededEntropy, Vault,
    WrappingAlgorithm, WrappingKey,
};
use meridian_iam::Identity;
use meridian_kms::{
    Answer, Authority, Caller, Change, Context, Entry, Inquiry, KeyRef, KmsError, Operation,
    Outcome, Plan, ProxyAnswer, ProxyQuestion, Question, Region, RegionName, Request, Response,
    Timestamp, Told,
};
use meridian_proto::v1::*;

/// The account that all tests act in.
pub const ACCOUNT: &str = "111122223333";
/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
/// One day.
pub const DAY_MS: i64 = 86_400_000;
/// The Regions that every test region knows of.
pub const REGIONS: [&str; 5] = [
    "ap-south-1",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-gov-west-1",
];

/// The shadow restarts from its snapshot before every so many entries.
const RESTART_EVERY: u64 = 8;

/// What passes for the certificate of a CloudHSM cluster.
pub const ANCHOR: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

const WRAPPING_KEY: &str =
    include_str!("../../meridian-crypto/tests/golden/wrapping_key_rsa_2048.hex");

/// The name of a region.
pub fn region(name: &str) -> RegionName {
    name.parse().unwrap()
}

/// The wrapping key that all tests import with.
pub fn wrapping_key() -> WrappingKey {
    let digits: String = WRAPPING_KEY.split_whitespace().collect();
    WrappingKey::from_private_der(&hex::decode(digits).unwrap()).unwrap()
}

/// One of the API's requests, with the response that belongs to it.
pub trait Call: Clone {
    /// Its response.
    type Response;
    /// As any request.
    fn request(self) -> Request;
    /// Out of any response.
    fn response(response: Response) -> Self::Response;
}

macro_rules! calls {
    (
        reads { $($r_mod:ident $r_op:ident $r_req:ident $r_res:ident,)* }
        writes { $($w_mod:ident $w_op:ident $w_req:ident $w_res:ident,)* }
    ) => {
        calls!(@each $($r_op $r_req $r_res,)* $($w_op $w_req $w_res,)*);
    };
    (@each $($op:ident $req:ident $res:ident,)*) => {$(
        impl Call for $req {
            type Response = $res;
            fn request(self) -> Request {
                Request::$op(self)
            }
            fn response(response: Response) -> $res {
                match response {
                    Response::$op(response) => response,
                    _ => panic!("{} was answered as something else", stringify!($op)),
                }
            }
        }
    )*};
}
meridian_kms::for_each_operation!(calls);

/// A region of one node, with everything that planning needs.
pub struct TestRegion {
    /// What is agreed.
    pub region: Region,
    /// Applies the same entries, and is often read back from its snapshot.
    shadow: Region,
    /// The region's secrets.
    pub vault: Vault,
    /// The region's randomness, by seed.
    pub entropy: SeededEntropy,
    /// The node's clock.
    pub now: Timestamp,
    /// What the planning node has applied, when it is behind.
    pub behind: Option<Region>,
    /// What another region answers when it is asked; nothing if unreachable.
    pub answer: Option<Answer>,
    /// What attestation documents lead back to.
    pub attestation_root: Option<AttestationRoot>,
    /// What proxies of external key stores say when they are asked.
    pub proxy: fn(&ProxyQuestion) -> ProxyAnswer,
    /// The age from which on import tokens count as expired, under a fault.
    pub tokens_expire_after_ms: Option<u64>,
    /// Who calls.
    pub caller: Caller,
    /// Who the caller is to policies, where they decide; else all is open to
    /// an account.
    pub identity: Option<Identity>,
    /// How long a grant takes to be in force without its token.
    pub grants_spread_ms: i64,
    /// Import parameters by key, which may be used for a day.
    parameters: BTreeMap<String, (Timestamp, GetParametersForImportResponse)>,
    applied: u64,
}

impl TestRegion {
    /// A region without keys.
    pub fn new(name: &str) -> TestRegion {
        let number = name
            .bytes()
            .fold(7, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let root = RootKey::from_bytes(&[number; 32]).unwrap();
        let cluster = ClusterSecret::from_bytes(&[9; 32]).unwrap();
        TestRegion {
            region: Region::new(region(name)),
            shadow: Region::new(region(name)),
            vault: Vault::new(name, root, cluster),
            entropy: SeededEntropy::new(number.into()),
            now: START,
            behind: None,
            answer: None,
            attestation_root: None,
            proxy: |_| ProxyAnswer::Unreachable,
            tokens_expire_after_ms: None,
            caller: Caller {
                account: ACCOUNT.parse().unwrap(),
                principal: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
                request_id: "request-1".into(),
            },
            identity: None,
            grants_spread_ms: 0,
            parameters: BTreeMap::new(),
            applied: 0,
        }
    }

    /// Lets the clock pass, as a node without any request would see it.
    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.tick();
    }

    /// Lets whole days pass.
    pub fn pass_days(&mut self, days: i64) {
        self.pass(days * DAY_MS);
    }

    /// Carries out everything that is due at this time.
    pub fn tick(&mut self) {
        self.commit(Change::Tick);
        loop {
            let due = self
                .region
                .plan_rotations(self.now, &self.vault, &mut self.entropy);
            if due.is_empty() {
                return;
            }
            due.into_iter().for_each(|change| self.commit(change));
        }
    }

    /// Agrees on a change that no client asked for.
    pub fn commit(&mut self, change: Change) {
        match self.apply(change) {
            Outcome::Done => {}
            Outcome::Answered(_) => panic!("only a client's request is answered"),
        }
    }

    /// Agrees on a change: through the log's encoding, and on two nodes.
    pub fn apply(&mut self, change: Change) -> Outcome {
        let bytes = Entry {
            at: self.now,
            change,
        }
        .encode();
        let entry = Entry::decode(&bytes).unwrap();
        assert_eq!(
            entry.encode(),
            bytes,
            "an entry reads back as it was written"
        );
        self.applied += 1;
        if self.applied.is_multiple_of(RESTART_EVERY) {
            let snapshot = self.shadow.encode();
            assert!(
                self.region.encode() == snapshot,
                "two nodes encode one state differently"
            );
            self.shadow = Region::decode(&snapshot).unwrap();
        }
        self.shadow.apply(&entry);
        let outcome = self.region.apply(&entry);
        assert!(
            self.region == self.shadow,
            "two nodes came to different states"
        );
        assert_eq!(self.region.next_deadline(), self.shadow.next_deadline());
        outcome
    }

    /// Calls an operation; another region that has to be asked answers
    /// [`TestRegion::answer`].
    pub fn call<C: Call>(&mut self, request: C) -> Result<C::Response, KmsError> {
        let answer = self.answer;
        self.call_asking(request, |_| answer)
    }

    /// Calls an operation, asking another region when it has to be.
    pub fn call_asking<C: Call>(
        &mut self,
        request: C,
        ask: impl FnOnce(&Question) -> Option<Answer>,
    ) -> Result<C::Response, KmsError> {
        let request = request.request();
        let planned = match self.plan(&request, None)? {
            Plan::Ask(Inquiry::Proxy(question)) => self.plan_asking(&request, *question)?,
            Plan::Ask(Inquiry::Region(question)) => {
                let answer = ask(&Question::decode(&question.encode()).unwrap());
                let unreachable = KmsError::region_unreachable(&question.region);
                self.plan(&request, Some(answer.ok_or(unreachable)?))?
            }
            planned => planned,
        };
        let response = match planned {
            Plan::Reply(response) => response,
            Plan::Ask(_) => panic!("one answer is enough"),
            Plan::Commit(change) => match self.apply(change) {
                Outcome::Answered(answer) => answer?,
                // Something had to be there first.
                Outcome::Done => match self.plan(&request, None)? {
                    Plan::Reply(response) => response,
                    Plan::Commit(_) | Plan::Ask(_) => panic!("it is there"),
                },
            },
        };
        Ok(C::response(response))
    }

    /// What the planning node has applied.
    pub fn view(&self) -> &Region {
        self.behind.as_ref().unwrap_or(&self.region)
    }

    /// Plans with the answers of proxies, as many as it takes.
    pub fn plan_asking(
        &mut self,
        request: &Request,
        first: ProxyQuestion,
    ) -> Result<Plan, KmsError> {
        let mut told = Vec::new();
        let mut question = first;
        loop {
            let answer = (self.proxy)(&question);
            told.push(Told { question, answer });
            match self.plan_told(request, None, &told)? {
                Plan::Ask(Inquiry::Proxy(next)) => question = *next,
                planned => return Ok(planned),
            }
            assert!(told.len() < 3, "a call asks two questions at most");
        }
    }

    /// Plans on the region as a node with this clock sees it.
    pub fn plan(&mut self, request: &Request, answer: Option<Answer>) -> Result<Plan, KmsError> {
        self.plan_told(request, answer, &[])
    }

    fn plan_told(
        &mut self,
        request: &Request,
        answer: Option<Answer>,
        told: &[Told],
    ) -> Result<Plan, KmsError> {
        let regions: Vec<RegionName> = REGIONS.iter().map(|name| region(name)).collect();
        let mut view = self.view().clone();
        view.advance_to(self.now);
        let wrapping_key =
            (request.operation() == Operation::GetParametersForImport).then(wrapping_key);
        let mut cx = Context {
            caller: &self.caller,
            authority: match &self.identity {
                Some(identity) => Authority::Enforced(Some(identity)),
                None => Authority::Open,
            },
            asked: None,
            grants_spread_ms: self.grants_spread_ms,
            vault: &self.vault,
            entropy: &mut self.entropy,
            now: self.now,
            regions: &regions,
            wrapping_key: wrapping_key.as_ref(),
            unwrap: ImportToken::unwrap,
            tokens_expire_after_ms: self.tokens_expire_after_ms,
            answer,
            used: Default::default(),
            told,
            attestation_root: self.attestation_root.as_ref(),
        };
        view.plan(&mut cx, request)
    }

    /// Creates a key of origin AWS_KMS and returns its ID.
    pub fn create(&mut self) -> String {
        self.create_as(CreateKeyRequest::default())
    }

    /// Creates a multi-Region key of origin AWS_KMS and returns its ID.
    pub fn create_multi_region(&mut self) -> String {
        self.create_as(CreateKeyRequest {
            multi_region: Some(true),
            ..Default::default()
        })
    }

    /// Creates a key of origin EXTERNAL, without material, and returns its ID.
    pub fn create_external(&mut self, multi_region: bool) -> String {
        self.create_as(CreateKeyRequest {
            origin: Some("EXTERNAL".into()),
            multi_region: Some(multi_region),
            ..Default::default()
        })
    }

    /// Creates a key and returns its ID.
    pub fn create_as(&mut self, request: CreateKeyRequest) -> String {
        self.call(request)
            .unwrap()
            .key_metadata
            .unwrap()
            .key_id
            .unwrap()
    }

    /// Imports 32 bytes that never expire, and returns the material's ID.
    pub fn import(&mut self, key: &str, byte: u8, import_type: &str) -> Result<String, KmsError> {
        self.import_as(key, byte, |request| {
            request.import_type = Some(import_type.into())
        })
    }

    /// Imports, with a request of one's own, 32 equal bytes.
    pub fn import_as(
        &mut self,
        key: &str,
        byte: u8,
        adjust: impl FnOnce(&mut ImportKeyMaterialRequest),
    ) -> Result<String, KmsError> {
        self.import_bytes(key, &[byte; 32], adjust)
            .map(|it| it.key_material_id.unwrap())
    }

    /// Imports any bytes, through a real token.
    pub fn import_bytes(
        &mut self,
        key: &str,
        bytes: &[u8],
        adjust: impl FnOnce(&mut ImportKeyMaterialRequest),
    ) -> Result<ImportKeyMaterialResponse, KmsError> {
        let mut request = self.import_request(key, bytes)?;
        adjust(&mut request);
        self.call(request)
    }

    /// The request that imports bytes which never expire.
    pub fn import_request(
        &mut self,
        key: &str,
        bytes: &[u8],
    ) -> Result<ImportKeyMaterialRequest, KmsError> {
        let parameters = self.parameters_for_import(key)?;
        let public = parameters.public_key.unwrap();
        let wrapped =
            meridian_crypto::wrap(&public, WrappingAlgorithm::RsaesOaepSha256, bytes).unwrap();
        Ok(ImportKeyMaterialRequest {
            key_id: Some(key.into()),
            import_token: parameters.import_token,
            encrypted_key_material: Some(wrapped.into()),
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            ..Default::default()
        })
    }

    /// GetParametersForImport, or what it answered within the last day.
    fn parameters_for_import(
        &mut self,
        key: &str,
    ) -> Result<GetParametersForImportResponse, KmsError> {
        if let Some((asked, parameters)) = self.parameters.get(key)
            && self.now.0 - asked.0 < DAY_MS
        {
            return Ok(parameters.clone());
        }
        let parameters = self.call(GetParametersForImportRequest {
            key_id: Some(key.into()),
            wrapping_algorithm: Some("RSAES_OAEP_SHA_256".into()),
            wrapping_key_spec: Some("RSA_2048".into()),
        })?;
        self.parameters
            .insert(key.into(), (self.now, parameters.clone()));
        Ok(parameters)
    }

    /// A key of origin EXTERNAL that has its first material.
    pub fn create_imported(&mut self, multi_region: bool, byte: u8) -> (String, String) {
        let key = self.create_external(multi_region);
        let material = self.import(&key, byte, "NEW_KEY_MATERIAL").unwrap();
        (key, material)
    }

    /// The ID that 32 equal bytes have as a material of a key.
    pub fn material_id(&self, key: &str, byte: u8) -> MaterialId {
        let material = meridian_crypto::Material::from_bytes(&[byte; 32]).unwrap();
        self.vault.material_id(key, &material)
    }

    /// DeleteImportedKeyMaterial; without an ID of the current material.
    pub fn delete_material(
        &mut self,
        key: &str,
        id: Option<&str>,
    ) -> Result<DeleteImportedKeyMaterialResponse, KmsError> {
        self.call(DeleteImportedKeyMaterialRequest {
            key_id: Some(key.into()),
            key_material_id: id.map(Into::into),
        })
    }

    /// RotateKeyOnDemand.
    pub fn rotate(&mut self, key: &str) -> Result<RotateKeyOnDemandResponse, KmsError> {
        self.call(RotateKeyOnDemandRequest {
            key_id: Some(key.into()),
        })
    }

    /// DescribeKey.
    pub fn describe(&mut self, key: &str) -> KeyMetadata {
        let request = DescribeKeyRequest {
            key_id: Some(key.into()),
            ..Default::default()
        };
        *self.call(request).unwrap().key_metadata.unwrap()
    }

    /// The key state, by name; `gone` without such a key.
    pub fn state(&mut self, key: &str) -> String {
        let request = DescribeKeyRequest {
            key_id: Some(key.into()),
            ..Default::default()
        };
        match self.call(request) {
            Ok(described) => described.key_metadata.unwrap().key_state.unwrap(),
            Err(_) => "gone".into(),
        }
    }

    /// DisableKey.
    pub fn disable(&mut self, key: &str) -> Result<DisableKeyResponse, KmsError> {
        self.call(DisableKeyRequest {
            key_id: Some(key.into()),
        })
    }

    /// EnableKey.
    pub fn enable(&mut self, key: &str) -> Result<EnableKeyResponse, KmsError> {
        self.call(EnableKeyRequest {
            key_id: Some(key.into()),
        })
    }

    /// ScheduleKeyDeletion with the shortest window.
    pub fn schedule_deletion(
        &mut self,
        key: &str,
    ) -> Result<ScheduleKeyDeletionResponse, KmsError> {
        self.call(ScheduleKeyDeletionRequest {
            key_id: Some(key.into()),
            pending_window_in_days: Some(7),
        })
    }

    /// CancelKeyDeletion.
    pub fn cancel_deletion(&mut self, key: &str) -> Result<CancelKeyDeletionResponse, KmsError> {
        self.call(CancelKeyDeletionRequest {
            key_id: Some(key.into()),
        })
    }

    /// EnableKeyRotation.
    pub fn enable_rotation(
        &mut self,
        key: &str,
        days: Option<i32>,
    ) -> Result<EnableKeyRotationResponse, KmsError> {
        self.call(EnableKeyRotationRequest {
            key_id: Some(key.into()),
            rotation_period_in_days: days,
        })
    }

    /// GetKeyRotationStatus.
    pub fn rotation_status(&mut self, key: &str) -> Result<GetKeyRotationStatusResponse, KmsError> {
        self.call(GetKeyRotationStatusRequest {
            key_id: Some(key.into()),
        })
    }

    /// ListKeyRotations with every material.
    pub fn materials(&mut self, key: &str) -> Vec<RotationsListEntry> {
        self.list_rotations(key, Some("ALL_KEY_MATERIAL"))
    }

    /// ListKeyRotations as it is without IncludeKeyMaterial.
    pub fn rotations(&mut self, key: &str) -> Vec<RotationsListEntry> {
        self.list_rotations(key, None)
    }

    fn list_rotations(&mut self, key: &str, include: Option<&str>) -> Vec<RotationsListEntry> {
        let request = ListKeyRotationsRequest {
            key_id: Some(key.into()),
            include_key_material: include.map(Into::into),
            ..Default::default()
        };
        self.call(request).unwrap().rotations
    }

    /// Every material as `CURRENT/IMPORTED`, oldest first.
    pub fn material_states(&mut self, key: &str) -> Vec<String> {
        let listed = self.materials(key);
        let state = |entry: &RotationsListEntry| {
            let import_state = entry.import_state.as_deref().unwrap_or("-");
            format!(
                "{}/{import_state}",
                entry.key_material_state.as_deref().unwrap()
            )
        };
        listed.iter().map(state).collect()
    }

    /// Encrypts a text without context.
    pub fn encrypt(&mut self, key: &str, text: &str) -> Result<Vec<u8>, KmsError> {
        let request = EncryptRequest {
            key_id: Some(key.into()),
            plaintext: Some(text.as_bytes().to_vec().into()),
            ..Default::default()
        };
        Ok(self.call(request)?.ciphertext_blob.unwrap().to_vec())
    }

    /// Decrypts a text without naming the key.
    pub fn decrypt(&mut self, blob: &[u8]) -> Result<String, KmsError> {
        Ok(self.decrypt_any(blob)?.0)
    }

    /// Decrypts a text and says by which material.
    pub fn decrypt_with(&mut self, blob: &[u8]) -> Result<(String, String), KmsError> {
        let (text, material) = self.decrypt_any(blob)?;
        Ok((text, material.unwrap()))
    }

    /// Decrypts a text and says by which material, if the answer does.
    pub fn decrypt_any(&mut self, blob: &[u8]) -> Result<(String, Option<String>), KmsError> {
        let request = DecryptRequest {
            ciphertext_blob: Some(blob.to_vec().into()),
            ..Default::default()
        };
        let response = self.call(request)?;
        let text = String::from_utf8(response.plaintext.unwrap().to_vec()).unwrap();
        Ok((text, response.key_material_id))
    }

    /// Creates a custom key store on a cluster of its own and returns its ID.
    pub fn create_key_store(&mut self) -> String {
        self.create_key_store_as(|_| ()).unwrap()
    }

    /// Creates a custom key store, with a request of one's own.
    pub fn create_key_store_as(
        &mut self,
        adjust: impl FnOnce(&mut CreateCustomKeyStoreRequest),
    ) -> Result<String, KmsError> {
        let number = self.region.key_stores().len();
        let letter = char::from(b'a' + u8::try_from(number).unwrap());
        let mut request = CreateCustomKeyStoreRequest {
            custom_key_store_name: Some(format!("store {number}")),
            cloud_hsm_cluster_id: Some(format!("cluster-{}", letter.to_string().repeat(11))),
            trust_anchor_certificate: Some(ANCHOR.into()),
            key_store_password: Some(format!("password-{number}")),
            ..Default::default()
        };
        adjust(&mut request);
        Ok(self.call(request)?.custom_key_store_id.unwrap())
    }

    /// Creates a custom key store and waits until it is connected.
    pub fn create_connected_key_store(&mut self) -> String {
        let store = self.create_key_store();
        self.connect(&store).unwrap();
        self.pass(1000);
        store
    }

    /// Creates a key in a custom key store on a cluster.
    pub fn create_in(&mut self, store: &str) -> String {
        self.create_as(CreateKeyRequest {
            origin: Some("AWS_CLOUDHSM".into()),
            custom_key_store_id: Some(store.into()),
            ..Default::default()
        })
    }

    /// ConnectCustomKeyStore.
    pub fn connect(&mut self, store: &str) -> Result<ConnectCustomKeyStoreResponse, KmsError> {
        self.call(ConnectCustomKeyStoreRequest {
            custom_key_store_id: Some(store.into()),
        })
    }

    /// DisconnectCustomKeyStore.
    pub fn disconnect(
        &mut self,
        store: &str,
    ) -> Result<DisconnectCustomKeyStoreResponse, KmsError> {
        self.call(DisconnectCustomKeyStoreRequest {
            custom_key_store_id: Some(store.into()),
        })
    }

    /// DescribeCustomKeyStores.
    pub fn key_stores(&mut self) -> Vec<CustomKeyStoresListEntry> {
        let request = DescribeCustomKeyStoresRequest::default();
        self.call(request).unwrap().custom_key_stores
    }

    /// The connection state of a custom key store.
    pub fn connection(&mut self, store: &str) -> String {
        let request = DescribeCustomKeyStoresRequest {
            custom_key_store_id: Some(store.into()),
            ..Default::default()
        };
        let mut found = self.call(request).unwrap().custom_key_stores;
        found.remove(0).connection_state.unwrap()
    }

    /// The reference of a key of this account.
    pub fn reference(&self, key: &str) -> KeyRef {
        KeyRef {
            account: self.caller.account,
            id: key.parse().unwrap(),
        }
    }

    /// The key's ARN here.
    pub fn arn(&self, key: &str) -> String {
        self.reference(key).arn(self.region.name())
    }

    /// Changes the agreed state behind everybody's back.
    pub fn tamper(&mut self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut json = serde_json::from_slice(&self.region.encode()).unwrap();
        change(&mut json);
        let bytes = serde_json::to_vec(&json).unwrap();
        self.region = Region::decode(&bytes).unwrap();
        self.shadow = Region::decode(&bytes).unwrap();
    }

    /// The peers that have not acknowledged everything.
    pub fn peers_behind(&self) -> BTreeSet<String> {
        let behind = self
            .region
            .feeds()
            .iter()
            .filter(|(_, feed)| !feed.is_empty());
        behind.map(|(peer, _)| peer.to_string()).collect()
    }
}

/// `Code: text`, or the code alone.
pub fn refusal<T>(result: Result<T, KmsError>) -> String {
    match result {
        Ok(_) => "success".into(),
        Err(error) => error.to_string(),
    }
}
