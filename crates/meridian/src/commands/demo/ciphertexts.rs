//! The ciphertexts of a story: every region's, of every time, to be opened
//! everywhere in the end.

use anyhow::ensure;
use bytes::Bytes;
use meridian_proto::v1::{DecryptRequest, EncryptRequest};

use crate::client::Region;
use crate::key_set::short;
use crate::table::Table;

/// All ciphertexts made so far.
#[derive(Default)]
pub struct Ciphertexts {
    made: Vec<Ciphertext>,
}

struct Ciphertext {
    /// When in the story.
    when: &'static str,
    region: String,
    /// The material that encrypted it, as Decrypt tells.
    key_material_id: String,
    plaintext: Bytes,
    blob: Bytes,
}

impl Ciphertexts {
    /// Encrypts in a region and keeps the ciphertext.
    ///
    /// # Errors
    /// If the region encrypted under another material than this one.
    pub async fn make(
        &mut self,
        region: &Region,
        key_id: &str,
        when: &'static str,
        key_material_id: &str,
    ) -> anyhow::Result<()> {
        let plaintext = Bytes::from(format!("written in {} {when}", region.name()));
        let request = EncryptRequest {
            key_id: Some(key_id.to_owned()),
            plaintext: Some(plaintext.clone()),
            ..Default::default()
        };
        let blob = region.encrypt(request).await?.ciphertext_blob;
        let ciphertext = Ciphertext {
            when,
            region: region.name().to_owned(),
            key_material_id: key_material_id.to_owned(),
            plaintext,
            blob: blob.unwrap_or_default(),
        };
        ciphertext.open(region).await?;
        self.made.push(ciphertext);
        Ok(())
    }

    /// Opens every ciphertext in every region: a table of those that opened,
    /// and how often.
    ///
    /// # Errors
    /// If any does not open, or to something else.
    pub async fn open_everywhere(&self, regions: &[Region]) -> anyhow::Result<(Table, usize)> {
        let headings = ["MADE IN", "WHEN", "UNDER"].into_iter().map(str::to_owned);
        let opened_in = regions.iter().map(|region| region.name().to_owned());
        let mut table = Table::new(headings.chain(opened_in));
        let mut opened = 0;
        for ciphertext in &self.made {
            let mut row = vec![
                ciphertext.region.clone(),
                ciphertext.when.to_owned(),
                short(&ciphertext.key_material_id).to_owned(),
            ];
            for region in regions {
                ciphertext.open(region).await?;
                row.push("✓ opens".to_owned());
                opened += 1;
            }
            table.row(row);
        }
        Ok((table, opened))
    }
}

impl Ciphertext {
    async fn open(&self, region: &Region) -> anyhow::Result<()> {
        let request = DecryptRequest {
            ciphertext_blob: Some(self.blob.clone()),
            ..Default::default()
        };
        let answer = region.decrypt(request).await?;
        let place = region.name();
        ensure!(
            answer.plaintext.as_ref() == Some(&self.plaintext),
            "what was {} opens to something else in {place}",
            String::from_utf8_lossy(&self.plaintext)
        );
        let under = answer.key_material_id.unwrap_or_default();
        ensure!(
            under == self.key_material_id,
            "what was {} is under {} instead of {}, says {place}",
            String::from_utf8_lossy(&self.plaintext),
            short(&under),
            short(&self.key_material_id)
        );
        Ok(())
    }
}
