//! ML-DSA (FIPS 204). The C library signs messages; for the representative µ of
//! a message that somebody else has computed it has no call, and another
//! library is asked.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    self, KeyPair as _, ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm,
    PqdsaVerificationAlgorithm,
};
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, SigningKey};
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
    pub(super) public_der: Vec<u8>,
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
                match self.spec {
                    KeySpec::MlDsa44 => verify_mu::<MlDsa44>(&self.seed, mu, signature),
                    KeySpec::MlDsa65 => verify_mu::<MlDsa65>(&self.seed, mu, signature),
                    _ => verify_mu::<MlDsa87>(&self.seed, mu, signature),
                }
            }
            _ => Err(Unfit),
        }
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

fn verify_mu<P: MlDsaParams>(
    seed: &[u8],
    mu: &[u8; MU_LEN],
    signature: &[u8],
) -> Result<bool, Unfit> {
    let key = expanded::<P>(seed)?.expanded_key().verifying_key();
    let signature = Signature::<P>::try_from(signature);
    Ok(signature.is_ok_and(|signature| key.verify_mu(&(*mu).into(), &signature)))
}
