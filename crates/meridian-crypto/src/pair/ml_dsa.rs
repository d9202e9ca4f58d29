//! ML-DSA (FIPS 204). The C library signs messages; for the representative µ of
//! a message that somebody else has computed it has no call, and another
//! library is asked.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    self, KeyPair as _, ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm,
    PqdsaVerificationAlgorithm,
};
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::Unfit;
use crate::signing::MU_LEN;
use crate::{Entropy, KeySpec, MessageType, SigningAlgorithm};

/// Length in bytes of a seed.
pub(super) const SEED_LEN: usize = 32;

pub(super) struct MlDsa {
    spec: KeySpec,
    seed: Zeroizing<Vec<u8>>,
    signing: PqdsaKeyPair,
    verifying: ParsedPublicKey,
    /// The public key for signatures over µ, made at the first of them.
    verifying_mu: OnceLock<MuKey>,
    pub(super) public_der: Vec<u8>,
}

/// The other library's public keys, which are large.
enum MuKey {
    MlDsa44(Box<VerifyingKey<MlDsa44>>),
    MlDsa65(Box<VerifyingKey<MlDsa65>>),
    MlDsa87(Box<VerifyingKey<MlDsa87>>),
}

fn algorithms(
    spec: KeySpec,
) -> Option<(
    &'static PqdsaSigningAlgorithm,
    &'static PqdsaVerificationAlgorithm,
)> {
    Some(match spec {
        KeySpec::MlDsa44 => (&signature::ML_DSA_44_SIGNING, &signature::ML_DSA_44),
        KeySpec::MlDsa65 => (&signature::ML_DSA_65_SIGNING, &signature::ML_DSA_65),
        KeySpec::MlDsa87 => (&signature::ML_DSA_87_SIGNING, &signature::ML_DSA_87),
        _ => return None,
    })
}

impl MlDsa {
    /// `None` for other specs.
    pub(super) fn generate(spec: KeySpec, entropy: &mut dyn Entropy) -> Option<Self> {
        let mut seed = Zeroizing::new(vec![0; SEED_LEN]);
        entropy.fill(&mut seed);
        Self::read(spec, &seed)
    }

    pub(super) fn read(spec: KeySpec, seed: &[u8]) -> Option<Self> {
        let (signing, verifying) = algorithms(spec)?;
        let signing = PqdsaKeyPair::from_seed(signing, seed).ok()?;
        let public_der = signing.public_key().as_der().ok()?.as_ref().to_vec();
        Some(Self {
            spec,
            seed: Zeroizing::new(seed.to_vec()),
            verifying: ParsedPublicKey::new(verifying, &public_der).ok()?,
            verifying_mu: OnceLock::new(),
            signing,
            public_der,
        })
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        self.seed.clone()
    }

    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
    ) -> Result<Vec<u8>, Unfit> {
        match (algorithm, message_type) {
            (SigningAlgorithm::MlDsaShake256, MessageType::Raw) => {
                let mut out = vec![0; self.signing.algorithm().signature_len()];
                let length = self.signing.sign(message, &mut out).map_err(|_| Unfit)?;
                out.truncate(length);
                Ok(out)
            }
            (SigningAlgorithm::MlDsaShake256, MessageType::ExternalMu) => {
                let mu = message.try_into().map_err(|_| Unfit)?;
                match self.spec {
                    KeySpec::MlDsa44 => sign_mu::<MlDsa44>(&self.seed, mu),
                    KeySpec::MlDsa65 => sign_mu::<MlDsa65>(&self.seed, mu),
                    _ => sign_mu::<MlDsa87>(&self.seed, mu),
                }
            }
            _ => Err(Unfit),
        }
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Unfit> {
        match (algorithm, message_type) {
            (SigningAlgorithm::MlDsaShake256, MessageType::Raw) => {
                Ok(self.verifying.verify_sig(message, signature).is_ok())
            }
            (SigningAlgorithm::MlDsaShake256, MessageType::ExternalMu) => {
                let mu = message.try_into().map_err(|_| Unfit)?;
                Ok(match self.verifying_mu()? {
                    MuKey::MlDsa44(key) => verify_mu(key, mu, signature),
                    MuKey::MlDsa65(key) => verify_mu(key, mu, signature),
                    MuKey::MlDsa87(key) => verify_mu(key, mu, signature),
                })
            }
            _ => Err(Unfit),
        }
    }

    fn verifying_mu(&self) -> Result<&MuKey, Unfit> {
        if let Some(key) = self.verifying_mu.get() {
            return Ok(key);
        }
        let made = match self.spec {
            KeySpec::MlDsa44 => MuKey::MlDsa44(public(&self.seed)?),
            KeySpec::MlDsa65 => MuKey::MlDsa65(public(&self.seed)?),
            _ => MuKey::MlDsa87(public(&self.seed)?),
        };
        Ok(self.verifying_mu.get_or_init(|| made))
    }
}

fn expanded<P: MlDsaParams>(seed: &[u8]) -> Result<SigningKey<P>, Unfit> {
    let seed = seed.try_into().map_err(|_| Unfit)?;
    Ok(SigningKey::from_seed(seed))
}

fn sign_mu<P: MlDsaParams>(seed: &[u8], mu: &[u8; MU_LEN]) -> Result<Vec<u8>, Unfit> {
    let key = expanded::<P>(seed)?;
    let signature = key.expanded_key().sign_mu_deterministic(&(*mu).into());
    Ok(signature.encode().to_vec())
}

fn public<P: MlDsaParams>(seed: &[u8]) -> Result<Box<VerifyingKey<P>>, Unfit> {
    Ok(Box::new(
        expanded::<P>(seed)?.expanded_key().verifying_key(),
    ))
}

fn verify_mu<P: MlDsaParams>(key: &VerifyingKey<P>, mu: &[u8; MU_LEN], signature: &[u8]) -> bool {
    let signature = Signature::<P>::try_from(signature);
    signature.is_ok_and(|signature| key.verify_mu(&(*mu).into(), &signature))
}
