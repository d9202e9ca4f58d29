//! Fingerprints: telling whether two secrets are the same without keeping
//! either.

use crate::entropy::Entropy;
use crate::keyed_hash::KeyedHash;
use crate::secret::ClusterSecret;

/// A keyed hash under a key that nobody else has and that is wiped with this
/// value. The same bytes have the same fingerprint here, and nowhere else; even
/// a single byte cannot be guessed from it.
pub struct Fingerprints(KeyedHash);

impl Fingerprints {
    /// Under a key drawn from `entropy`.
    pub fn new(entropy: &mut dyn Entropy) -> Fingerprints {
        let mut key = zeroize::Zeroizing::new([0; crate::secret::SECRET_LEN]);
        entropy.fill(&mut *key);
        Fingerprints(KeyedHash::new(&key))
    }

    /// Under a key that follows from the cluster's secret: the same for all of
    /// its nodes, and for nobody else.
    pub fn of_cluster(secret: &ClusterSecret) -> Fingerprints {
        let secret = KeyedHash::new(secret.as_bytes());
        Fingerprints(KeyedHash::new(&secret.derive("fingerprints", &[])))
    }

    /// The fingerprint of some bytes: 32 hex digits.
    pub fn of(&self, bytes: &[u8]) -> String {
        hex::encode(&self.0.digest(&[bytes])[..16])
    }

    /// The fingerprint as a number.
    pub fn number(&self, bytes: &[u8]) -> u64 {
        let digest = self.0.digest(&[bytes]);
        digest[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn the_same_bytes_have_the_same_fingerprint_under_one_key_only() {
        let one = Fingerprints::new(&mut SeededEntropy::new(1));
        let other = Fingerprints::new(&mut SeededEntropy::new(2));
        assert_eq!(one.of(b"secret"), one.of(b"secret"));
        assert_ne!(one.of(b"secret"), one.of(b"secreu"));
        assert_ne!(one.of(b"secret"), other.of(b"secret"));
        assert_eq!(one.of(b"").len(), 32);
        assert_eq!(one.number(b"secret"), one.number(b"secret"));
        assert_ne!(one.number(b"secret"), one.number(b"secreu"));
        assert_ne!(one.number(b"secret"), other.number(b"secret"));
    }

    #[test]
    fn nodes_of_one_cluster_have_the_same_fingerprints() {
        let mut entropy = SeededEntropy::new(1);
        let secret = ClusterSecret::generate(&mut entropy);
        let other = ClusterSecret::generate(&mut entropy);
        let of = |secret| Fingerprints::of_cluster(secret).of(b"secret");
        assert_eq!(of(&secret), of(&secret));
        assert_ne!(of(&secret), of(&other));
    }
}
