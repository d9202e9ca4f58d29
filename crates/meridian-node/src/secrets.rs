//! Key files: the cluster's secret and each region's root key. They stand in
//! for the hardware security module that a real KMS has; whoever holds them
//! can open everything the region stores. And a certificate, which is no secret.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use meridian_crypto::{AttestationRoot, ClusterSecret, OsEntropy, RootKey};
use meridian_kms::RegionName;
use zeroize::Zeroizing;

/// First word of a key file; the second is the key in hex.
const FORMAT: &str = "meridian-key-v1";

/// The file of the cluster's secret in a directory of key files.
pub fn cluster_secret_file(directory: &Path) -> PathBuf {
    directory.join("cluster.key")
}

/// The file of a region's root key in a directory of key files.
pub fn root_key_file(directory: &Path, region: &RegionName) -> PathBuf {
    directory.join(format!("{region}.key"))
}

/// Creates the key files that a cluster of these regions needs. Files that
/// exist stay as they are. Returns all paths.
pub fn create_secrets(directory: &Path, regions: &[RegionName]) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("creating {}", directory.display()))?;
    let mut paths = vec![cluster_secret_file(directory)];
    create(
        &paths[0],
        ClusterSecret::generate(&mut OsEntropy).as_bytes(),
    )?;
    for region in regions {
        let path = root_key_file(directory, region);
        create(&path, RootKey::generate(&mut OsEntropy).as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

/// Reads a cluster's secret.
pub fn read_cluster_secret(file: &Path) -> anyhow::Result<ClusterSecret> {
    let bytes = read(file)?;
    ClusterSecret::from_bytes(&bytes).with_context(|| format!("{} is damaged", file.display()))
}

/// Reads a region's root key.
pub fn read_root_key(file: &Path) -> anyhow::Result<RootKey> {
    let bytes = read(file)?;
    RootKey::from_bytes(&bytes).with_context(|| format!("{} is damaged", file.display()))
}

/// Reads the root certificate that attestation documents may lead back to.
pub fn read_attestation_root(file: &Path) -> anyhow::Result<AttestationRoot> {
    let reading = || format!("reading the root certificate {}", file.display());
    let pem = std::fs::read_to_string(file).with_context(reading)?;
    AttestationRoot::from_pem(&pem).with_context(reading)
}

fn create(path: &Path, key: &[u8; 32]) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
    };
    let text = Zeroizing::new(hex::encode(key));
    let written = writeln!(file, "{FORMAT} {}", text.as_str()).and_then(|()| file.sync_all());
    written.with_context(|| format!("writing {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the key file {}", path.display()))?;
    let text = Zeroizing::new(text);
    let key = text.trim().strip_prefix(FORMAT).with_context(|| {
        format!(
            "{} is not a key file of this version ({FORMAT})",
            path.display()
        )
    })?;
    let bytes = hex::decode(key.trim());
    // The error could quote the key.
    let bytes = bytes.map_err(|_| anyhow::anyhow!("{} is damaged", path.display()))?;
    Ok(Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_files_are_read_and_not_created_again() {
        let directory = tempfile::tempdir().unwrap();
        let region: RegionName = "us-east-1".parse().unwrap();
        let paths = create_secrets(directory.path(), std::slice::from_ref(&region)).unwrap();
        let first = read_root_key(&paths[1]).unwrap();
        create_secrets(directory.path(), &[region]).unwrap();
        assert!(read_root_key(&paths[1]).unwrap().as_bytes() == first.as_bytes());
        assert!(read_cluster_secret(&paths[0]).is_ok());
    }

    #[test]
    fn a_foreign_file_is_refused_without_quoting_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.key");
        std::fs::write(&path, "meridian-key-v1 c0ffee-secret").unwrap();
        let error = format!("{:#}", read_root_key(&path).map(|_| ()).unwrap_err());
        assert!(!error.contains("c0ffee"), "{error}");
        std::fs::write(&path, "something else").unwrap();
        assert!(read_root_key(&path).is_err());
    }
}
