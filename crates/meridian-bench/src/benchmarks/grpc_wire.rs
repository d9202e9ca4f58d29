//! Encrypt and Decrypt over gRPC, against a null unary RPC on the same stack.

use std::collections::BTreeMap;

use anyhow::Context as _;
use bytes::Bytes;
use meridian_proto::v1::{CreateKeyRequest, DecryptRequest, EncryptRequest};
use prost::Message as _;

use crate::Effort;
use crate::grpc::{Repeat, Unary, connect};
use crate::kms::Region;
use crate::load::{Load, take_turns};
use crate::null::NULL_RPC;
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};

const ENCRYPT: &str = "/meridian.v1.KeyManagement/Encrypt";
const DECRYPT: &str = "/meridian.v1.KeyManagement/Decrypt";
const REGION: &str = "us-east-1";

/// Bytes to encrypt.
const PLAINTEXT: [u8; 256] = [b'p'; 256];

/// Requests under way, and on how many connections.
const LOADS: [(usize, usize); 4] = [(1, 1), (8, 8), (64, 64), (64, 1)];

/// Measures Encrypt.
pub async fn encrypt(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&[REGION], 3, data.path()).await?;
    let request = encrypt_request(&mut region(&server).await?).await?;
    compare(
        effort,
        report,
        &server,
        ENCRYPT,
        request.encode_to_vec().into(),
    )
    .await
}

/// Measures Decrypt.
pub async fn decrypt(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&[REGION], 3, data.path()).await?;
    let mut region = region(&server).await?;
    let request = encrypt_request(&mut region).await?;
    let context = request.encryption_context.clone();
    let encrypted = region.kms.encrypt(request).await?.into_inner();
    let request = DecryptRequest {
        ciphertext_blob: Some(encrypted.ciphertext_blob.context("no ciphertext")?),
        encryption_context: context,
        ..Default::default()
    };
    compare(
        effort,
        report,
        &server,
        DECRYPT,
        request.encode_to_vec().into(),
    )
    .await
}

async fn region(server: &Server) -> anyhow::Result<Region> {
    Ok(Region::new(connect(server.address()).await?, REGION))
}

/// A request with a small encryption context, for a new key.
async fn encrypt_request(region: &mut Region) -> anyhow::Result<EncryptRequest> {
    let context = [("purpose", "benchmark"), ("tenant", "0123456789")];
    Ok(EncryptRequest {
        key_id: Some(region.create_key(CreateKeyRequest::default()).await?),
        plaintext: Some(Bytes::from_static(&PLAINTEXT)),
        encryption_context: BTreeMap::from(context.map(|(k, v)| (k.to_owned(), v.to_owned()))),
        ..Default::default()
    })
}

async fn compare(
    effort: &Effort,
    report: &mut Report,
    server: &Server,
    path: &'static str,
    message: Bytes,
) -> anyhow::Result<()> {
    let null = Server::null().await?;
    for (in_flight, connections) in LOADS {
        let (mut own, mut its) = (Vec::new(), Vec::new());
        for _ in 0..connections {
            let (channel, null_channel) = (
                connect(server.address()).await?,
                connect(null.address()).await?,
            );
            for _ in 0..in_flight / connections {
                let unary = Unary::new(channel.clone(), path).in_region(REGION)?;
                own.push(Repeat {
                    unary,
                    message: message.clone(),
                });
                let unary = Unary::new(null_channel.clone(), NULL_RPC);
                its.push(Repeat {
                    unary,
                    message: Bytes::new(),
                });
            }
        }
        let mut own = Load::new(own, vec![server.pid()]);
        let mut its = Load::new(its, vec![null.pid()]);
        let rounds = take_turns(effort, &mut [&mut own, &mut its]).await?;
        report.row(Row {
            case: format!("{in_flight} in flight on {connections} connections"),
            figure: rounds[0].median().to_string(),
            against: format!("null {}", rounds[1].median()),
            ratio: Some(rounds[0].ratio_to(&rounds[1])),
            target: (in_flight == 64).then_some(Target::AtLeast(0.7)),
        });
    }
    Ok(())
}
