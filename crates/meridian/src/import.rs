//! Importing material: parameters, wrapping and import in one region, and one
//! material in all regions of a key set in the right order.

use bytes::Bytes;
use meridian_crypto::{WrappingAlgorithm, WrappingKeySpec};
use meridian_proto::v1::{GetParametersForImportRequest, ImportKeyMaterialRequest};
use prost_types::Timestamp;

use crate::call_failed::CallFailed;
use crate::client::Region;
use crate::key_set::KeySet;
use crate::material::MaterialBytes;
use crate::watch::{Seen, Watch};

/// Which wrapping key to ask for. The smallest is enough for 32 bytes on
/// their way to a simulation.
const WRAPPING_KEY_SPEC: WrappingKeySpec = WrappingKeySpec::Rsa2048;
const WRAPPING_ALGORITHM: WrappingAlgorithm = WrappingAlgorithm::RsaesOaepSha256;

/// One material on its way to the regions of one key.
pub struct Import<'a> {
    pub key_id: &'a str,
    pub material: &'a MaterialBytes,
    /// When the regions forget the bytes; never when left out.
    pub valid_to: Option<Timestamp>,
    /// Free text that the regions share.
    pub description: Option<String>,
}

/// Whether AWS is told that the material is new to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportType {
    New,
    Existing,
}

/// The end of one region's import.
pub struct Imported {
    pub region: String,
    pub import_type: ImportType,
    pub key_material_id: String,
}

impl ImportType {
    fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW_KEY_MATERIAL",
            Self::Existing => "EXISTING_KEY_MATERIAL",
        }
    }
}

impl Import<'_> {
    /// Imports into one region and gives the material's id.
    ///
    /// # Errors
    /// Whatever AWS's two calls may answer.
    pub async fn to_region(
        &self,
        region: &Region,
        import_type: ImportType,
    ) -> anyhow::Result<Imported> {
        let parameters = region
            .get_parameters_for_import(GetParametersForImportRequest {
                key_id: Some(self.key_id.to_owned()),
                wrapping_algorithm: Some(WRAPPING_ALGORITHM.to_string()),
                wrapping_key_spec: Some(WRAPPING_KEY_SPEC.to_string()),
            })
            .await?;
        let public_key = parameters.public_key.unwrap_or_default();
        let wrapped =
            meridian_crypto::wrap(&public_key, WRAPPING_ALGORITHM, self.material.as_bytes())?;
        let expiration_model = match self.valid_to {
            Some(_) => "KEY_MATERIAL_EXPIRES",
            None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        };
        let answer = region
            .import_key_material(ImportKeyMaterialRequest {
                key_id: Some(self.key_id.to_owned()),
                import_token: parameters.import_token,
                encrypted_key_material: Some(Bytes::from(wrapped)),
                valid_to: self.valid_to,
                expiration_model: Some(expiration_model.to_owned()),
                import_type: Some(import_type.as_str().to_owned()),
                key_material_description: self.description.clone(),
                key_material_id: None,
            })
            .await?;
        Ok(Imported {
            region: region.name().to_owned(),
            import_type,
            key_material_id: answer.key_material_id.unwrap_or_default(),
        })
    }

    /// Imports into the primary: as existing material if the key has it
    /// already, otherwise as new.
    ///
    /// # Errors
    /// As [`to_region`](Self::to_region).
    pub async fn to_primary(&self, primary: &Region, set: &KeySet) -> anyhow::Result<Imported> {
        let has_any = set
            .at(primary.name())
            .is_some_and(|state| !state.materials.is_empty());
        if has_any {
            match self.to_region(primary, ImportType::Existing).await {
                Err(error) if is_unknown_material(&error) => {}
                other => return other,
            }
        }
        self.to_region(primary, ImportType::New).await
    }

    /// Imports into one replica, which must have heard of the material.
    ///
    /// # Errors
    /// As [`to_region`](Self::to_region).
    pub async fn to_replica(&self, replica: &Region) -> anyhow::Result<Imported> {
        self.for_replicas()
            .to_region(replica, ImportType::Existing)
            .await
    }

    /// The same material without what only the primary may be told.
    fn for_replicas(&self) -> Import<'_> {
        Import {
            description: None,
            valid_to: self.valid_to,
            ..*self
        }
    }

    /// Imports into each of the replica regions as soon as it has heard of the
    /// material. Regions that refuse do not hold up the others; what they said
    /// is given back.
    ///
    /// # Errors
    /// If the streams cannot be had.
    pub async fn to_replicas(
        &self,
        key_material_id: &str,
        replicas: &[Region],
        watch: &mut Watch,
        mut tell: impl FnMut(Progress<'_>),
    ) -> Result<Vec<(String, anyhow::Error)>, CallFailed> {
        let mut waiting: Vec<&Region> = replicas.iter().collect();
        let mut refusals = Vec::new();
        loop {
            let (ready, rest) = split_ready(waiting, key_material_id, watch.set());
            for region in ready {
                match self.to_replica(region).await {
                    Ok(imported) => tell(Progress::Imported(&imported)),
                    Err(error) => {
                        tell(Progress::Refused(region.name(), &error));
                        refusals.push((region.name().to_owned(), error));
                    }
                }
            }
            waiting = rest;
            if waiting.is_empty() {
                return Ok(refusals);
            }
            let names: Vec<&str> = waiting.iter().map(|region| region.name()).collect();
            let one_more = |set: &KeySet| names.iter().any(|name| set.knows(name, key_material_id));
            watch
                .until(one_more, |seen| match seen {
                    Seen::Change(change) => tell(Progress::Seen(Seen::Change(change))),
                    Seen::Quiet(_) => tell(Progress::Waiting(&names)),
                })
                .await?;
        }
    }
}

/// What happens while material goes to the replicas.
pub enum Progress<'a> {
    Imported(&'a Imported),
    Refused(&'a str, &'a anyhow::Error),
    /// These regions have not heard of the material for a while.
    Waiting(&'a [&'a str]),
    Seen(Seen<'a>),
}

/// Those that have heard of the material, and those that have not.
fn split_ready<'a>(
    waiting: Vec<&'a Region>,
    key_material_id: &str,
    set: &KeySet,
) -> (Vec<&'a Region>, Vec<&'a Region>) {
    waiting
        .into_iter()
        .partition(|region| set.knows(region.name(), key_material_id))
}

/// Whether the region refused because the bytes are not a material of the key.
fn is_unknown_material(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<CallFailed>()
        .is_some_and(|failed| failed.is("IncorrectKeyMaterialException"))
}
