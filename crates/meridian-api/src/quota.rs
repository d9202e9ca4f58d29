//! Request quotas: how many requests of a kind an account may make in a region
//! in a second.
//!
//! The figures are AWS's defaults:
//! <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>.

use meridian_kms::{Operation, RegionName, Request};
use meridian_proto::v1::CreateKeyRequest;

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Quota {
    /// Cryptographic operations with symmetric and HMAC keys, and GenerateRandom.
    Symmetric,
    Rsa,
    EllipticCurve,
    /// Post-quantum signatures and encapsulation.
    MlDsa,
    DataKeyPair(PairKind),
    /// An operation's own, in a second.
    Own(Operation, u32),
}

/// Pairs that are drawn equally fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PairKind {
    P256,
    P384,
    P521,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

/// The regions with the highest quota for symmetric keys, and those with the
/// next.
const LARGEST: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];
const LARGE: [&str; 6] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-2",
    "us-east-2",
];

impl Quota {
    /// What a request counts for. The kind of key follows from the algorithm:
    /// nobody has looked at the key yet.
    pub(crate) fn of(request: &Request) -> Quota {
        let by = |algorithm: &Option<String>| by_algorithm(algorithm.as_deref());
        let own = |per_second| Quota::Own(request.operation(), per_second);
        match request {
            Request::Encrypt(it) => by(&it.encryption_algorithm),
            Request::Decrypt(it) => by(&it.encryption_algorithm),
            Request::ReEncrypt(it) => by(&it.source_encryption_algorithm),
            Request::Sign(it) => by(&it.signing_algorithm),
            Request::Verify(it) => by(&it.signing_algorithm),
            Request::GenerateDataKey(_)
            | Request::GenerateDataKeyWithoutPlaintext(_)
            | Request::GenerateMac(_)
            | Request::VerifyMac(_)
            | Request::GenerateRandom(_) => Quota::Symmetric,
            Request::DeriveSharedSecret(_) => Quota::EllipticCurve,
            // fidelity: assumed, AWS's quota for ML-KEM is taken for that of ML-DSA.
            Request::Encapsulate(_) | Request::Decapsulate(_) => Quota::MlDsa,
            Request::GenerateDataKeyPair(it) => by_pair(it.key_pair_spec.as_deref()),
            Request::GenerateDataKeyPairWithoutPlaintext(it) => {
                by_pair(it.key_pair_spec.as_deref())
            }
            Request::DescribeKey(_) | Request::GetPublicKey(_) | Request::ListResourceTags(_) => {
                own(2000)
            }
            Request::GetKeyPolicy(_) | Request::GetKeyRotationStatus(_) => own(1000),
            Request::ListAliases(_) | Request::ListKeys(_) => own(500),
            Request::ListGrants(_)
            | Request::ListKeyPolicies(_)
            | Request::ListKeyRotations(_)
            | Request::ListRetirableGrants(_) => own(100),
            Request::CreateGrant(_) | Request::RetireGrant(_) | Request::RevokeGrant(_) => own(50),
            Request::DeleteAlias(_)
            | Request::DeleteImportedKeyMaterial(_)
            | Request::EnableKeyRotation(_)
            | Request::ImportKeyMaterial(_)
            | Request::PutKeyPolicy(_)
            | Request::ScheduleKeyDeletion(_) => own(15),
            Request::TagResource(_) => own(10),
            Request::CancelKeyDeletion(_)
            | Request::ConnectCustomKeyStore(_)
            | Request::CreateAlias(_)
            | Request::CreateCustomKeyStore(_)
            | Request::CreateKey(_)
            | Request::DeleteCustomKeyStore(_)
            | Request::DescribeCustomKeyStores(_)
            | Request::DisableKey(_)
            | Request::DisableKeyRotation(_)
            | Request::DisconnectCustomKeyStore(_)
            | Request::EnableKey(_)
            | Request::GetKeyLastUsage(_)
            | Request::ReplicateKey(_)
            | Request::RotateKeyOnDemand(_)
            | Request::UntagResource(_)
            | Request::UpdateAlias(_)
            | Request::UpdateCustomKeyStore(_)
            | Request::UpdateKeyDescription(_)
            | Request::UpdatePrimaryRegion(_) => own(5),
            Request::GetParametersForImport(_) => own(1),
        }
    }

    /// Requests in a second.
    pub(crate) fn per_second(self, region: &RegionName) -> f64 {
        match self {
            Quota::Symmetric if LARGEST.contains(&region.as_str()) => 100_000.0,
            Quota::Symmetric if LARGE.contains(&region.as_str()) => 20_000.0,
            Quota::Symmetric => 10_000.0,
            Quota::Rsa | Quota::EllipticCurve | Quota::MlDsa => 1000.0,
            Quota::DataKeyPair(kind) => match kind {
                PairKind::P256 => 25.0,
                PairKind::P384 => 10.0,
                PairKind::P521 => 5.0,
                PairKind::Rsa2048 => 1.0,
                PairKind::Rsa3072 => 0.5,
                PairKind::Rsa4096 => 0.1,
            },
            Quota::Own(_, per_second) => per_second.into(),
        }
    }
}

/// AWS's names of algorithms begin with the family.
fn by_algorithm(algorithm: Option<&str>) -> Quota {
    match algorithm {
        Some(name) if name.starts_with("RSA") => Quota::Rsa,
        Some(name) if name.starts_with("EC") || name.starts_with("ED25519") => Quota::EllipticCurve,
        Some(name) if name.starts_with("ML_DSA") => Quota::MlDsa,
        Some(_) | None => Quota::Symmetric,
    }
}

fn by_pair(spec: Option<&str>) -> Quota {
    Quota::DataKeyPair(match spec.unwrap_or_default() {
        "RSA_2048" => PairKind::Rsa2048,
        "RSA_3072" => PairKind::Rsa3072,
        "RSA_4096" => PairKind::Rsa4096,
        "ECC_NIST_P384" => PairKind::P384,
        "ECC_NIST_P521" => PairKind::P521,
        _ => PairKind::P256,
    })
}

/// Everything that a request counts for: the region, the quota, how often.
///
/// ReplicateKey makes two CreateKeys in the replica's region, of which one only
/// tries; UpdatePrimaryRegion counts in both regions.
pub(crate) fn charges(request: &Request, region: &RegionName) -> Vec<(RegionName, Quota, u32)> {
    let own = Quota::of(request);
    let mut all = vec![(region.clone(), own, 1)];
    let named = |name: &Option<String>| name.as_deref().and_then(|name| name.parse().ok());
    match request {
        Request::ReplicateKey(it) => {
            let create = Quota::of(&Request::CreateKey(CreateKeyRequest::default()));
            all.extend(named(&it.replica_region).map(|region| (region, create, 2)));
        }
        Request::UpdatePrimaryRegion(it) => {
            all.extend(named(&it.primary_region).map(|region| (region, own, 1)));
        }
        _ => {}
    }
    all
}
