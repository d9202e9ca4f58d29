//! Snapshots: how one is spelt, kept and received.
//!
//! A snapshot is one run of bytes, the same on disk, in memory and between nodes: version,
//! length of the head, length of the body, checksum of both, the head (what it covers), the body
//! (the machine's own). On disk it is the file `snapshot`, replaced by a rename, so that there is
//! always a whole one.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::record::{Covers, VERSION, corrupt, decode, encode};
use crate::types::SnapshotMeta;

const FILE: &str = "snapshot";
/// Files of snapshots not yet complete; left-overs of a crash are removed at the next start.
const PARTIAL: &str = "partial-snapshot-";
/// Version, length of the head, length of the body, checksum.
const PREFIX_BYTES: usize = 1 + 4 + 8 + 4;

/// The bytes of a whole snapshot, wherever they are.
#[derive(Debug)]
pub(crate) enum Image {
    /// On a node without a disk.
    Memory(Bytes),
    /// The node's own, kept. The handle stays readable when a newer one takes the name.
    Kept { file: Arc<File>, bytes: u64 },
    /// Received and not yet installed; the file goes when this does.
    Received { file: NamedTempFile, bytes: u64 },
}

impl Image {
    /// Length of the whole.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Image::Memory(bytes) => bytes.len() as u64,
            Image::Kept { bytes, .. } | Image::Received { bytes, .. } => *bytes,
        }
    }

    /// Reads up to `length` bytes from `offset`. Blocks on a disk.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Bytes> {
        let length = length.min(self.bytes().saturating_sub(offset));
        let file = match self {
            Image::Memory(bytes) => {
                let start = (offset as usize).min(bytes.len());
                return Ok(bytes.slice(start..start + length as usize));
            }
            Image::Kept { file, .. } => file,
            Image::Received { file, .. } => file.as_file(),
        };
        let mut buffer = vec![0; length as usize];
        file.read_exact_at(&mut buffer, offset)?;
        Ok(buffer.into())
    }

    /// Reads all, checks it, and takes it apart. Blocks on a disk.
    pub(crate) fn open(&self) -> io::Result<(SnapshotMeta, Bytes)> {
        open(self.read(0, u64::MAX)?)
    }
}

/// Spells a snapshot.
fn seal(meta: &SnapshotMeta, body: &[u8]) -> Vec<u8> {
    let head = encode(&Covers::from(meta));
    let head_bytes = u32::try_from(head.len()).expect("a head is a few hundred bytes");
    let mut image = Vec::with_capacity(PREFIX_BYTES + head.len() + body.len());
    image.push(VERSION);
    image.extend_from_slice(&head_bytes.to_be_bytes());
    image.extend_from_slice(&(body.len() as u64).to_be_bytes());
    image.extend_from_slice(&checksum(&head, body).to_be_bytes());
    image.extend_from_slice(&head);
    image.extend_from_slice(body);
    image
}

fn open(image: Bytes) -> io::Result<(SnapshotMeta, Bytes)> {
    let bad = || corrupt("the snapshot is damaged");
    if let Some(version) = image.first().filter(|version| **version != VERSION) {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("the snapshot was written in format {version}, this program reads {VERSION}"),
        ));
    }
    let prefix: &[u8; PREFIX_BYTES] = image.first_chunk().ok_or_else(bad)?;
    let [_, h0, h1, h2, h3, b @ .., c0, c1, c2, c3] = *prefix;
    let head_bytes = u32::from_be_bytes([h0, h1, h2, h3]) as usize;
    let body_bytes = u64::from_be_bytes(b);
    let rest = image.slice(PREFIX_BYTES..);
    if head_bytes > rest.len() || (rest.len() - head_bytes) as u64 != body_bytes {
        return Err(bad());
    }
    let (head, body) = (rest.slice(..head_bytes), rest.slice(head_bytes..));
    if checksum(&head, &body) != u32::from_be_bytes([c0, c1, c2, c3]) {
        return Err(bad());
    }
    Ok((decode::<Covers>(&head)?.into_meta()?, body))
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

/// Keeps the newest snapshot of a node. Every method blocks when there is a disk.
pub(crate) struct SnapshotStore {
    directory: Option<PathBuf>,
    newest: Mutex<Option<Kept>>,
}

struct Kept {
    meta: SnapshotMeta,
    /// `Memory` or `Kept`.
    image: Image,
}

impl SnapshotStore {
    /// Keeps snapshots in memory.
    pub(crate) fn in_memory() -> Self {
        Self {
            directory: None,
            newest: Mutex::new(None),
        }
    }

    /// Opens the snapshot kept in `directory`, if there is one, and checks it.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        remove_partial(directory)?;
        let newest = open_kept(&directory.join(FILE))?;
        Ok(Self {
            directory: Some(directory.to_owned()),
            newest: Mutex::new(newest),
        })
    }

    /// The newest snapshot.
    pub(crate) fn newest(&self) -> Option<(SnapshotMeta, Image)> {
        let newest = self.lock();
        let kept = newest.as_ref()?;
        Some((kept.meta.clone(), share(&kept.image)))
    }

    /// Length of the newest snapshot; 0 without one.
    pub(crate) fn newest_bytes(&self) -> u64 {
        self.lock().as_ref().map_or(0, |kept| kept.image.bytes())
    }

    /// Keeps a snapshot of this node's machine, unless a newer one came from the leader while it
    /// was taken. Returns its image either way.
    pub(crate) fn save(&self, meta: &SnapshotMeta, body: &[u8]) -> io::Result<Image> {
        let sealed = Bytes::from(seal(meta, body));
        let mut newest = self.lock();
        if newest
            .as_ref()
            .is_some_and(|kept| kept.meta.last_log_id > meta.last_log_id)
        {
            return Ok(Image::Memory(sealed));
        }
        let image = match &self.directory {
            None => Image::Memory(sealed),
            Some(directory) => {
                let mut file = partial(directory)?;
                file.write_all(&sealed)?;
                persist(file, directory)?
            }
        };
        let shared = share(&image);
        let meta = meta.clone();
        *newest = Some(Kept { meta, image });
        Ok(shared)
    }

    /// Keeps a snapshot received from the leader.
    pub(crate) fn install(&self, meta: &SnapshotMeta, image: Image) -> io::Result<()> {
        let mut newest = self.lock();
        let image = match (image, &self.directory) {
            (Image::Received { file, .. }, Some(directory)) => persist(file, directory)?,
            (image, _) => image,
        };
        let meta = meta.clone();
        *newest = Some(Kept { meta, image });
        Ok(())
    }

    /// A place to receive a snapshot into.
    pub(crate) fn receive(&self) -> io::Result<Receiving> {
        Ok(match &self.directory {
            None => Receiving::Memory(Vec::new()),
            Some(directory) => Receiving::File {
                file: partial(directory)?,
                bytes: 0,
            },
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.newest.lock().expect("no holder of this lock panics")
    }
}

/// A snapshot coming in, piece after piece.
pub(crate) enum Receiving {
    Memory(Vec<u8>),
    File { file: NamedTempFile, bytes: u64 },
}

impl Receiving {
    /// Bytes received.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Receiving::Memory(received) => received.len() as u64,
            Receiving::File { bytes, .. } => *bytes,
        }
    }

    /// Adds the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Receiving::Memory(received) => received.extend_from_slice(piece),
            Receiving::File { file, bytes } => {
                file.write_all(piece)?;
                *bytes += piece.len() as u64;
            }
        }
        Ok(())
    }

    /// All is there: what came in.
    pub(crate) fn finish(self) -> Image {
        match self {
            Receiving::Memory(received) => Image::Memory(received.into()),
            Receiving::File { file, bytes } => Image::Received { file, bytes },
        }
    }
}

/// Another handle to what a store keeps.
fn share(image: &Image) -> Image {
    match image {
        Image::Memory(bytes) => Image::Memory(bytes.clone()),
        Image::Kept { file, bytes } => Image::Kept {
            file: Arc::clone(file),
            bytes: *bytes,
        },
        Image::Received { .. } => {
            unreachable!("a received snapshot is persisted before it is kept")
        }
    }
}

fn partial(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(PARTIAL)
        .tempfile_in(directory)
}

/// Makes a complete snapshot the one that a restart will find.
fn persist(file: NamedTempFile, directory: &Path) -> io::Result<Image> {
    file.as_file().sync_all()?;
    let file = file.persist(directory.join(FILE))?;
    File::open(directory)?.sync_all()?;
    let bytes = file.metadata()?.len();
    let file = Arc::new(file);
    Ok(Image::Kept { file, bytes })
}

fn open_kept(path: &Path) -> io::Result<Option<Kept>> {
    let file = match File::open(path) {
        Ok(file) => Arc::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    let image = Image::Kept { file, bytes };
    let (meta, _) = image.open()?;
    Ok(Some(Kept { meta, image }))
}

fn remove_partial(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::id;
    use crate::types::StoredMembership;

    fn meta(index: u64) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: Some(id(1, 1, index)),
            last_membership: StoredMembership::default(),
        }
    }

    /// The bytes may never change while the version byte is 1: directories hold them.
    #[test]
    fn a_snapshot_has_the_bytes_of_version_1() {
        let sealed = seal(&meta(5), b"body");
        let golden = [
            &[1][..],
            &[0, 0, 0, 7],
            &[0, 0, 0, 0, 0, 0, 0, 4],
            &[0xe0, 0xbc, 0xcb, 0x9b],
            &[1, 1, 1, 5, 0, 0, 0],
            b"body",
        ]
        .concat();
        assert_eq!(sealed, golden);
        let (read, body) = open(golden.into()).unwrap();
        assert_eq!((read, &body[..]), (meta(5), &b"body"[..]));
    }

    #[test]
    fn any_damaged_byte_is_noticed() {
        let sealed = seal(&meta(5), b"body");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(damaged.into()).is_err(), "byte {at}");
        }
        assert!(open(Bytes::copy_from_slice(&sealed[..sealed.len() - 1])).is_err());
    }

    #[test]
    fn the_last_snapshot_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(directory.path()).unwrap();
        store.save(&meta(5), b"old").unwrap();
        store.save(&meta(9), b"new").unwrap();
        std::fs::write(directory.path().join("partial-snapshot-x"), "half").unwrap();

        let store = SnapshotStore::open(directory.path()).unwrap();
        let (meta_found, image) = store.newest().unwrap();
        assert_eq!(meta_found, meta(9));
        assert_eq!(&image.open().unwrap().1[..], b"new");
        let files = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, 1);
    }

    #[test]
    fn a_snapshot_overtaken_by_the_leaders_does_not_replace_it() {
        let store = SnapshotStore::in_memory();
        let mut receiving = store.receive().unwrap();
        receiving.push(&seal(&meta(9), b"leader's")).unwrap();
        store.install(&meta(9), receiving.finish()).unwrap();
        store.save(&meta(5), b"own").unwrap();
        assert_eq!(store.newest().unwrap().0, meta(9));
    }
}
