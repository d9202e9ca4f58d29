//! Encrypt and Decrypt over AWS JSON, against a null POST on the same stack: a
//! handler of axum's, whose routes the product's own `POST /` does not take.
//! Both sides get the same request, with the headers that an SDK sends.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use meridian_proto::v1::CreateKeyRequest;
use serde_json::{Value, json};

use crate::Effort;
use crate::grpc::connect;
use crate::http1::Http1;
use crate::kms::Region;
use crate::load::{Load, take_turns};
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};
use crate::signed::post;

const REGION: &str = "us-east-1";

/// Bytes to encrypt.
const PLAINTEXT: [u8; 256] = [b'p'; 256];

/// Connections, each with one request under way.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// Measures Encrypt.
pub async fn encrypt(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&[REGION], 3, data.path()).await?;
    let request = post(REGION, "Encrypt", &encrypt_body(&server).await?);
    compare(effort, report, &server, request).await
}

/// Measures Decrypt.
pub async fn decrypt(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&[REGION], 3, data.path()).await?;
    let body = encrypt_body(&server).await?;
    let mut client = Http1::connect(server.address(), post(REGION, "Encrypt", &body)).await?;
    let encrypted: Value = serde_json::from_slice(client.send().await?)?;
    let body = json!({
        "CiphertextBlob": encrypted["CiphertextBlob"].as_str().context("no ciphertext")?,
        "EncryptionContext": body["EncryptionContext"],
    });
    compare(effort, report, &server, post(REGION, "Decrypt", &body)).await
}

/// A request with a small encryption context, for a new key.
async fn encrypt_body(server: &Server) -> anyhow::Result<Value> {
    let mut region = Region::new(connect(server.address()).await?, REGION);
    Ok(json!({
        "KeyId": region.create_key(CreateKeyRequest::default()).await?,
        "Plaintext": STANDARD.encode(PLAINTEXT),
        "EncryptionContext": { "purpose": "benchmark", "tenant": "0123456789" },
    }))
}

async fn compare(
    effort: &Effort,
    report: &mut Report,
    server: &Server,
    request: Bytes,
) -> anyhow::Result<()> {
    let null = Server::null().await?;
    for connections in CONNECTIONS {
        let (mut own, mut its) = (Vec::new(), Vec::new());
        for _ in 0..connections {
            own.push(Http1::connect(server.address(), request.clone()).await?);
            its.push(Http1::connect(null.address(), request.clone()).await?);
        }
        let mut own = Load::new(own, vec![server.pid()]);
        let mut its = Load::new(its, vec![null.pid()]);
        let rounds = take_turns(effort, &mut [&mut own, &mut its]).await?;
        report.row(Row {
            case: format!("{connections} connections"),
            figure: rounds[0].median().to_string(),
            against: format!("null {}", rounds[1].median()),
            ratio: Some(rounds[0].ratio_to(&rounds[1])),
            target: (connections == 64).then_some(Target::AtLeast(0.6)),
        });
    }
    Ok(())
}
