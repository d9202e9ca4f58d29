//! A short run of every target: its corpus, and mutations of it that follow
//! from a seed. `MERIDIAN_MUTATIONS` makes it longer.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use meridian_fuzz::{TARGETS, Target};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// Mutated inputs of each target, unless the environment says otherwise.
const MUTATIONS: u64 = 3000;

fn mutations() -> u64 {
    let set = std::env::var("MERIDIAN_MUTATIONS").ok();
    set.map_or(MUTATIONS, |count| count.parse().expect("a number"))
}

fn crate_directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = crate_directory().join("corpus").join(target.name);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{directory:?} is empty");
    let read = |path: PathBuf| (path.clone(), fs::read(path).expect("a readable file"));
    files.into_iter().map(read).collect()
}

fn below(random: &mut ChaCha20Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64()).unwrap_or(0) % bound.max(1)
}

/// One to eight small damages, or a piece of another input in the middle.
fn mutate(random: &mut ChaCha20Rng, inputs: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = inputs[below(random, inputs.len())].1.clone();
    for _ in 0..=below(random, 8) {
        let at = below(random, bytes.len());
        match below(random, 6) {
            _ if bytes.is_empty() => bytes.push(0),
            0 => bytes[at] ^= 1 << below(random, 8),
            1 => bytes[at] = b"\0\xff\"{}[],:\\-0"[below(random, 12)],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, b"\"{}[],:0"[below(random, 8)]),
            4 => {
                let end = at + below(random, bytes.len() - at);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &inputs[below(random, inputs.len())].1;
                let from = below(random, other.len());
                let to = from + below(random, other.len() - from);
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn no_target_fails_on_its_corpus_or_near_it() {
    for target in TARGETS {
        let inputs = corpus(target);
        for (path, bytes) in &inputs {
            println!("{}", path.display());
            let name = path.file_name().expect("a file").to_string_lossy();
            let is_taken = (target.run)(bytes).is_some();
            assert_eq!(is_taken, !name.starts_with("refused"), "{path:?}");
        }
        let mut random = ChaCha20Rng::seed_from_u64(1);
        for round in 0..mutations() {
            let bytes = mutate(&mut random, &inputs);
            let ended = catch_unwind(|| (target.run)(&bytes));
            let shown = bytes.escape_ascii();
            assert!(ended.is_ok(), "{} {round}: b\"{shown}\"", target.name);
        }
    }
}

#[test]
fn every_target_has_its_binary_for_libfuzzer() {
    let manifest = fs::read_to_string(crate_directory().join("coverage/Cargo.toml")).unwrap();
    for target in TARGETS {
        let name = target.name;
        let source = crate_directory().join(format!("coverage/fuzz_targets/{name}.rs"));
        let text =
            fs::read_to_string(&source).unwrap_or_else(|error| panic!("{source:?}: {error}"));
        assert!(text.contains(&format!("run(\"{name}\"")), "{source:?}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
