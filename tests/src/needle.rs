//! Searching for a secret in everything that a cluster leaves behind.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret, in every shape in which it could lie around.
pub struct Needle {
    shapes: Vec<(String, Vec<u8>)>,
}

/// A place where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// A file or a page.
    pub place: String,
    /// Such as `hex of the first half`.
    pub shape: String,
}

impl Needle {
    /// Every shape of 32 secret bytes. Half of it is found too: storage may cut
    /// a value in two.
    pub fn new(secret: &[u8; 32]) -> Needle {
        let (first, second) = secret.split_at(16);
        let mut shapes = Vec::new();
        for (part, bytes) in [("first half", first), ("second half", second)] {
            shapes.push((format!("the {part}"), bytes.to_vec()));
            let lower = hex::encode(bytes);
            shapes.push((format!("HEX of the {part}"), lower.to_uppercase().into()));
            shapes.push((format!("hex of the {part}"), lower.into()));
            let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
            shapes.push((format!("list of the {part}"), numbers.join(",").into()));
            shapes.push((format!("list of the {part}"), numbers.join(", ").into()));
            for (before, name) in ["", "after one byte", "after two bytes"].iter().enumerate() {
                for (alphabet, engine) in [("base64", STANDARD), ("URL-safe base64", URL_SAFE)] {
                    let text = engine.encode([&vec![0; before], bytes].concat());
                    // Characters that also hold bits of a neighbour are left out.
                    let whole = (8 * before).div_ceil(6)..(8 * (before + bytes.len())) / 6;
                    let shape = format!("{alphabet} of the {part} {name}");
                    shapes.push((shape, text[whole].into()));
                }
            }
        }
        Needle { shapes }
    }

    /// The shapes in which the secret occurs.
    pub fn shapes_in<'a>(&'a self, haystack: &'a [u8]) -> impl Iterator<Item = &'a str> {
        let found = |shape: &&(String, Vec<u8>)| memchr::memmem::find(haystack, &shape.1).is_some();
        self.shapes
            .iter()
            .filter(found)
            .map(|(name, _)| name.as_str())
    }

    /// The same as finds at a place.
    pub fn finds_in(&self, place: &str, haystack: &[u8]) -> Vec<Find> {
        let find = |shape: &str| Find {
            place: place.to_owned(),
            shape: shape.to_owned(),
        };
        self.shapes_in(haystack).map(find).collect()
    }
}

/// Reads every file below a directory and gives each with its content to a
/// function; how many bytes that were.
pub fn search(directory: &Path, mut look: impl FnMut(&Path, &[u8])) -> u64 {
    let mut bytes = 0;
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(children(&path));
        } else {
            let content = std::fs::read(&path).expect("files of the cluster can be read");
            bytes += content.len() as u64;
            look(&path, &content);
        }
    }
    bytes
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("directories of the cluster can be read");
    let path = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("it has entries").path();
    entries.map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> [u8; 32] {
        std::array::from_fn(|at| 200 - 3 * at as u8)
    }

    fn is_found(haystack: &[u8]) -> bool {
        Needle::new(&secret()).shapes_in(haystack).next().is_some()
    }

    #[test]
    fn a_secret_is_found_in_every_shape() {
        let secret = secret();
        assert!(is_found(&[b"before", &secret[..], b"after"].concat()));
        assert!(is_found(&[b"before", &secret[16..], b"after"].concat()));
        assert!(is_found(hex::encode(secret).as_bytes()));
        assert!(is_found(hex::encode_upper(secret).as_bytes()));
        assert!(is_found(format!("{secret:?}").as_bytes()));
        assert!(is_found(&serde_json::to_vec(&secret).unwrap()));
        for before in 0..6 {
            let inside = [&vec![7; before], &secret[..], &[9, 9]].concat();
            assert!(is_found(STANDARD.encode(&inside).as_bytes()), "{before}");
            assert!(is_found(URL_SAFE.encode(&inside).as_bytes()), "{before}");
        }
    }

    #[test]
    fn another_secret_is_not_found() {
        let other: [u8; 32] = std::array::from_fn(|at| 3 * at as u8);
        assert!(!is_found(&other));
        assert!(!is_found(STANDARD.encode(other).as_bytes()));
        assert!(!is_found(format!("{other:?}").as_bytes()));
    }

    #[test]
    fn every_file_below_a_directory_is_searched() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
        std::fs::write(directory.path().join("a/b/c"), "12345").unwrap();
        std::fs::write(directory.path().join("d"), "678").unwrap();
        let mut seen = Vec::new();
        let bytes = search(directory.path(), |_, content| seen.push(content.to_vec()));
        seen.sort();
        assert_eq!((bytes, seen), (8, vec![b"12345".to_vec(), b"678".to_vec()]));
    }
}
