//! Where a story happens: three regions of a cluster, a key, the links that
//! may be cut, and waiting with an end.

use std::time::Duration;

use anyhow::Context;
use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::{
    AddFaultRequest, CreateKeyRequest, Fault, KeySetState, Link, LinkCut, ListFaultsRequest,
    RemoveFaultRequest,
};

use super::ciphertexts::Ciphertexts;
use crate::client::{Cluster, Region};
use crate::console::{Console, bold, dim, good};
use crate::failure::advice;
use crate::key_set::KeySet;
use crate::report;
use crate::watch::Watch;

/// How long anything that the story waits for may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// When a cut ends by itself should the story be killed.
const CUT_ENDS_AFTER_MS: u64 = 120_000;

/// The regions, the key and what has been made with it.
pub struct Stage {
    pub console: Console,
    pub cluster: Cluster,
    /// Whether the cluster was started for the story alone.
    pub own: bool,
    /// Where the key's primary is.
    pub primary: Region,
    /// A replica that stays within reach.
    pub near: Region,
    /// A replica that will be cut off.
    pub far: Region,
    pub key_id: String,
    pub watch: Watch,
    pub ciphertexts: Ciphertexts,
    cuts: Vec<String>,
}

impl Stage {
    /// Chooses the regions and makes a key without material in the first.
    ///
    /// # Errors
    /// If the cluster has fewer than three regions, or faults already.
    pub async fn set(console: Console, cluster: &Cluster, own: bool) -> anyhow::Result<Self> {
        let faults = cluster.list_faults(ListFaultsRequest {}).await?.faults;
        if !faults.is_empty() {
            return Err(advice(
                "links of this cluster are cut or delayed already, which would spoil the story",
                "`meridian chaos list` shows them, `meridian chaos heal` ends them",
            ));
        }
        let regions = choose(cluster.regions().await?)?;
        let request = CreateKeyRequest {
            origin: Some("EXTERNAL".to_owned()),
            multi_region: Some(true),
            description: Some("made by `meridian demo rotation`".to_owned()),
            ..Default::default()
        };
        let made = regions[0].create_key(request).await?.key_metadata;
        let key_id = made.and_then(|made| made.key_id).unwrap_or_default();
        let watch = Watch::open(&key_id, &regions);
        let [primary, near, far] = regions;
        Ok(Self {
            console,
            cluster: cluster.clone(),
            own,
            watch,
            primary,
            near,
            far,
            key_id,
            ciphertexts: Ciphertexts::default(),
            cuts: Vec::new(),
        })
    }

    /// The regions, the primary's first.
    pub fn regions(&self) -> Vec<Region> {
        vec![self.primary.clone(), self.near.clone(), self.far.clone()]
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        let regions = self.regions();
        regions
            .iter()
            .map(|region| region.name().to_owned())
            .collect()
    }

    /// What the primary says of the key set.
    pub fn at_primary(&self) -> anyhow::Result<&KeySetState> {
        let state = self.watch.set().at(self.primary.name());
        state.with_context(|| format!("{} has told nothing of the key", self.primary.name()))
    }

    /// Begins a chapter, with a sentence that says what it is about.
    pub fn chapter(&self, title: &str, about: &str) {
        self.console.say("");
        self.console.say(bold(title));
        self.console.say(format!("   {}", dim(about)));
    }

    /// Says what was done or seen, and has been checked.
    pub fn did(&self, what: &str) {
        self.console.say(format!("  {} {what}", good("✓")));
    }

    /// Says more about it.
    pub fn note(&self, text: &str) {
        self.console.say(format!("    {text}"));
    }

    /// Shows which region holds what.
    pub fn show_materials(&self) {
        let table = report::materials(&self.names(), self.watch.set());
        let mut lines = table.lines().into_iter();
        if let Some(headings) = lines.next() {
            self.note(&dim(&headings));
        }
        lines.for_each(|line| self.note(&line));
    }

    /// Waits until what the regions tell satisfies `done`.
    ///
    /// # Errors
    /// If that takes too long.
    pub async fn wait(&mut self, what: &str, done: impl Fn(&KeySet) -> bool) -> anyhow::Result<()> {
        let seen = self.watch.until(done, |_| {});
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(seen) => Ok(seen?),
            Err(_) => anyhow::bail!(
                "after {} s there is still no sign of it: {what}",
                PATIENCE.as_secs()
            ),
        }
    }

    /// Cuts the far region off from the others. Clients still reach it.
    ///
    /// # Errors
    /// If the cluster does not let us.
    pub async fn cut_off_far(&mut self) -> anyhow::Result<()> {
        for other in [self.primary.name(), self.near.name()] {
            let id = format!("demo-{}-{other}", self.far.name());
            // Noted before it is cut, so that it is healed even if we are
            // interrupted in between.
            self.cuts.push(id.clone());
            let link = Link {
                from: self.far.name().to_owned(),
                to: other.to_owned(),
                both_directions: true,
            };
            let fault = Fault {
                id,
                kind: Some(Kind::LinkCut(LinkCut { link: Some(link) })),
                duration_ms: Some(CUT_ENDS_AFTER_MS),
            };
            let request = AddFaultRequest { fault: Some(fault) };
            self.cluster.add_fault(request).await?;
        }
        Ok(())
    }

    /// Heals what the story has cut.
    ///
    /// # Errors
    /// If the cluster does not answer; what is cut ends by itself then.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        while let Some(id) = self.cuts.last() {
            let request = RemoveFaultRequest { id: id.clone() };
            self.cluster.remove_fault(request).await?;
            self.cuts.pop();
        }
        Ok(())
    }
}

/// The first three regions.
fn choose(mut regions: Vec<Region>) -> anyhow::Result<[Region; 3]> {
    let count = regions.len();
    regions.truncate(3);
    regions.try_into().map_err(|_| {
        advice(
            format!("this story needs three regions, and the cluster has {count}"),
            "`meridian up` starts a cluster of three",
        )
    })
}
