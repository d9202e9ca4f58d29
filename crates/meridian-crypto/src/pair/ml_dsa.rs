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
    /// The keys for signatures over µ, made at the first of them.
    over_mu: OnceLock<MuKeys>,
    pub(super) public_der: Vec<u8>,
}

/// The other library's keys.
enum MuKeys {
    MlDsa44(Box<Expanded<MlDsa44>>),
    MlDsa65(Box<Expanded<MlDsa65>>),
    MlDsa87(Box<Expanded<MlDsa87>>),
}

/// What a seed is expanded into, which takes as long as a signature: 60 to 180 KB.
/// The private half is wiped.
struct Expanded<P: MlDsaParams> {
    signing: SigningKey<P>,
    verifying: VerifyingKey<P>,
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
            over_mu: OnceLock::new(),
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
                Ok(match self.over_mu()? {
                    MuKeys::MlDsa44(keys) => keys.sign(mu),
                    MuKeys::MlDsa65(keys) => keys.sign(mu),
                    MuKeys::MlDsa87(keys) => keys.sign(mu),
                })
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
                Ok(match self.over_mu()? {
                    MuKeys::MlDsa44(keys) => keys.verify(mu, signature),
                    MuKeys::MlDsa65(keys) => keys.verify(mu, signature),
                    MuKeys::MlDsa87(keys) => keys.verify(mu, signature),
                })
            }
            _ => Err(Unfit),
        }
    }

    fn over_mu(&self) -> Result<&MuKeys, Unfit> {
        if let Some(keys) = self.over_mu.get() {
            return Ok(keys);
        }
        let made = match self.spec {
            KeySpec::MlDsa44 => MuKeys::MlDsa44(Expanded::new(&self.seed)?),
            KeySpec::MlDsa65 => MuKeys::MlDsa65(Expanded::new(&self.seed)?),
            _ => MuKeys::MlDsa87(Expanded::new(&self.seed)?),
        };
        Ok(self.over_mu.get_or_init(|| made))
    }
}

impl<P: MlDsaParams> Expanded<P> {
    fn new(seed: &[u8]) -> Result<Box<Self>, Unfit> {
        let seed = seed.try_into().map_err(|_| Unfit)?;
        let signing = SigningKey::from_seed(seed);
        let verifying = signing.expanded_key().verifying_key();
        Ok(Box::new(Expanded { signing, verifying }))
    }

    fn sign(&self, mu: &[u8; MU_LEN]) -> Vec<u8> {
        let key = self.signing.expanded_key();
        key.sign_mu_deterministic(&(*mu).into()).encode().to_vec()
    }

    fn verify(&self, mu: &[u8; MU_LEN], signature: &[u8]) -> bool {
        let signature = Signature::<P>::try_from(signature);
        signature.is_ok_and(|signature| self.verifying.verify_mu(&(*mu).into(), &signature))
    }
}
