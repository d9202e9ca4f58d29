//! What it costs to ask who calls and whether they may: the same Encrypt of the
//! same signer under the same key, with authorization enforced and in `open`
//! mode. Enforced, every signature is verified, and the key's policy with its
//! condition and the caller's identity policy decide; the key has grants for
//! others.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Effort;
use crate::load::{Load, take_turns};
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};
use crate::signed::{ACCESS_KEY_ID, SECRET, Signing};

const REGION: &str = "us-east-1";
/// Whose callers are, in `open` mode, whatever their access key.
const ACCOUNT: &str = "000000000000";
const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// Bytes to encrypt.
const PLAINTEXT: [u8; 256] = [b'p'; 256];

/// Connections, each with one request under way.
const CONNECTIONS: [usize; 2] = [1, 64];

/// Grants of the key; none is the caller's.
const GRANTS: usize = 20;

/// Measures it.
pub async fn run(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let start = async |authorization: &str| {
        let directory = data.path().join(authorization);
        std::fs::create_dir(&directory)?;
        let file = data.path().join(format!("{authorization}.json"));
        write_seed(&file, authorization)?;
        Server::seeded(&[REGION], 3, &directory, &file).await
    };
    let (enforced, open) = (start("enforced").await?, start("open").await?);
    another_context_is_refused(&enforced).await?;
    for connections in CONNECTIONS {
        let (mut own, mut its) = (Vec::new(), Vec::new());
        for _ in 0..connections {
            own.push(client(&enforced, body()).await?);
            its.push(client(&open, body()).await?);
        }
        let mut own = Load::new(own, vec![enforced.pid()]);
        let mut its = Load::new(its, vec![open.pid()]);
        let rounds = take_turns(effort, &mut [&mut own, &mut its]).await?;
        report.row(Row {
            case: format!("{connections} connections, CPU of the server"),
            figure: rounds[0].median().to_string(),
            against: format!("open {}", rounds[1].median()),
            ratio: Some(rounds[0].cpu_ratio_to(&rounds[1])),
            target: Some(Target::AtMost(1.5)),
        });
    }
    Ok(())
}

/// What is measured is enforcement: the same call with another encryption
/// context than the policies ask for is not allowed.
async fn another_context_is_refused(server: &Server) -> anyhow::Result<()> {
    use crate::load::Client as _;
    let mut body = body();
    body["EncryptionContext"] = json!({ "purpose": "something else" });
    let refused = client(server, body).await?.call().await.err();
    let refused = refused.map_or(String::new(), |error| error.to_string());
    anyhow::ensure!(
        refused.contains("AccessDenied"),
        "nothing is enforced: {refused}"
    );
    Ok(())
}

async fn client(server: &Server, body: Value) -> anyhow::Result<Signing> {
    Signing::connect(server.address(), REGION, "Encrypt", body).await
}

/// A request with a small encryption context.
fn body() -> Value {
    json!({
        "KeyId": KEY_ID,
        "Plaintext": STANDARD.encode(PLAINTEXT),
        "EncryptionContext": { "purpose": "benchmark", "tenant": "0123456789" },
    })
}

fn write_seed(file: &Path, authorization: &str) -> anyhow::Result<()> {
    let caller = format!("arn:aws:iam::{ACCOUNT}:user/bench");
    let condition = json!({
        "StringEquals": { "kms:EncryptionContext:purpose": "benchmark" },
        "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["purpose", "tenant"] },
    });
    let grant = |number: usize| {
        json!({
            "name": format!("grant-{number}"),
            "grantee": format!("arn:aws:iam::{ACCOUNT}:root"),
            "operations": ["Decrypt", "DescribeKey"],
            "context_subset": { "tenant": number.to_string() },
        })
    };
    let seed = json!({
        "version": 1,
        "authorization": authorization,
        "accounts": [{
            "id": ACCOUNT,
            "users": [{
                "name": "bench",
                "access_keys": [{ "id": ACCESS_KEY_ID, "secret": SECRET }],
                "policies": [{
                    "Version": "2012-10-17",
                    "Statement": [
                        { "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
                          "Condition": condition },
                        { "Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*" },
                    ],
                }],
            }],
        }],
        "keys": [{
            "id": KEY_ID,
            "account": ACCOUNT,
            "region": REGION,
            "policy": {
                "Version": "2012-10-17",
                "Statement": [
                    { "Effect": "Allow", "Principal": { "AWS": ACCOUNT },
                      "Action": ["kms:Create*", "kms:Describe*", "kms:List*", "kms:Put*"],
                      "Resource": "*" },
                    { "Effect": "Allow", "Principal": { "AWS": caller }, "Action": "kms:Encrypt",
                      "Resource": "*", "Condition": condition },
                ],
            },
            "grants": (0..GRANTS).map(grant).collect::<Vec<_>>(),
        }],
    });
    Ok(std::fs::write(file, seed.to_string())?)
}
