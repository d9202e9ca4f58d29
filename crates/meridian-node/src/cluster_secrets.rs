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
    /// Reads the key files below a data directory, made if they are not
    /// there; without one, secrets of this process only.
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
