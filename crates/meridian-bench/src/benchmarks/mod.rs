//! One file for each benchmark, and their list.

mod create_alias;
mod enforcement;
mod grpc_wire;
mod json_wire;
mod memory;
mod pending_rotation;
mod start;

use clap::ValueEnum;

use crate::Effort;
use crate::report::Report;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Benchmark {
    /// Encrypt over gRPC against a null unary RPC
    EncryptGrpc,
    /// Decrypt over gRPC against a null unary RPC
    DecryptGrpc,
    /// Encrypt over AWS JSON against a null POST
    EncryptJson,
    /// Decrypt over AWS JSON against a null POST
    DecryptJson,
    /// Encrypt over AWS JSON with authorization enforced, against `open`
    EncryptEnforced,
    /// Durable writes: 64 clients against one, and against etcd's puts
    CreateAlias,
    /// From the last replica's import to PENDING_ROTATION at the primary
    PendingRotation,
    /// Resident memory per 10,000 keys
    Memory,
    /// Time from starting a cluster to its first leaders
    Start,
}

impl Benchmark {
    /// All of them, in the order of the list.
    pub fn all() -> Vec<Benchmark> {
        Benchmark::value_variants().to_vec()
    }

    /// What it measures, in a line.
    pub fn title(self) -> &'static str {
        match self {
            Benchmark::EncryptGrpc => "Encrypt of 256 B over gRPC against a null unary RPC",
            Benchmark::DecryptGrpc => "Decrypt of 256 B over gRPC against a null unary RPC",
            Benchmark::EncryptJson => "Encrypt of 256 B over AWS JSON against a null POST",
            Benchmark::DecryptJson => "Decrypt of 256 B over AWS JSON against a null POST",
            Benchmark::EncryptEnforced => {
                "Encrypt of 256 B over AWS JSON, authorization enforced against open"
            }
            Benchmark::CreateAlias => "Durable writes: CreateAlias, one region of three nodes",
            Benchmark::PendingRotation => {
                "Last import answered, to PENDING_ROTATION at the primary"
            }
            Benchmark::Memory => "Resident memory of the process per 10,000 keys",
            Benchmark::Start => "Start of a cluster",
        }
    }

    /// Measures it.
    ///
    /// # Errors
    /// A server does not start, or does not answer as it should.
    pub async fn run(self, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
        match self {
            Benchmark::EncryptGrpc => grpc_wire::encrypt(effort, report).await,
            Benchmark::DecryptGrpc => grpc_wire::decrypt(effort, report).await,
            Benchmark::EncryptJson => json_wire::encrypt(effort, report).await,
            Benchmark::DecryptJson => json_wire::decrypt(effort, report).await,
            Benchmark::EncryptEnforced => enforcement::run(effort, report).await,
            Benchmark::CreateAlias => create_alias::run(effort, report).await,
            Benchmark::PendingRotation => pending_rotation::run(effort, report).await,
            Benchmark::Memory => memory::run(report).await,
            Benchmark::Start => start::run(effort, report).await,
        }
    }
}
