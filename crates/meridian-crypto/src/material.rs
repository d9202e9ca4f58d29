//! Material: the secret bytes behind a symmetric key, in the clear.

use crate::Entropy;
use crate::secret::Secret;

/// The 32 secret bytes behind a symmetric key, wiped on drop.
///
/// Lives only from drawing or unwrapping until it is sealed; it cannot be
/// printed, copied or serialized.
pub struct Material(Secret);

impl Material {
    /// Draws new material.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(Secret::generate(entropy))
    }

    /// Imported bytes as material; `None` unless there are exactly 32, the
    /// length AWS asks for `SYMMETRIC_DEFAULT`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Secret::from_bytes(bytes).map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn material_has_exactly_32_bytes() {
        assert!(Material::from_bytes(&[7; 32]).is_some());
        for length in [0, 16, 31, 33, 64] {
            assert!(Material::from_bytes(&vec![7; length]).is_none(), "{length}");
        }
    }

    #[test]
    fn drawn_material_follows_from_the_entropy_alone() {
        let drawn = |seed| *Material::generate(&mut SeededEntropy::new(seed)).as_bytes();
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
