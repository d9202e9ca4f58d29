//! One material into several regions, with a progress line for each.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::call_failed::CallFailed;
use crate::client::Region;
use crate::console::{Console, bad, good};
use crate::import::{Import, ImportType, Imported, Progress};
use crate::key_set::{CURRENT, PENDING_ROTATION, short};
use crate::locate::Located;
use crate::material::MaterialBytes;
use crate::watch::{Change, Seen, Watch};

/// How long the news of an import may take to reach the primary before the
/// command ends without it.
const NEWS_TRAVEL: Duration = Duration::from_secs(2);

/// Which key, and how much of what happens to it is shown.
pub struct Spread<'a> {
    pub console: Console,
    pub key: &'a Located,
    /// Show every change of every region, not only the steps.
    pub show_changes: bool,
}

impl Spread<'_> {
    /// Imports into the regions, of which the primary is the first if it is
    /// among them, and gives the material's id.
    ///
    /// # Errors
    /// If any of the regions refuses; the others have been tried.
    pub async fn import(
        &self,
        import: &Import<'_>,
        regions: &[Region],
        watch: &mut Watch,
    ) -> anyhow::Result<String> {
        let primary = self.key.primary();
        let (first, rest) = regions.split_first().expect("a command names a region");
        let imported = if first.name() == primary.name() {
            import.to_primary(primary, watch.set()).await
        } else {
            import.to_replica(first).await
        }?;
        self.tell_imported(&imported);
        let id = imported.key_material_id;
        self.import_rest(import, &id, rest, watch).await?;
        Ok(id)
    }

    /// Imports into replica regions as they hear of the material.
    ///
    /// # Errors
    /// If any of the regions refuses; the others have been tried.
    pub async fn import_rest(
        &self,
        import: &Import<'_>,
        id: &str,
        replicas: &[Region],
        watch: &mut Watch,
    ) -> anyhow::Result<()> {
        let tell = |progress: Progress<'_>| self.tell(&progress, id);
        let mut refusals = import.to_replicas(id, replicas, watch, tell).await?;
        if refusals.is_empty() {
            return Ok(());
        }
        let count = refusals.len();
        let (region, error) = refusals.swap_remove(0);
        Err(error.context(match count {
            1 => format!("{region} has not imported {}", short(id)),
            _ => format!(
                "{region} and {} more have not imported {}",
                count - 1,
                short(id)
            ),
        }))
    }

    /// Gives the news of the import time to reach the primary, as it does in
    /// milliseconds unless a link is cut.
    ///
    /// # Errors
    /// If the streams cannot be had.
    pub async fn look_around(&self, id: &str, watch: &mut Watch) -> Result<(), CallFailed> {
        let primary = self.key.primary().name();
        let arrived = watch.until(
            |set| {
                let material = set.material(primary, id);
                material.is_some_and(|material| {
                    [CURRENT, PENDING_ROTATION].contains(&material.key_material_state.as_str())
                })
            },
            |seen| self.show(&seen),
        );
        tokio::time::timeout(NEWS_TRAVEL, arrived)
            .await
            .unwrap_or(Ok(()))
    }

    /// Shows a change of a region, if changes are wanted.
    pub fn show(&self, seen: &Seen<'_>) {
        if let Seen::Change(change) = seen
            && self.show_changes
        {
            self.show_change(change);
        }
    }

    fn show_change(&self, change: &Change) {
        for difference in &change.differences {
            let region = self.label(&change.region);
            self.console.say(format!("  {region}  {difference}"));
            self.console
                .event(&json!({"region": change.region, "change": difference}));
        }
    }

    /// Says what happened in a region.
    pub fn step(&self, region: &str, what: &str) {
        self.console.say(format!("{}  {what}", self.label(region)));
    }

    fn tell(&self, progress: &Progress<'_>, id: &str) {
        match progress {
            Progress::Imported(imported) => self.tell_imported(imported),
            Progress::Refused(region, error) => {
                let region = self.label(region);
                self.console.say(format!("{region}  {} {error:#}", bad("refused:")));
            }
            Progress::Waiting(regions) => self.console.say(format!(
                "waiting for {} to hear of {}; a cut link (`meridian chaos list`) delays it, and it \
                 goes on by itself",
                regions.join(", "),
                short(id)
            )),
            Progress::Seen(seen) => self.show(seen),
        }
    }

    fn tell_imported(&self, imported: &Imported) {
        let how = match imported.import_type {
            ImportType::New => ", new to the key",
            ImportType::Existing => "",
        };
        let id = short(&imported.key_material_id);
        self.step(&imported.region, &format!("{} {id}{how}", good("imported")));
    }

    /// The region's name in a column as wide as the longest one.
    fn label(&self, region: &str) -> String {
        let names = self.key.regions.iter().map(Region::name);
        let width = names.map(str::len).max().unwrap_or_default();
        format!("{region:width$}")
    }
}

/// Writes drawn material to the file that `--save` names.
///
/// # Errors
/// If the file exists or cannot be written.
pub fn keep(material: &MaterialBytes, file: Option<&Path>, console: Console) -> anyhow::Result<()> {
    if let Some(file) = file {
        material.save(file)?;
        console.say(format!("material kept in {}", file.display()));
    }
    Ok(())
}
