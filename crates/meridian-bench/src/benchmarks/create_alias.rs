//! CreateAlias, a small durable write, in one region of three nodes: does it
//! commit in groups, and how does that compare with etcd on the same disk?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use meridian_proto::v1::{CreateAliasRequest, CreateKeyRequest};
use prost::Message as _;

use crate::Effort;
use crate::etcd::{Etcd, HOW_TO_INSTALL};
use crate::grpc::{Unary, connect};
use crate::kms::Region;
use crate::load::{Client, Load, take_turns};
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};

const CREATE_ALIAS: &str = "/meridian.v1.KeyManagement/CreateAlias";
const REGION: &str = "us-east-1";

/// Clients that write at once.
const MANY: usize = 64;

/// AWS lets a key have so many aliases.
const ALIASES_PER_KEY_MAX: u32 = 50;

/// A client that creates one alias after the other.
struct CreateAlias {
    unary: Unary,
    region: Region,
    names: Arc<AtomicU64>,
    key_id: String,
    aliases: u32,
}

impl Client for CreateAlias {
    async fn call(&mut self) -> anyhow::Result<()> {
        if self.aliases == ALIASES_PER_KEY_MAX {
            // A durable write that is not counted.
            self.key_id = self.region.create_key(CreateKeyRequest::default()).await?;
            self.aliases = 0;
        }
        self.aliases += 1;
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let request = CreateAliasRequest {
            alias_name: Some(format!("alias/bench-{number}")),
            target_key_id: Some(self.key_id.clone()),
        };
        self.unary
            .send(request.encode_to_vec().into())
            .await
            .map(|_| ())
    }
}

/// Measures it.
pub async fn run(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let server = Server::cluster(&[REGION], 3, &data.path().join("meridian")).await?;
    let names = Arc::new(AtomicU64::new(0));
    let mut one = Load::new(clients(&server, &names, 1).await?, vec![server.pid()]);
    let mut many = Load::new(clients(&server, &names, MANY).await?, vec![server.pid()]);
    let Some(etcd) = Etcd::start(data.path()).await? else {
        let rounds = take_turns(effort, &mut [&mut one, &mut many]).await?;
        report_group_commit(report, &rounds);
        report.skip("CreateAlias against etcd", HOW_TO_INSTALL);
        return Ok(());
    };
    let mut etcd_one = Load::new(etcd.clients(1).await?, etcd.pids());
    let mut etcd_many = Load::new(etcd.clients(MANY).await?, etcd.pids());
    let sides: &mut [&mut dyn crate::load::Side] =
        &mut [&mut one, &mut many, &mut etcd_one, &mut etcd_many];
    let rounds = take_turns(effort, sides).await?;
    report_group_commit(report, &rounds);
    for (at, clients, target) in [(0, 1, None), (1, MANY, Some(Target::AtLeast(0.7)))] {
        report.row(Row {
            case: format!("{clients} clients, against etcd"),
            figure: rounds[at].median().to_string(),
            against: format!("etcd {}", rounds[at + 2].median()),
            ratio: Some(rounds[at].ratio_to(&rounds[at + 2])),
            target,
        });
    }
    Ok(())
}

async fn clients(
    server: &Server,
    names: &Arc<AtomicU64>,
    count: usize,
) -> anyhow::Result<Vec<CreateAlias>> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let channel = connect(server.address()).await?;
        let mut region = Region::new(channel.clone(), REGION);
        clients.push(CreateAlias {
            unary: Unary::new(channel, CREATE_ALIAS).in_region(REGION)?,
            key_id: region.create_key(CreateKeyRequest::default()).await?,
            region,
            names: names.clone(),
            aliases: 0,
        });
    }
    Ok(clients)
}

fn report_group_commit(report: &mut Report, rounds: &[crate::load::Rounds]) {
    report.row(Row {
        case: format!("{MANY} clients, against 1 client"),
        figure: rounds[1].median().to_string(),
        against: format!("1 client {}", rounds[0].median()),
        ratio: Some(rounds[1].ratio_to(&rounds[0])),
        target: Some(Target::AtLeast(5.0)),
    });
}
