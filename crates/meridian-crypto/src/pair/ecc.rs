//! Elliptic curves of NIST and SEC: ECDSA and ECDH.

use aws_lc_rs::agreement::{self, ParsedPublicKeyFormat, PrivateKey};
use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _,
    ParsedPublicKey,
};
use zeroize::Zeroizing;

use super::Unfit;
use super::rsa::digested;
use crate::{KeySpec, MessageType, SigningAlgorithm};

pub(super) struct Ecc {
    curve: Curve,
    signing: EcdsaKeyPair,
    verifying: ParsedPublicKey,
    /// Absent on the curve that AWS has no key agreement for.
    agreeing: Option<PrivateKey>,
    pub(super) public_der: Vec<u8>,
}

struct Curve {
    algorithm: SigningAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verifying: &'static EcdsaVerificationAlgorithm,
    agreement: Option<&'static agreement::Algorithm>,
    digest: &'static digest::Algorithm,
}

fn curve(spec: KeySpec) -> Option<Curve> {
    Some(match spec {
        KeySpec::EccNistP256 => Curve {
            algorithm: SigningAlgorithm::EcdsaSha256,
            signing: &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            verifying: &signature::ECDSA_P256_SHA256_ASN1,
            agreement: Some(&agreement::ECDH_P256),
            digest: &digest::SHA256,
        },
        KeySpec::EccNistP384 => Curve {
            algorithm: SigningAlgorithm::EcdsaSha384,
            signing: &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            verifying: &signature::ECDSA_P384_SHA384_ASN1,
            agreement: Some(&agreement::ECDH_P384),
            digest: &digest::SHA384,
        },
        KeySpec::EccNistP521 => Curve {
            algorithm: SigningAlgorithm::EcdsaSha512,
            signing: &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            verifying: &signature::ECDSA_P521_SHA512_ASN1,
            agreement: Some(&agreement::ECDH_P521),
            digest: &digest::SHA512,
        },
        KeySpec::EccSecgP256k1 => Curve {
            algorithm: SigningAlgorithm::EcdsaSha256,
            signing: &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            verifying: &signature::ECDSA_P256K1_SHA256_ASN1,
            agreement: None,
            digest: &digest::SHA256,
        },
        _ => return None,
    })
}

impl Ecc {
    /// `None` for other specs.
    pub(super) fn generate(spec: KeySpec) -> Option<Self> {
        let curve = curve(spec)?;
        let key = EcdsaKeyPair::generate(curve.signing)
            .expect("only a lack of memory or randomness stops key generation");
        Some(Self::new(curve, key).expect("a key that was just made is a key"))
    }

    /// A key on exactly this curve, which its PKCS#8 form names.
    pub(super) fn read(spec: KeySpec, pkcs8: &[u8]) -> Option<Self> {
        let curve = curve(spec)?;
        let key = EcdsaKeyPair::from_pkcs8(curve.signing, pkcs8).ok()?;
        Self::new(curve, key)
    }

    fn new(curve: Curve, signing: EcdsaKeyPair) -> Option<Self> {
        let public_der = signing.public_key().as_der().ok()?.as_ref().to_vec();
        let private = signing.to_pkcs8v1().ok()?;
        let agreeing = match curve.agreement {
            Some(algorithm) => {
                Some(PrivateKey::from_private_key_der(algorithm, private.as_ref()).ok()?)
            }
            None => None,
        };
        Some(Self {
            verifying: ParsedPublicKey::new(curve.verifying, &public_der).ok()?,
            curve,
            signing,
            agreeing,
            public_der,
        })
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let der = self.signing.to_pkcs8v1();
        let der = der.expect("a private key in hand has a PKCS#8 form");
        Zeroizing::new(der.as_ref().to_vec())
    }

    /// A DER-encoded signature.
    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        if algorithm != self.curve.algorithm {
            return Err(Unfit);
        }
        let digest = digested(self.curve.digest, message_type, message)?;
        let signature = self.signing.sign_digest(&digest).map_err(|_| Unfit)?;
        Ok(signature.as_ref().to_vec())
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        if algorithm != self.curve.algorithm {
            return Err(Unfit);
        }
        let digest = digested(self.curve.digest, message_type, message)?;
        Ok(self.verifying.verify_digest_sig(&digest, signature).is_ok())
    }

    /// The x coordinate of the shared point; `None` unless the peer's key is in
    /// SPKI form and on this curve.
    pub(super) fn agree(&self, peer_der: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Unfit> {
        let (Some(own), Some(algorithm)) = (&self.agreeing, self.curve.agreement) else {
            return Err(Unfit);
        };
        let peer = agreement::UnparsedPublicKey::new(algorithm, peer_der);
        let Ok(peer) = agreement::ParsedPublicKey::try_from(peer) else {
            return Ok(None);
        };
        if peer.format() != ParsedPublicKeyFormat::X509 {
            return Ok(None);
        }
        let secret = agreement::agree(own, peer, (), |secret| Ok(Zeroizing::new(secret.to_vec())));
        Ok(secret.ok())
    }
}
