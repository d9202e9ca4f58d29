//! `Load`: clients that live through key sets, one after the other, and note
//! every acknowledgement. What failed or was not answered is tried again,
//! through another entrance.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use meridian_tests::{Client, Entrances, Failure, Import, LocalCluster, REGIONS, Stuck};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ledger::Ledger;

/// However much is killed, a call succeeds within this time.
const SUCCEEDS_WITHIN: Duration = Duration::from_secs(90);

/// Materials of a key set beyond the first, at most.
const ROTATIONS_MAX: usize = 3;

/// What the clients share.
pub struct Load<'a> {
    entrances: BTreeMap<&'static str, Entrances>,
    ledger: &'a Ledger,
    enough: &'a Cell<bool>,
    pause: Duration,
}

impl<'a> Load<'a> {
    pub fn new(
        cluster: &LocalCluster,
        ledger: &'a Ledger,
        enough: &'a Cell<bool>,
        pause: Duration,
    ) -> Load<'a> {
        let entrances = REGIONS.map(|region| (region, cluster.entrances(region)));
        Load {
            entrances: entrances.into(),
            ledger,
            enough,
            pause,
        }
    }

    /// One client: goes on until it is enough, and brings to an end what it has
    /// begun then.
    pub async fn run(&self, seed: u64, number: u64) -> Result<(), Stuck> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        while !self.enough.get() {
            let mut regions = REGIONS.to_vec();
            regions.shuffle(&mut rng);
            regions.truncate(rng.random_range(1..=regions.len()));
            let set = self.create(&regions, &mut rng).await?;
            self.encrypt(set, &mut rng).await?;
            for _ in 0..rng.random_range(1..=ROTATIONS_MAX) {
                self.rotate(set, &mut rng).await?;
                self.encrypt(set, &mut rng).await?;
                self.look(set, &mut rng).await?;
            }
        }
        Ok(())
    }

    /// A key with its first material in all of the regions, and a name.
    async fn create(&self, regions: &[&'static str], rng: &mut ChaCha8Rng) -> Result<usize, Stuck> {
        let primary = regions[0];
        let create = async |client: Client| client.create_external_key().await;
        let key_id = self.insist("CreateKey", primary, create).await?;
        let set = self.ledger.open(key_id.clone(), primary);
        // A key without material cannot be replicated.
        let first = rng.random();
        self.import(set, primary, &first, Import::New).await?;
        for replica in &regions[1..] {
            let replicate =
                async |client: Client| done_before(client.replicate_key(&key_id, replica).await);
            self.insist("ReplicateKey", primary, replicate).await?;
            self.ledger.note(set, |set| set.regions.push(replica));
            self.import(set, replica, &first, Import::Existing).await?;
        }
        let alias = format!("kill-{:016x}", rng.random::<u64>());
        let name = async |client: Client| done_before(client.create_alias(&alias, &key_id).await);
        self.insist("CreateAlias", primary, name).await?;
        self.ledger.note(set, |set| set.aliases.push(alias.clone()));
        Ok(set)
    }

    /// Brings material into one region; its ID.
    async fn import(
        &self,
        set: usize,
        region: &'static str,
        material: &[u8; 32],
        import: Import,
    ) -> Result<String, Stuck> {
        let (key_id, _) = self.key(set);
        let bring = async |client: Client| match client.import(&key_id, material, import).await {
            // An attempt that was not answered has brought it in.
            Err(known) if import == Import::New && known.is("IncorrectKeyMaterialException") => {
                client.import(&key_id, material, Import::Existing).await
            }
            other => other,
        };
        let id = self.insist("ImportKeyMaterial", region, bring).await?;
        let imported = (region, id.clone());
        self.ledger.note(set, |set| set.imports.push(imported));
        Ok(id)
    }

    /// New material for the whole set, and the rotation to it.
    async fn rotate(&self, set: usize, rng: &mut ChaCha8Rng) -> Result<(), Stuck> {
        let (key_id, regions) = self.key(set);
        let (primary, replicas) = (regions[0], &regions[1..]);
        let material = rng.random();
        let id = self.import(set, primary, &material, Import::New).await?;
        for replica in replicas {
            self.import(set, replica, &material, Import::Existing)
                .await?;
        }
        let rotate = async |client: Client| match client.rotate(&key_id).await {
            // An attempt that was not answered may have done it all.
            Err(refused) => match client.key_set(&key_id).await?.current_key_material_id {
                Some(current) if current == id => Ok(()),
                _ => Err(refused),
            },
            Ok(()) => Ok(()),
        };
        self.insist("RotateKeyOnDemand", primary, rotate).await?;
        self.ledger.note(set, |set| set.rotations.push(id));
        Ok(())
    }

    /// Ciphertexts of every region, under whatever material it uses just now.
    async fn encrypt(&self, set: usize, rng: &mut ChaCha8Rng) -> Result<(), Stuck> {
        let (key_id, regions) = self.key(set);
        for region in regions {
            let plaintext = rng.random::<[u8; 16]>().to_vec();
            let encrypt = async |client: Client| client.encrypt(&key_id, &plaintext).await;
            let ciphertext = self.insist("Encrypt", region, encrypt).await?;
            self.ledger.note(set, |set| {
                set.ciphertexts.push((ciphertext, plaintext.clone()))
            });
        }
        Ok(())
    }

    /// What is left to see for whoever reads the nodes' records: a description
    /// that changes, and a ciphertext opened in some region while all goes on.
    async fn look(&self, set: usize, rng: &mut ChaCha8Rng) -> Result<(), Stuck> {
        let (key_id, regions) = self.key(set);
        let region = regions.choose(rng).expect("it has a primary");
        let description = format!("{:016x}", rng.random::<u64>());
        let describe = async |client: Client| client.describe(&key_id, &description).await;
        self.insist("UpdateKeyDescription", region, describe)
            .await?;
        let look = async |client: Client| client.describe_key(&key_id).await;
        self.insist("DescribeKey", region, look).await?;
        let ciphertext = {
            let set = self.ledger.set(set);
            let (ciphertext, _) = set.ciphertexts.choose(rng).expect("something is encrypted");
            ciphertext.clone()
        };
        let open = async |client: Client| client.decrypt(&ciphertext).await;
        self.insist("Decrypt", region, open).await?;
        Ok(())
    }

    fn key(&self, set: usize) -> (String, Vec<&'static str>) {
        let set = self.ledger.set(set);
        (set.key_id.clone(), set.regions.clone())
    }

    async fn insist<T>(
        &self,
        operation: &str,
        region: &'static str,
        call: impl AsyncFn(Client) -> Result<T, Failure>,
    ) -> Result<T, Stuck> {
        let what = format!("{operation} in {region}");
        let entrances = &self.entrances[region];
        let answer = entrances.insist(&what, SUCCEEDS_WITHIN, call).await;
        tokio::time::sleep(self.pause).await;
        answer
    }
}

/// An attempt that was not answered has made what is there already: nobody else
/// uses the name or the key.
fn done_before(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.is("AlreadyExistsException") => Ok(()),
        other => other,
    }
}
