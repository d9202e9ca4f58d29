//! ML-KEM (FIPS 203), from a library that makes keys from their seeds: that is
//! the form in which AWS hands them out, and the C library cannot read it.

use ml_kem::{Decapsulate, DecapsulationKey, KeyExport, MlKem512, MlKem768, MlKem1024};
use zeroize::Zeroizing;

use super::seed_form;
use crate::{Entropy, KeySpec};

/// Length in bytes of a seed.
pub(super) const SEED_LEN: usize = 64;
/// Length in bytes of a shared secret.
const SHARED_LEN: usize = 32;

pub(super) struct MlKem {
    seed: Zeroizing<Vec<u8>>,
    key: Key,
    pub(super) public_der: Vec<u8>,
}

enum Key {
    MlKem512(Box<DecapsulationKey<MlKem512>>),
    MlKem768(Box<DecapsulationKey<MlKem768>>),
    MlKem1024(Box<DecapsulationKey<MlKem1024>>),
}

macro_rules! with_key {
    ($key:expr, $inner:ident => $body:expr) => {
        match $key {
            Key::MlKem512($inner) => $body,
            Key::MlKem768($inner) => $body,
            Key::MlKem1024($inner) => $body,
        }
    };
}

impl MlKem {
    /// `None` for other specs.
    pub(super) fn generate(spec: KeySpec, entropy: &mut dyn Entropy) -> Option<Self> {
        let mut seed = Zeroizing::new(vec![0; SEED_LEN]);
        entropy.fill(&mut seed);
        Self::read(spec, &seed)
    }

    pub(super) fn read(spec: KeySpec, seed: &[u8]) -> Option<Self> {
        let d_z = seed.try_into().ok()?;
        let key = match spec {
            KeySpec::MlKem512 => Key::MlKem512(Box::new(DecapsulationKey::from_seed(d_z))),
            KeySpec::MlKem768 => Key::MlKem768(Box::new(DecapsulationKey::from_seed(d_z))),
            KeySpec::MlKem1024 => Key::MlKem1024(Box::new(DecapsulationKey::from_seed(d_z))),
            _ => return None,
        };
        let public = with_key!(&key, key => key.encapsulation_key().to_bytes().to_vec());
        Some(Self {
            seed: Zeroizing::new(seed.to_vec()),
            key,
            public_der: seed_form::public_key_der(spec, &public),
        })
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        self.seed.clone()
    }

    /// A ciphertext, and the secret that is in it.
    pub(super) fn encapsulate(&self, entropy: &mut dyn Entropy) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        let mut random = Zeroizing::new([0; SHARED_LEN]);
        entropy.fill(&mut *random);
        with_key!(&self.key, key => {
            let key = key.encapsulation_key();
            let (ciphertext, secret) = key.encapsulate_deterministic(&(*random).into());
            (ciphertext.to_vec(), Zeroizing::new(secret.to_vec()))
        })
    }

    /// The secret in a ciphertext. One that was altered gives another secret
    /// (implicit rejection); `None` for one of the wrong length.
    pub(super) fn decapsulate(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        with_key!(&self.key, key => {
            let secret = key.decapsulate(ciphertext.try_into().ok()?);
            Some(Zeroizing::new(secret.to_vec()))
        })
    }
}
