//! The attestation document of a Recipient, with the certificates in it. What is
//! verified encrypts for its owner, and is not verified once it is altered or
//! cut, or by a clock beyond its certificates.

use std::sync::LazyLock;

use meridian_crypto::{AttestationRoot, Attested, SeededEntropy};

/// 2026-01-01.
pub(crate) const NOW_MS: i64 = 1_767_225_600_000;
/// 2126-01-01: the certificates of the tests end in 2120.
const TOO_LATE_MS: i64 = 4_922_899_200_000;

static ROOT: LazyLock<AttestationRoot> = LazyLock::new(root);

/// What the tests of meridian-crypto trust.
pub(crate) fn root() -> AttestationRoot {
    let pem = include_str!("../../meridian-crypto/tests/golden/attestation_root.pem");
    AttestationRoot::from_pem(pem).expect("a root certificate")
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let verify = |document: &[u8]| Attested::verify(document, &ROOT, NOW_MS);
    let attested = verify(bytes).ok()?;
    assert!(!attested.registers.is_empty(), "it attests something");
    let sealed = attested.seal(b"hello", &mut SeededEntropy::new(1));
    assert!(sealed.is_some(), "its key is RSA");
    let (last, cut) = bytes.split_last()?;
    assert!(verify(cut).is_err(), "cut");
    assert!(verify(&[cut, &[last ^ 1]].concat()).is_err(), "altered");
    assert!(Attested::verify(bytes, &ROOT, TOO_LATE_MS).is_err(), "late");
    Some(())
}

/// The document of the tests of meridian-crypto.
pub(crate) fn document() -> Vec<u8> {
    let digits = include_str!("../../meridian-crypto/tests/golden/attestation_document.hex");
    let digits: String = digits.split_whitespace().collect();
    hex::decode(digits).expect("hex digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_has_a_document_with_and_without_its_tag() {
        let document = document();
        let other = match document.strip_prefix(b"\xd2") {
            Some(untagged) => untagged.to_vec(),
            None => [b"\xd2", &document[..]].concat(),
        };
        let nested = [0x81; 64].to_vec();
        let endless = b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
        crate::corpus::holds(
            "attestation_document",
            &[
                ("document", document),
                ("other_tag", other),
                ("refused_nested", nested),
                ("refused_endless", endless),
            ],
        );
    }
}
