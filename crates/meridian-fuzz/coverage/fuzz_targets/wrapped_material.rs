//! The target `wrapped_material` for libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meridian_fuzz::run("wrapped_material", bytes));
