//! stub
use clap::Args;
#[derive(Args)]
pub struct DemoArgs {}
pub async fn run(_: DemoArgs) -> anyhow::Result<()> {
    Ok(())
}
