//! The certificate that an operator trusts for attestation documents, as PEM.
//! The document of the tests leads back to the root of the tests, and to no
//! other certificate that is taken.

use std::sync::LazyLock;

use meridian_crypto::{AttestationRoot, Attested};

use crate::attestation_document::{NOW_MS, document, root};

static GOLDEN: LazyLock<(AttestationRoot, Vec<u8>)> = LazyLock::new(|| (root(), document()));

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    let taken = AttestationRoot::from_pem(text).ok()?;
    let (golden, document) = &*GOLDEN;
    let leads_there = Attested::verify(document, &taken, NOW_MS).is_ok();
    assert_eq!(leads_there, taken == *golden);
    Some(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_has_a_root_and_half_of_one() {
        let pem = include_str!("../../meridian-crypto/tests/golden/attestation_root.pem");
        let crlf = format!("of a test\r\n{}", pem.replace('\n', "\r\n"));
        let half = pem.lines().take(4).collect::<Vec<_>>().join("\n");
        crate::corpus::holds(
            "attestation_root",
            &[
                ("root", pem.into()),
                ("crlf", crlf.into()),
                ("refused_half", half.into()),
            ],
        );
    }
}
