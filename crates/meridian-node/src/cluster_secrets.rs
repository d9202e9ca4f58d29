//! The secrets of all regions of one process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use meridian_crypto::{ClusterSecret, OsEntropy, RootKey};
use meridian_kms::RegionName;

use crate::secrets::{
    cluster_secret_file, create_secrets, read_cluster_secret, read_root_key, root_key_file,
};

/// The secrets of a cluster, in files or in memory.
pub struct ClusterSecrets {
    /// Where the key files are, if they are files.
    pub directory: Option<PathBuf>,
    cluster: [u8; 32],
    roots: BTreeMap<RegionName, [u8; 32]>,
}

impl Drop for ClusterSecrets {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.cluster.zeroize();
        self.roots.values_mut().for_each(|root| root.zeroize());
    }
}

impl ClusterSecrets {
    /// Reads the key files below a data directory, made if they are not there;
    /// without one, secrets of this process only.
    ///
    /// # Errors
    /// A key file cannot be made or read, or is gone from beside the data that it
    /// opens.
    pub fn open(data_dir: Option<&Path>, regions: &[RegionName]) -> anyhow::Result<ClusterSecrets> {
        let directory = data_dir.map(|directory| directory.join("secrets"));
        let Some(directory) = directory else {
            let root = |region: &RegionName| {
                (
                    region.clone(),
                    *RootKey::generate(&mut OsEntropy).as_bytes(),
                )
            };
            return Ok(ClusterSecrets {
                directory: None,
                cluster: *ClusterSecret::generate(&mut OsEntropy).as_bytes(),
                roots: regions.iter().map(root).collect(),
            });
        };
        if let Some(data_dir) = data_dir {
            refuse_lost(data_dir, &directory, regions)?;
        }
        create_secrets(&directory, regions)?;
        let mut roots = BTreeMap::new();
        for region in regions {
            let root = read_root_key(&root_key_file(&directory, region))?;
            roots.insert(region.clone(), *root.as_bytes());
        }
        let cluster = *read_cluster_secret(&cluster_secret_file(&directory))?.as_bytes();
        Ok(ClusterSecrets {
            directory: Some(directory),
            cluster,
            roots,
        })
    }

    /// A region's root key.
    pub fn root(&self, region: &RegionName) -> RootKey {
        let bytes = self
            .roots
            .get(region)
            .expect("every region of the cluster has a root key");
        RootKey::from_bytes(bytes).expect("a root key has 32 bytes")
    }

    /// The cluster's secret.
    pub fn cluster(&self) -> ClusterSecret {
        ClusterSecret::from_bytes(&self.cluster).expect("a cluster secret has 32 bytes")
    }
}

/// New secrets would open nothing of what is there.
fn refuse_lost(data_dir: &Path, directory: &Path, regions: &[RegionName]) -> anyhow::Result<()> {
    let begun = |region: &&RegionName| data_dir.join(region.as_str()).exists();
    for region in regions.iter().filter(begun) {
        let files = [
            root_key_file(directory, region),
            cluster_secret_file(directory),
        ];
        for file in files {
            anyhow::ensure!(
                file.exists(),
                "{} is gone, and nothing else opens the data of {region} in {}: \
                 put it back, or choose another directory",
                file.display(),
                data_dir.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_made_anew_beside_data_that_they_would_not_open() {
        let data_dir = tempfile::tempdir().unwrap();
        let us: RegionName = "us-east-1".parse().unwrap();
        let eu: RegionName = "eu-west-1".parse().unwrap();
        let open = |regions: &[RegionName]| ClusterSecrets::open(Some(data_dir.path()), regions);
        open(std::slice::from_ref(&us)).unwrap();
        std::fs::create_dir(data_dir.path().join("us-east-1")).unwrap();
        open(&[us.clone(), eu]).unwrap();
        let key = root_key_file(&data_dir.path().join("secrets"), &us);
        std::fs::remove_file(&key).unwrap();
        let refused = open(&[us]).err().unwrap().to_string();
        assert!(refused.contains("us-east-1.key is gone"), "{refused}");
        assert!(!key.exists());
    }
}
