//! CMS EnvelopedData for one recipient (RFC 5652, RFC 4056).

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::der::{INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, write};
use crate::{Entropy, WrappingAlgorithm, wrap};

/// `id-envelopedData`.
const ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
/// `id-data`.
const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// `id-RSAES-OAEP`.
const RSAES_OAEP: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07";
/// `id-mgf1`.
const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
/// `id-sha256`.
const SHA_256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
/// `aes256-CBC`.
const AES_256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";

/// What CBC pads to.
const BLOCK_BYTES: usize = 16;

/// Can anything be encrypted for the owner of this key?
pub fn is_rsa(public_key: &[u8]) -> bool {
    let key = PublicEncryptingKey::from_der(public_key);
    key.is_ok_and(|key| OaepPublicEncryptingKey::new(key).is_ok())
}

/// Encrypts for the owner of an RSA key; `None` if the key is not one.
pub fn seal(public_key: &[u8], plaintext: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
    let mut key = Zeroizing::new([0; 32]);
    entropy.fill(key.as_mut_slice());
    let mut iv = [0; 16];
    entropy.fill(&mut iv);
    let wrapped = wrap(
        public_key,
        WrappingAlgorithm::RsaesOaepSha256,
        key.as_slice(),
    )
    .ok()?;
    // With room for the padding: a buffer that grew would leave the plaintext in
    // the one before.
    let mut content = Zeroizing::new(Vec::with_capacity(plaintext.len() + BLOCK_BYTES));
    content.extend_from_slice(plaintext);
    let cipher = UnboundCipherKey::new(&AES_256, key.as_slice()).ok()?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).ok()?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(&mut *content, context).ok()?;
    Some(message(public_key, &wrapped, &iv, &content))
}

fn message(public_key: &[u8], wrapped: &[u8], iv: &[u8], content: &[u8]) -> Vec<u8> {
    let version_2 = write(INTEGER, &[&[2]]);
    // The recipient has one key and no certificate: its hash will do.
    let key_id = write(0x80, &[&Sha256::digest(public_key)[..20]]);
    let recipient = write(
        SEQUENCE,
        &[
            &version_2,
            &key_id,
            &oaep(),
            &write(OCTET_STRING, &[wrapped]),
        ],
    );
    let cipher = write(SEQUENCE, &[&oid(AES_256_CBC), &write(OCTET_STRING, &[iv])]);
    let encrypted = write(SEQUENCE, &[&oid(DATA), &cipher, &write(0x80, &[content])]);
    let enveloped = write(
        SEQUENCE,
        &[&version_2, &write(SET, &[&recipient]), &encrypted],
    );
    write(
        SEQUENCE,
        &[&oid(ENVELOPED_DATA), &write(0xa0, &[&enveloped])],
    )
}

/// RSAES-OAEP with SHA-256 for label and mask.
fn oaep() -> Vec<u8> {
    let sha_256 = write(SEQUENCE, &[&oid(SHA_256), &write(NULL, &[])]);
    let mask = write(SEQUENCE, &[&oid(MGF1), &sha_256]);
    let parameters = write(
        SEQUENCE,
        &[&write(0xa0, &[&sha_256]), &write(0xa1, &[&mask])],
    );
    write(SEQUENCE, &[&oid(RSAES_OAEP), &parameters])
}

fn oid(body: &[u8]) -> Vec<u8> {
    write(OBJECT_IDENTIFIER, &[body])
}
