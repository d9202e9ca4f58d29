//! The target `public_key` for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meridian_fuzz::run("public_key", bytes));
