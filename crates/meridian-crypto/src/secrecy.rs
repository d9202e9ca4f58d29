//! Tests that what is secret cannot be printed, copied or serialized, and is
//! wiped.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use serde::Serialize;
use zeroize::ZeroizeOnDrop;

use crate::{ClusterSecret, HotMaterial, ImportToken, Material, MaterialId, RootKey, WrappingKey};

/// An inherent constant that applies hides the trait's: what is read is whether
/// `T` has the trait.
struct Probe<T>(PhantomData<T>);

trait Otherwise {
    const DEBUG: bool = false;
    const DISPLAY: bool = false;
    const CLONE: bool = false;
    const SERIALIZE: bool = false;
}

impl<T> Otherwise for Probe<T> {}

impl<T: Debug> Probe<T> {
    const DEBUG: bool = true;
}
impl<T: Display> Probe<T> {
    const DISPLAY: bool = true;
}
impl<T: Clone> Probe<T> {
    const CLONE: bool = true;
}
impl<T: Serialize> Probe<T> {
    const SERIALIZE: bool = true;
}

macro_rules! abilities {
    ($type:ty) => {
        [
            Probe::<$type>::DEBUG,
            Probe::<$type>::DISPLAY,
            Probe::<$type>::CLONE,
            Probe::<$type>::SERIALIZE,
        ]
    };
}

#[test]
fn the_probe_sees_what_a_public_type_can_do() {
    assert_eq!(abilities!(MaterialId), [true; 4]);
}

#[test]
fn no_secret_can_be_printed_copied_or_serialized() {
    assert_eq!(abilities!(Material), [false; 4]);
    assert_eq!(abilities!(HotMaterial), [false; 4]);
    assert_eq!(abilities!(RootKey), [false; 4]);
    assert_eq!(abilities!(ClusterSecret), [false; 4]);
    assert_eq!(abilities!(WrappingKey), [false; 4]);
    assert_eq!(abilities!(ImportToken), [false; 4]);
    assert_eq!(abilities!(crate::Vault), [false; 4]);
    assert_eq!(abilities!(crate::Fingerprints), [false; 4]);
}

#[test]
fn the_libraries_wipe_the_states_they_keep() {
    fn wiped_on_drop<T: ZeroizeOnDrop>() {}
    // Compiles only while the libraries' `zeroize` features are on. An HMAC state
    // is two SHA-256 states and has no mark of its own.
    wiped_on_drop::<sha2::Sha256>();
    wiped_on_drop::<aes_gcm::Aes256Gcm>();
}
