//! The values of the log on disk: version, kind, then either whole entries, each behind its
//! length, or one piece of an entry too long for a value. Their keys: index of the first entry
//! and number of the piece, both big-endian.

use std::io;

use crate::record::{VERSION, corrupt};

/// No value is longer: sled spills longer ones.
pub(super) const VALUE_BYTES_MAX: usize = 4096;
/// No value holds more entries, so that a truncation rewrites little.
const VALUE_ENTRIES_MAX: usize = 8;

/// Kind: whole entries.
pub(super) const WHOLE: u8 = 0;
/// Kind: the length of a long entry and its first piece.
pub(super) const FIRST_PIECE: u8 = 1;
/// Kind: a further piece.
pub(super) const NEXT_PIECE: u8 = 2;

/// Version and kind.
const HEAD_BYTES: usize = 2;
const LENGTH_BYTES: usize = 4;

/// Whether an entry shares values with others, or is long.
pub(super) fn fits_one_value(entry: &[u8]) -> bool {
    HEAD_BYTES + LENGTH_BYTES + entry.len() <= VALUE_BYTES_MAX
}

/// The values of a long entry.
pub(super) fn pieces_of(entry: &[u8]) -> Vec<Vec<u8>> {
    let content = [&length_of(entry), entry].concat();
    let pieces = content.chunks(VALUE_BYTES_MAX - HEAD_BYTES).enumerate();
    let values = pieces.map(|(number, piece)| {
        let kind = if number == 0 { FIRST_PIECE } else { NEXT_PIECE };
        [&[VERSION, kind], piece].concat()
    });
    values.collect()
}

/// A value of whole entries in the making.
#[derive(Default)]
pub(super) struct Group {
    pub(super) first: u64,
    pub(super) entries: usize,
    pub(super) value: Vec<u8>,
}

impl Group {
    pub(super) fn has_room(&self, entry_bytes: usize) -> bool {
        self.entries < VALUE_ENTRIES_MAX
            && self.value.len() + LENGTH_BYTES + entry_bytes <= VALUE_BYTES_MAX
    }

    pub(super) fn push(&mut self, index: u64, bytes: &[u8]) {
        if self.entries == 0 {
            self.first = index;
            self.value = vec![VERSION, WHOLE];
        }
        self.value.extend_from_slice(&length_of(bytes));
        self.value.extend_from_slice(bytes);
        self.entries += 1;
    }
}

/// The entries of a [`WHOLE`] value.
pub(super) struct Frames<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = io::Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let frame = split_length(self.0).and_then(|(length, rest)| {
            rest.split_at_checked(length)
                .ok_or_else(|| corrupt("an entry of the log is cut short"))
        });
        let frame = frame.map(|(frame, rest)| {
            self.0 = rest;
            frame
        });
        if frame.is_err() {
            self.0 = &[];
        }
        Some(frame)
    }
}

fn length_of(bytes: &[u8]) -> [u8; LENGTH_BYTES] {
    u32::try_from(bytes.len())
        .expect("an entry is far shorter than 4 GiB")
        .to_be_bytes()
}

pub(super) fn split_length(bytes: &[u8]) -> io::Result<(usize, &[u8])> {
    let (length, rest) = bytes
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or_else(|| corrupt("a length in the log is cut short"))?;
    Ok((u32::from_be_bytes(*length) as usize, rest))
}

pub(super) fn split_value(value: &[u8]) -> io::Result<(u8, &[u8])> {
    match value {
        [VERSION, kind, content @ ..] => Ok((*kind, content)),
        _ => Err(corrupt("a value of the log has an unknown version")),
    }
}

pub(super) fn key(first: u64, piece: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&piece.to_be_bytes());
    key
}

pub(super) fn split_key(key: &[u8]) -> io::Result<(u64, u32)> {
    let bad = || corrupt("a key of the log has a wrong length");
    let (first, rest) = key.split_first_chunk::<8>().ok_or_else(bad)?;
    let piece: [u8; 4] = rest.try_into().map_err(|_| bad())?;
    Ok((u64::from_be_bytes(*first), u32::from_be_bytes(piece)))
}
