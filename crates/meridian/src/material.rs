//! Key material on its way from a file or from chance into the cluster.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use meridian_crypto::{Entropy, OsEntropy};
use zeroize::Zeroizing;

use crate::failure::advice;

/// What AWS asks of the material of a symmetric key.
const MATERIAL_LEN: usize = 32;

/// Where material comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaterialSource {
    /// Drawn for this one import.
    Random,
    /// 32 raw bytes in a file.
    File(PathBuf),
}

/// 32 secret bytes, wiped on drop; in wrapped form only do they leave the process.
pub struct MaterialBytes(Zeroizing<Vec<u8>>);

impl MaterialSource {
    /// Reads or draws the material.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold exactly 32 bytes.
    pub fn take(&self) -> anyhow::Result<MaterialBytes> {
        match self {
            Self::Random => Ok(MaterialBytes::random()),
            Self::File(path) => MaterialBytes::read(path),
        }
    }
}

impl std::str::FromStr for MaterialSource {
    type Err = std::convert::Infallible;

    /// `random`, or the path of a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "random" => Self::Random,
            path => Self::File(path.into()),
        })
    }
}

impl MaterialBytes {
    /// Draws material.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new(vec![0; MATERIAL_LEN]);
        OsEntropy.fill(&mut bytes);
        Self(bytes)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path)
            .with_context(|| format!("opening the key material in {}", path.display()))?;
        let length = file
            .metadata()
            .with_context(|| format!("looking at {}", path.display()))?
            .len();
        // Room for all that is read, so that no copy stays behind in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 * MATERIAL_LEN));
        file.take(4 * MATERIAL_LEN as u64 - 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("reading the key material in {}", path.display()))?;
        if bytes.len() == MATERIAL_LEN {
            return Ok(Self(bytes));
        }
        Err(advice(
            format!(
                "{} holds {} bytes; the material of a symmetric key is exactly {MATERIAL_LEN} raw bytes",
                path.display(),
                length.max(bytes.len() as u64)
            ),
            looks_like(&bytes),
        ))
    }

    /// The bytes, for wrapping.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Keeps the material in a new file that only its owner can read.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options
            .open(path)
            .with_context(|| format!("creating {} for the key material", path.display()))?;
        file.write_all(&self.0)
            .and_then(|()| file.sync_all())
            .with_context(|| format!("writing the key material to {}", path.display()))
    }
}

/// What to do with a file of the wrong length.
fn looks_like(bytes: &[u8]) -> &'static str {
    let text = bytes.trim_ascii();
    if text.len() == 2 * MATERIAL_LEN && text.iter().all(u8::is_ascii_hexdigit) {
        "this looks like hex text: `xxd -r -p FILE > RAW` makes raw bytes of it"
    } else if text.len() == 44 && text.ends_with(b"=") {
        "this looks like base64 text: `base64 -d FILE > RAW` makes raw bytes of it"
    } else {
        "`openssl rand -out FILE 32` makes new material"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Advice;

    fn refusal(content: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let Err(error) = MaterialBytes::read(file.path()) else {
            panic!("{} bytes were accepted", content.len())
        };
        let hint = &error.downcast_ref::<Advice>().unwrap().hint;
        format!("{error} | {hint}")
    }

    #[test]
    fn material_is_32_raw_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 32]).unwrap();
        assert_eq!(
            MaterialBytes::read(file.path()).unwrap().as_bytes(),
            [7; 32]
        );
        assert!(refusal(&[]).contains("holds 0 bytes"));
        assert!(refusal(&[7; 33]).contains("holds 33 bytes"));
        assert!(refusal(&[7; 5_000]).contains("holds 5000 bytes"));
    }

    #[test]
    fn text_in_place_of_bytes_is_recognized() {
        assert!(refusal("ab".repeat(32).as_bytes()).contains("xxd"));
        assert!(refusal("ab".repeat(32).to_uppercase().as_bytes()).contains("xxd"));
        assert!(refusal(format!("{}=\n", "A".repeat(43)).as_bytes()).contains("base64 -d"));
        assert!(refusal(b"secret").contains("openssl rand"));
    }

    #[test]
    fn saved_material_reads_back_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("material");
        let drawn = MaterialBytes::random();
        drawn.save(&path).unwrap();
        assert_eq!(
            MaterialBytes::read(&path).unwrap().as_bytes(),
            drawn.as_bytes()
        );
        assert!(MaterialBytes::random().save(&path).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
