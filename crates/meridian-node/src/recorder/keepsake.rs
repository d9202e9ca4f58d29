//! The ciphertexts of a run, to be tried in every region at its end. They stay in
//! memory; what they hold is known by its fingerprint.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;

/// Ciphertexts of one material that one region made, at most.
const KEPT_EACH: u32 = 16;

/// Ciphertexts at all, at most.
const KEPT_MAX: usize = 20_000;

/// What is known of a ciphertext.
#[derive(Clone)]
pub struct Kept {
    /// The key that made it.
    pub key: KeyRef,
    /// The material that made it.
    pub material: MaterialId,
    /// The encryption context.
    pub context: BTreeMap<String, String>,
    /// The fingerprint of what it holds, once somebody has seen that.
    pub text: Option<String>,
}

/// All ciphertexts that are kept.
#[derive(Default)]
pub struct Keepsake {
    kept: HashMap<Bytes, Kept>,
    made: BTreeMap<(usize, KeyRef, MaterialId), u32>,
    left_out: u64,
}

impl Keepsake {
    /// A region has made a ciphertext. Enough of each material and region are
    /// kept.
    pub fn keep(&mut self, region: usize, blob: &Bytes, kept: Kept) {
        let made = self.made.entry((region, kept.key, kept.material));
        let made = made.or_default();
        if *made >= KEPT_EACH || self.kept.len() >= KEPT_MAX {
            self.left_out += 1;
            return;
        }
        *made += 1;
        // A copy of its own: the response's buffer may be much longer.
        self.kept.insert(Bytes::copy_from_slice(blob), kept);
    }

    /// What is known of a ciphertext.
    pub fn known(&self, blob: &Bytes) -> Option<&Kept> {
        self.kept.get(blob)
    }

    /// Somebody has seen what a ciphertext holds.
    pub fn learn(&mut self, blob: &Bytes, text: &str) {
        if let Some(kept) = self.kept.get_mut(blob) {
            kept.text.get_or_insert_with(|| text.to_owned());
        }
    }

    /// All that are kept, and how many are not.
    pub fn all(&self) -> (Vec<(Bytes, Kept)>, u64) {
        let kept = self.kept.iter();
        let kept = kept.map(|(blob, kept)| (blob.clone(), kept.clone()));
        (kept.collect(), self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_of_each_material_and_region_are_kept() {
        let kept = |material| Kept {
            key: KeyRef {
                account: Default::default(),
                id: meridian_kms::KeyId::from_random([1; 16], true),
            },
            material: MaterialId::from_bytes([material; 32]),
            context: BTreeMap::new(),
            text: None,
        };
        let mut keepsake = Keepsake::default();
        let blob = |number: u32| Bytes::copy_from_slice(&number.to_be_bytes());
        for number in 0..20 {
            keepsake.keep(0, &blob(number), kept(1));
        }
        keepsake.keep(0, &blob(20), kept(2));
        keepsake.keep(1, &blob(21), kept(1));
        let (all, left_out) = keepsake.all();
        assert_eq!((all.len(), left_out), (18, 4));
        keepsake.learn(&blob(20), "text");
        keepsake.learn(&blob(20), "other");
        let known = keepsake.known(&blob(20)).and_then(|it| it.text.as_deref());
        assert_eq!(known, Some("text"));
        assert!(keepsake.known(&blob(19)).is_none());
    }
}
