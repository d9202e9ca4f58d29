//! The store on disk: what comes back, in which bytes, and that nothing spills.

use super::*;
use crate::engine::memory::MemoryDisk;
use crate::engine::value::VALUE_BYTES_MAX;
use crate::record::tests::{data, id};
use crate::types::Vote;

fn open(directory: &Path) -> Box<DiskEngine> {
    Box::new(DiskEngine::open(directory, 1, Fsync::Durable).unwrap())
}

fn reopened(engine: Box<DiskEngine>, directory: &Path) -> (Box<DiskEngine>, Stored) {
    engine.close().unwrap();
    let mut engine = open(directory);
    let stored = engine.load().unwrap();
    (engine, stored)
}

fn blobs(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("blobs")).map_or(0, Iterator::count)
}

/// Entries of mixed length: many to a value, one to a value, many values to one.
fn entry(index: u64) -> Entry {
    let length = match index % 17 {
        3 => 4096,
        5 => 4097 + index as usize,
        7 => 300_000,
        _ => index as usize % 900,
    };
    data(index, vec![index as u8; length])
}

#[test]
fn long_entries_come_back_whole_and_never_as_blobs() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = open(directory.path());
    engine.load().unwrap();
    let lengths = [0, 4076, 4077, 4083, 4084, 4096, 8192, 100_000, 2_000_000];
    let entries: Vec<Entry> = (1..)
        .zip(lengths)
        .map(|(index, length)| data(index, vec![7; length]))
        .collect();
    for round in 0..20 {
        engine.write(&[Change::Append(entries.clone())]).unwrap();
        engine.sync().unwrap();
        if round < 19 {
            engine.write(&[Change::Truncate(1)]).unwrap();
        }
    }
    assert_eq!(blobs(directory.path()), 0);
    let (engine, stored) = reopened(engine, directory.path());
    assert_eq!(stored.entries, entries);
    engine.close().unwrap();
    assert_eq!(blobs(directory.path()), 0);
}

/// Small values are consolidated into pages; those must not become blobs either.
#[test]
fn a_long_life_leaves_no_blobs_and_a_bounded_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Box::new(DiskEngine::open(directory.path(), 1, Fsync::ProcessCrash).unwrap());
    engine.load().unwrap();
    let mut next = 1;
    for _ in 0..400 {
        let entries: Vec<Entry> = (next..next + 64).map(|i| data(i, vec![1; 500])).collect();
        next += 64;
        let mut batch = vec![Change::Append(entries)];
        if next > 2000 {
            batch.push(Change::Purge(id(1, 1, next - 2000)));
        }
        engine.write(&batch).unwrap();
        engine.sync().unwrap();
        while engine.tidy().unwrap() {}
    }
    assert_eq!(blobs(directory.path()), 0);
    let (engine, stored) = reopened(engine, directory.path());
    assert_eq!(stored.entries.len(), 1999);
    assert_eq!(blobs(directory.path()), 0);
    let written = 400 * 64 * 500;
    let kept = std::fs::metadata(directory.path().join("db"))
        .unwrap()
        .len();
    assert!(kept < written, "{kept} bytes kept of {written} written");
    engine.close().unwrap();
}

/// The memory engine is simple enough to be right: the disk must agree with it after any
/// sequence of changes, wherever it is closed and opened again.
#[test]
fn disk_and_memory_agree_on_any_sequence_of_changes() {
    let directory = tempfile::tempdir().unwrap();
    let mut disk = open(directory.path());
    disk.load().unwrap();
    let memory = MemoryDisk::default();
    let mut state: u64 = 1;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut first, mut next) = (1, 1);
    for round in 0..300 {
        let mut batch = Vec::new();
        for _ in 0..=random(3) {
            match random(8) {
                0 => {
                    let from = first + random(next - first + 1);
                    batch.push(Change::Truncate(from));
                    next = from;
                }
                1 => {
                    let upto = first + random(next - first + 1);
                    batch.push(Change::Purge(id(1, 1, upto)));
                    first = upto + 1;
                    next = next.max(first);
                }
                2 => batch.push(Change::Vote(Vote::new(round, random(3)))),
                3 => batch.push(Change::Committed(Some(id(1, 1, random(next))))),
                4 => batch.push(Change::CatchingUp(random(2) == 0)),
                _ => {
                    let count = 1 + random(20);
                    batch.push(Change::Append((next..next + count).map(entry).collect()));
                    next += count;
                }
            }
        }
        disk.write(&batch).unwrap();
        memory.engine().write(&batch).unwrap();
        if random(2) == 0 {
            disk.tidy().unwrap();
        }
        if random(20) == 0 {
            let (engine, stored) = reopened(disk, directory.path());
            disk = engine;
            assert_eq!(stored, memory.engine().load().unwrap(), "round {round}");
        }
    }
    disk.close().unwrap();
    assert_eq!(blobs(directory.path()), 0);
}

#[test]
fn an_unknown_format_and_a_strangers_log_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).close().unwrap();
    let error = DiskEngine::open(directory.path(), 2, Fsync::Durable)
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the log belongs to another node than 2");

    let engine = open(directory.path());
    engine.state.insert(FORMAT, &[9]).unwrap();
    engine.close().unwrap();
    let error = DiskEngine::open(directory.path(), 1, Fsync::Durable)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the log was written in format [9], this program reads 1"
    );
}

/// The bytes may never change while the version byte is 1: stores hold them.
#[test]
fn values_have_the_bytes_of_version_1() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = open(directory.path());
    engine.load().unwrap();
    let long = data(3, vec![b'x'; 5000]);
    let entries = vec![data(1, "a"), data(2, "bc"), long];
    let vote = Change::Vote(Vote::new(3, 2));
    engine.write(&[vote, Change::Append(entries)]).unwrap();

    let log: Vec<_> = engine.log.iter().map(Result::unwrap).collect();
    let (first_key, first) = &log[0];
    assert_eq!(first_key[..], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let golden: &[u8] = &[
        1, 0, 0, 0, 0, 6, 1, 1, 1, 1, 1, b'a', 0, 0, 0, 7, 1, 1, 2, 1, 2, b'b', b'c',
    ];
    assert_eq!(first[..], *golden);
    let (piece_key, piece) = &log[1];
    assert_eq!(piece_key[..], [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]);
    assert_eq!(
        piece[..12],
        [1, 1, 0, 0, 0x13, 0x8e, 1, 1, 3, 1, 0x88, 0x27]
    );
    assert_eq!(piece.len(), VALUE_BYTES_MAX);
    let (rest_key, rest) = &log[2];
    assert_eq!(rest_key[..], [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
    assert_eq!(rest[..3], [1, 2, b'x']);
    let vote = engine.state.get(VOTE).unwrap().unwrap();
    assert_eq!(vote[..], [1, 3, 2, 0]);
    engine.close().unwrap();
}
