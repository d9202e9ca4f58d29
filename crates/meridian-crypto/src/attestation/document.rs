//! An attestation document: a COSE_Sign1 message in CBOR, signed with the key of
//! a certificate that comes with its chain.

use super::AttestationRoot;
use super::cbor::{self, Item};
use super::certificate::Certificate;
use super::enveloped;
use crate::Entropy;

/// `ES384`, in a protected header `{1: -35}`.
const PROTECTED: &[u8] = b"\xa1\x01\x38\x22";
/// The tag that a COSE_Sign1 message may have.
const COSE_SIGN1: u64 = 18;

/// What an enclave has proven: that it holds the private key of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// RSA, as SubjectPublicKeyInfo.
    public_key: Vec<u8>,
    /// Platform configuration registers, by index.
    pub registers: Vec<(u64, Vec<u8>)>,
}

/// Why a document proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// Not an attestation document.
    #[error("not an attestation document")]
    Malformed,
    /// It has no public key to encrypt for.
    #[error("the attestation document has no public key")]
    NoPublicKey,
    /// Nothing can be encrypted for its public key.
    #[error("the public key of the attestation document is not RSA")]
    NotRsa,
    /// A certificate of its chain is not valid at this time, or its chain does
    /// not lead to the root.
    #[error("the certificates of the attestation document are not trusted")]
    Untrusted,
    /// It was altered.
    #[error("the signature of the attestation document is not valid")]
    Signature,
}

impl Attested {
    /// Checks a document (AWS, "Attestation document validation").
    ///
    /// # Errors
    /// [`AttestationError`].
    pub fn verify(
        document: &[u8],
        root: &AttestationRoot,
        now_ms: i64,
    ) -> Result<Attested, AttestationError> {
        let malformed = AttestationError::Malformed;
        let message = parts(document).ok_or(malformed)?;
        let payload = cbor::read(message.payload).ok_or(malformed)?;
        let leaf = payload.member("certificate").and_then(Item::bytes);
        let leaf = leaf.and_then(Certificate::read).ok_or(malformed)?;
        let bundle = bundle(&payload).ok_or(malformed)?;
        let registers = registers(&payload).ok_or(malformed)?;
        if !leads_to(root, &bundle, &leaf, now_ms) {
            return Err(AttestationError::Untrusted);
        }
        if !leaf.has_signed(&message.to_be_signed(), message.signature) {
            return Err(AttestationError::Signature);
        }
        let public_key = payload.member("public_key").and_then(Item::bytes);
        let public_key = public_key.ok_or(AttestationError::NoPublicKey)?;
        if !enveloped::is_rsa(public_key) {
            return Err(AttestationError::NotRsa);
        }
        Ok(Attested {
            public_key: public_key.to_vec(),
            registers,
        })
    }

    /// Encrypts for the enclave: CMS EnvelopedData with RSAES-OAEP and SHA-256
    /// for the key, AES-256-CBC for the content; `None` if the C library fails.
    pub fn seal(&self, plaintext: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        enveloped::seal(&self.public_key, plaintext, entropy)
    }
}

struct Message<'a> {
    payload: &'a [u8],
    signature: &'a [u8],
}

fn parts(document: &[u8]) -> Option<Message<'_>> {
    let message = match cbor::read(document)? {
        Item::Tagged(COSE_SIGN1, message) => *message,
        message => message,
    };
    let Item::Array(parts) = message else {
        return None;
    };
    let [protected, Item::Map(_), payload, signature] = parts.as_slice() else {
        return None;
    };
    if protected.bytes()? != PROTECTED {
        return None;
    }
    Some(Message {
        payload: payload.bytes()?,
        signature: signature.bytes()?,
    })
}

impl Message<'_> {
    /// The `Sig_structure` of RFC 9052.
    fn to_be_signed(&self) -> Vec<u8> {
        [
            cbor::head(4, 4).as_slice(),
            &cbor::head(3, 10),
            b"Signature1",
            &cbor::head(2, PROTECTED.len()),
            PROTECTED,
            &cbor::head(2, 0),
            &cbor::head(2, self.payload.len()),
            self.payload,
        ]
        .concat()
    }
}

/// The chain from the root on, without the leaf.
fn bundle<'a>(payload: &Item<'a>) -> Option<Vec<&'a [u8]>> {
    match payload.member("cabundle")? {
        Item::Array(items) => items.iter().map(Item::bytes).collect(),
        _ => None,
    }
}

/// At least one register, each the length of a hash.
fn registers(payload: &Item<'_>) -> Option<Vec<(u64, Vec<u8>)>> {
    let Item::Map(pairs) = payload.member("pcrs")? else {
        return None;
    };
    let register = |(index, value): &(Item<'_>, Item<'_>)| match (index, value) {
        (Item::Unsigned(index @ 0..32), Item::Bytes(value))
            if matches!(value.len(), 32 | 48 | 64) =>
        {
            Some((*index, value.to_vec()))
        }
        _ => None,
    };
    let registers: Vec<_> = pairs.iter().map(register).collect::<Option<_>>()?;
    (!registers.is_empty()).then_some(registers)
}

fn leads_to(root: &AttestationRoot, bundle: &[&[u8]], leaf: &Certificate<'_>, now_ms: i64) -> bool {
    let Some((first, rest)) = bundle.split_first() else {
        return false;
    };
    let Some(mut issuer) = Certificate::read(first).filter(|_| *first == root.der()) else {
        return false;
    };
    let mut all_valid = issuer.is_valid_at(now_ms) && leaf.is_valid_at(now_ms);
    for der in rest {
        let Some(next) = Certificate::read(der).filter(|next| next.is_signed_by(&issuer)) else {
            return false;
        };
        all_valid &= next.is_valid_at(now_ms);
        issuer = next;
    }
    all_valid && leaf.is_signed_by(&issuer)
}
