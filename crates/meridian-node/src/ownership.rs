//! Whose data a directory holds, noted beside it. A node that began with the
//! data of another region, or without the keys that sealed it, could open
//! nothing of what it finds, and would say so only to its clients.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use meridian_crypto::Vault;
use meridian_kms::RegionName;

/// First word of a node's note; then the region, and check values of its root
/// key and of the cluster's secret.
const OWNER: &str = "meridian-owner-v1";

/// First word of a region's note; then the number of its nodes.
const NODES: &str = "meridian-nodes-v1";

/// Notes in a node's directory whose data it will hold, or compares.
///
/// # Errors
/// The data there is of another region, or sealed under other keys; or the note
/// cannot be written or read.
pub fn claim(data_dir: &Path, region: &RegionName, vault: &Vault) -> anyhow::Result<()> {
    let [root, cluster] = vault.check_values().map(hex::encode);
    let noted = noted(
        &data_dir.join("owner"),
        OWNER,
        [region.as_str(), &root, &cluster],
    )?;
    let [its_region, its_root, its_cluster] = &noted;
    let directory = data_dir.display();
    anyhow::ensure!(
        its_region == region.as_str(),
        "the data in {directory} is of region {its_region}, not of {region}"
    );
    anyhow::ensure!(
        *its_root == root,
        "the root key of {region} is not the one that sealed the data in {directory}: \
         put the old key file back, or choose another directory"
    );
    anyhow::ensure!(
        *its_cluster == cluster,
        "the cluster's secret is not the one that was used with the data in {directory}: \
         put the old key file back, or choose another directory"
    );
    Ok(())
}

/// Notes in a region's directory how many nodes it has, or compares.
///
/// # Errors
/// It was made with another number; or the note cannot be written or read.
pub fn claim_nodes(region_dir: &Path, nodes: u64) -> anyhow::Result<()> {
    let [its] = noted(&region_dir.join("nodes"), NODES, [&nodes.to_string()])?;
    anyhow::ensure!(
        its == nodes.to_string(),
        "the data in {} is that of {its} nodes, not of {nodes}: \
         start it with `--nodes-per-region {its}`",
        region_dir.display()
    );
    Ok(())
}

/// What a note says; these words if it is not there yet.
fn noted<const N: usize>(
    path: &Path,
    format: &str,
    words: [&str; N],
) -> anyhow::Result<[String; N]> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            write(path, &format!("{format} {}\n", words.join(" ")))
                .with_context(|| format!("writing {}", path.display()))?;
            return Ok(words.map(str::to_owned));
        }
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    let rest = text.strip_prefix(format).unwrap_or_default();
    let found: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    let found = found.try_into();
    found.map_err(|_| anyhow::anyhow!("{} is damaged or of another version", path.display()))
}

/// A note is there as a whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use meridian_crypto::{ClusterSecret, RootKey};

    use super::*;

    fn vault(root: u8, cluster: u8) -> Vault {
        let root = RootKey::from_bytes(&[root; 32]).unwrap();
        let cluster = ClusterSecret::from_bytes(&[cluster; 32]).unwrap();
        Vault::new("us-east-1", root, cluster)
    }

    #[test]
    fn a_directory_stays_with_its_region_and_its_keys() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("node-1");
        let (us, eu) = ("us-east-1".parse().unwrap(), "eu-west-1".parse().unwrap());
        claim(&data_dir, &us, &vault(1, 2)).unwrap();
        let golden = "meridian-owner-v1 us-east-1 f8123c15bbeca2d7 f3ab9e38c4316f46\n";
        let written = std::fs::read_to_string(data_dir.join("owner")).unwrap();
        assert_eq!(written, golden);
        claim(&data_dir, &us, &vault(1, 2)).unwrap();
        let refused =
            |region, vault: Vault| claim(&data_dir, region, &vault).unwrap_err().to_string();
        assert!(refused(&eu, vault(1, 2)).ends_with("is of region us-east-1, not of eu-west-1"));
        assert!(refused(&us, vault(9, 2)).starts_with("the root key of us-east-1 is not"));
        assert!(refused(&us, vault(1, 9)).starts_with("the cluster's secret is not"));
        std::fs::write(data_dir.join("owner"), "meridian-owner-v2 us-east-1").unwrap();
        assert!(refused(&us, vault(1, 2)).ends_with("is damaged or of another version"));
    }

    #[test]
    fn a_region_keeps_the_number_of_its_nodes() {
        let directory = tempfile::tempdir().unwrap();
        claim_nodes(directory.path(), 3).unwrap();
        let written = std::fs::read_to_string(directory.path().join("nodes")).unwrap();
        assert_eq!(written, "meridian-nodes-v1 3\n");
        claim_nodes(directory.path(), 3).unwrap();
        let refused = claim_nodes(directory.path(), 5).unwrap_err().to_string();
        assert!(refused.contains("start it with `--nodes-per-region 3`"));
    }
}
