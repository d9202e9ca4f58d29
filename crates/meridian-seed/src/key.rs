//! Keys, and key sets over regions.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::{KeySpec, Material};
use meridian_kms::{KeyId, RegionName};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::account::policy_text;
use crate::secret_text::SecretText;

/// A KMS key with its replicas.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeededKey {
    /// A UUID, or `mrk-` and 32 hex digits for a multi-Region key.
    #[schemars(with = "String")]
    pub id: KeyId,
    /// The account that owns it; in quotes.
    #[schemars(regex(pattern = r"^\d{12}$"))]
    pub account: String,
    /// Its region; of a multi-Region key, the primary's.
    #[schemars(with = "String")]
    pub region: RegionName,
    /// The regions of its replicas, for a multi-Region key.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub replicas: Vec<RegionName>,
    /// As AWS names it. Default: `SYMMETRIC_DEFAULT`.
    #[serde(default = "spec_default")]
    pub spec: String,
    /// As AWS names it. Default: `ENCRYPT_DECRYPT`.
    #[serde(default = "usage_default")]
    pub usage: String,
    /// `AWS_KMS` or `EXTERNAL`. Default: `AWS_KMS`.
    #[serde(default = "origin_default")]
    pub origin: String,
    /// In every region. Default: empty.
    #[serde(default)]
    pub description: String,
    /// In every region.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The key policy of every region, as an object or as JSON text; AWS's
    /// default when left out.
    #[serde(default)]
    pub policy: Option<Value>,
    /// Aliases in every region, with `alias/`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Given material: one at most, and an `AWS_KMS` key has its own when there
    /// is none. A symmetric `EXTERNAL` key can have two: the first is the current
    /// one, and the second waits for a rotation.
    #[serde(default)]
    pub materials: Vec<SeededMaterial>,
    /// Grants in the primary's region.
    #[serde(default)]
    pub grants: Vec<SeededGrant>,
}

/// What is behind a key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeededMaterial {
    /// In base64: the 32 bytes of a symmetric key, the bytes of an HMAC key, a
    /// private key in PKCS#8 form for RSA and elliptic curves, the seed of an
    /// ML-DSA or ML-KEM key.
    pub bytes: SecretText,
    /// Where it is imported; in every region of the key when left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub regions: Option<Vec<RegionName>>,
}

/// A grant, in AWS's words.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeededGrant {
    /// Tells it from others of the key.
    pub name: String,
    /// The ARN of who may.
    pub grantee: String,
    /// The ARN of who may retire it.
    #[serde(default)]
    pub retiring: Option<String>,
    /// Such as `Encrypt`.
    pub operations: Vec<String>,
    /// The encryption context has to have these pairs.
    #[serde(default)]
    pub context_subset: BTreeMap<String, String>,
    /// The encryption context has to be this.
    #[serde(default)]
    pub context_equals: BTreeMap<String, String>,
}

fn spec_default() -> String {
    "SYMMETRIC_DEFAULT".into()
}

fn usage_default() -> String {
    "ENCRYPT_DECRYPT".into()
}

fn origin_default() -> String {
    "AWS_KMS".into()
}

impl SeededKey {
    /// Every region of the key, the primary's first.
    pub fn regions(&self) -> impl Iterator<Item = &RegionName> {
        std::iter::once(&self.region).chain(&self.replicas)
    }

    /// Is it the first of a key set?
    pub fn is_multi_region(&self) -> bool {
        self.id.to_string().starts_with("mrk-")
    }

    /// Given material, as material of this key's spec; nothing if it is none.
    pub fn read(&self, given: &SeededMaterial) -> Option<Material> {
        Material::read(KeySpec::from_name(&self.spec)?, &given.decode()?)
    }

    /// The key policy as text, if the file has one.
    pub fn policy_text(&self) -> Option<String> {
        self.policy.as_ref().map(policy_text)
    }
}

impl SeededMaterial {
    /// The bytes; nothing if they are not in base64.
    pub fn decode(&self) -> Option<Zeroizing<Vec<u8>>> {
        STANDARD
            .decode(self.bytes.as_str())
            .ok()
            .map(Zeroizing::new)
    }

    /// Is it imported there?
    pub fn is_for(&self, region: &RegionName) -> bool {
        let regions = self.regions.as_ref();
        regions.is_none_or(|regions| regions.contains(region))
    }
}
