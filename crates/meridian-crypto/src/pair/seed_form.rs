//! The DER forms of ML-KEM and ML-DSA keys (RFC 9935, RFC 9881): a private key
//! as its seed in PKCS#8, a public key as SubjectPublicKeyInfo. Both are a fixed
//! beginning and the bytes.

use zeroize::Zeroizing;

use crate::KeySpec;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEED: u8 = 0x80;

/// The algorithm's identifier, a SEQUENCE of an OID below NIST's
/// 2.16.840.1.101.3.4 without parameters.
fn algorithm(spec: KeySpec) -> Option<[u8; 13]> {
    let (family, number) = match spec {
        KeySpec::MlDsa44 => (3, 17),
        KeySpec::MlDsa65 => (3, 18),
        KeySpec::MlDsa87 => (3, 19),
        KeySpec::MlKem512 => (4, 1),
        KeySpec::MlKem768 => (4, 2),
        KeySpec::MlKem1024 => (4, 3),
        _ => return None,
    };
    Some([
        SEQUENCE, 11, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, family, number,
    ])
}

/// The private key in seed form; `None` for specs that have none.
pub(super) fn private_key_der(spec: KeySpec, seed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let short = |length: usize| u8::try_from(length).expect("a seed has 32 or 64 bytes");
    let algorithm = algorithm(spec)?;
    let inside = 3 + algorithm.len() + 4 + seed.len();
    let mut out = Zeroizing::new(Vec::with_capacity(2 + inside));
    out.extend_from_slice(&[SEQUENCE, short(inside), 0x02, 1, 0]);
    out.extend_from_slice(&algorithm);
    out.extend_from_slice(&[OCTET_STRING, short(2 + seed.len()), SEED, short(seed.len())]);
    out.extend_from_slice(seed);
    Some(out)
}

/// The public key, which has between 256 and 65,000 bytes.
///
/// # Panics
/// For specs that have no seed form.
pub(super) fn public_key_der(spec: KeySpec, public: &[u8]) -> Vec<u8> {
    let algorithm = algorithm(spec).expect("only specs with a seed form get here");
    let long = |tag: u8, length: usize| {
        let [high, low] = u16::try_from(length)
            .expect("a public key is shorter than 64 KiB")
            .to_be_bytes();
        [tag, 0x82, high, low]
    };
    let inside = algorithm.len() + 4 + 1 + public.len();
    let mut out = Vec::with_capacity(4 + inside);
    out.extend_from_slice(&long(SEQUENCE, inside));
    out.extend_from_slice(&algorithm);
    out.extend_from_slice(&long(BIT_STRING, 1 + public.len()));
    out.push(0);
    out.extend_from_slice(public);
    out
}
