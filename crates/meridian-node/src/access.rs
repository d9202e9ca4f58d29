//! `Access`: who may call the nodes of a process, and how fast.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use meridian_api::{Authentication, Throttle};
use meridian_iam::Directory;
use meridian_seed::{Authorization, Seed};
use zeroize::Zeroizing;

/// Who may call, and how fast.
#[derive(Clone)]
pub struct Access {
    /// How callers prove who they are.
    pub authentication: Authentication,
    /// Who calls too fast; nobody when left out.
    pub throttle: Option<Arc<Throttle>>,
}

impl Access {
    /// Everybody who may call, where policies decide.
    pub fn identities(&self) -> Option<&Arc<Directory>> {
        match &self.authentication {
            Authentication::Open => None,
            Authentication::Enforced { directory, .. } => Some(directory),
        }
    }

    /// From a seed file, which is given back for the rest of it, and a factor of
    /// AWS's request quotas.
    ///
    /// # Errors
    /// The file cannot be read or is wrong, or the factor is not more than 0.
    pub fn read(
        seed_file: Option<&Path>,
        throttle: Option<f64>,
    ) -> anyhow::Result<(Access, Option<Seed>)> {
        if let Some(factor) = throttle {
            ensure!(
                factor.is_finite() && factor > 0.0,
                "the factor of the request quotas has to be more than 0, not {factor}"
            );
        }
        let seed = seed_file.map(read_seed).transpose()?;
        let enforced = |seed: &&Seed| seed.authorization == Authorization::Enforced;
        let authentication = match seed.as_ref().filter(enforced) {
            Some(seed) => Authentication::enforced(Arc::new(seed.directory()?)),
            None => Authentication::Open,
        };
        let access = Access {
            authentication,
            throttle: throttle.map(|factor| Arc::new(Throttle::new(factor))),
        };
        Ok((access, seed))
    }
}

fn read_seed(file: &Path) -> anyhow::Result<Seed> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .with_context(|| format!("reading the seed {}", file.display()))?;
    meridian_seed::read(&text).with_context(|| format!("in the seed {}", file.display()))
}
