//! Documents against a chain of the tests' own: root, intermediate and leaf,
//! valid from 2020 to 2120. The public key is that of the golden wrapping key.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, SET};
use super::*;
use crate::{SeededEntropy, WrappingAlgorithm};

const ROOT: &str = include_str!("../../tests/golden/attestation_root.pem");
const DOCUMENT: &str = include_str!("../../tests/golden/attestation_document.hex");
const PRIVATE_KEY: &str = include_str!("../../tests/golden/wrapping_key_rsa_2048.hex");
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits.split_whitespace().collect::<String>()).unwrap()
}

fn root() -> AttestationRoot {
    AttestationRoot::from_pem(ROOT).unwrap()
}

fn verify(document: &[u8], now_ms: i64) -> Result<Attested, AttestationError> {
    Attested::verify(document, &root(), now_ms)
}

/// What the owner of the private key reads.
fn open(message: &[u8]) -> Vec<u8> {
    let mut outer = Reader(message).expect(SEQUENCE).unwrap().inside();
    outer.next().unwrap();
    let inner = outer.expect(0xa0).unwrap().inside().expect(SEQUENCE);
    let mut enveloped = inner.unwrap().inside();
    enveloped.expect(INTEGER).unwrap();
    let recipient = enveloped.expect(SET).unwrap().inside().expect(SEQUENCE);
    let mut recipient = recipient.unwrap().inside();
    recipient.expect(INTEGER).unwrap();
    recipient.expect(0x80).unwrap();
    recipient.expect(SEQUENCE).unwrap();
    let wrapped = recipient.expect(OCTET_STRING).unwrap().content;
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    let key = crate::wrapping::unwrap(&bytes(PRIVATE_KEY), algorithm, wrapped);
    let mut encrypted = enveloped.expect(SEQUENCE).unwrap().inside();
    encrypted.next().unwrap();
    let mut cipher = encrypted.expect(SEQUENCE).unwrap().inside();
    cipher.next().unwrap();
    let iv: [u8; 16] = cipher.next().unwrap().content.try_into().unwrap();
    let mut content = encrypted.expect(0x80).unwrap().content.to_vec();
    let key = UnboundCipherKey::new(&AES_256, &key.unwrap()).unwrap();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    key.decrypt(&mut content, context).unwrap().to_vec()
}

#[test]
fn an_answer_is_for_the_owner_of_the_attested_key() {
    let attested = verify(&bytes(DOCUMENT), NOW_MS).unwrap();
    assert_eq!(attested.registers[1], (1, vec![1; 48]));
    let sealed = attested.seal(b"hello", &mut SeededEntropy::new(1)).unwrap();
    assert_eq!(open(&sealed), b"hello");
}

#[test]
fn a_document_is_as_long_lived_as_its_certificates() {
    let year_ms = 365 * 86_400_000;
    let untrusted = Err(AttestationError::Untrusted);
    assert_eq!(verify(&bytes(DOCUMENT), NOW_MS - 7 * year_ms), untrusted);
    assert_eq!(verify(&bytes(DOCUMENT), NOW_MS + 95 * year_ms), untrusted);
    assert!(verify(&bytes(DOCUMENT), NOW_MS + 93 * year_ms).is_ok());
}

#[test]
fn every_altered_byte_is_noticed() {
    let document = bytes(DOCUMENT);
    for at in (0..document.len()).step_by(7) {
        let mut altered = document.clone();
        altered[at] ^= 1;
        assert!(verify(&altered, NOW_MS).is_err(), "byte {at}");
    }
    let mut altered = document.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(verify(&altered, NOW_MS), Err(AttestationError::Signature));
}

#[test]
fn bytes_that_are_no_document_are_refused() {
    let document = bytes(DOCUMENT);
    let malformed = Err(AttestationError::Malformed);
    for length in (0..document.len()).step_by(5) {
        assert_eq!(verify(&document[..length], NOW_MS), malformed);
    }
    for bytes in [
        &b"\xff"[..],
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        &[0x81; 64],
    ] {
        assert_eq!(verify(bytes, NOW_MS), malformed);
    }
}

#[test]
fn only_a_whole_certificate_is_a_root() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n"] {
        assert_eq!(AttestationRoot::from_pem(pem), Err(AttestationRootError));
    }
    let cut = ROOT.lines().take(4).collect::<Vec<_>>().join("\n");
    assert_eq!(AttestationRoot::from_pem(&cut), Err(AttestationRootError));
}
