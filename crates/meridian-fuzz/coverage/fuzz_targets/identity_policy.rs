//! The target `identity_policy` for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meridian_fuzz::run("identity_policy", bytes));
