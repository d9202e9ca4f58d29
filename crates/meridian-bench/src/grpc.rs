//! A gRPC client that costs the same whatever it calls: its message is encoded
//! once, the answer is not decoded, and the calls that are ready leave in one
//! system call whatever their size.

use std::io;

use bytes::{Buf, BufMut, Bytes};
use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use meridian_api::Socket;
use tokio::net::TcpStream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tower::service_fn;

use crate::load::Client;

/// Says which region a call means.
pub const REGION: &str = "x-meridian-region";

/// Opens a connection.
///
/// # Errors
/// Nobody listens there.
pub async fn connect(address: &str) -> anyhow::Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .connect_with_connector(service_fn(dial))
        .await?)
}

async fn dial(uri: Uri) -> io::Result<TokioIo<Socket>> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(Socket(stream)))
}

/// A client of one unary RPC.
pub struct Unary {
    grpc: tonic::client::Grpc<Channel>,
    path: PathAndQuery,
    region: Option<MetadataValue<Ascii>>,
}

impl Unary {
    /// A client of this RPC that names no region.
    pub fn new(channel: Channel, path: &'static str) -> Unary {
        Unary {
            grpc: tonic::client::Grpc::new(channel),
            path: PathAndQuery::from_static(path),
            region: None,
        }
    }

    /// Names a region in every call.
    pub fn in_region(self, region: &str) -> anyhow::Result<Unary> {
        Ok(Unary {
            region: Some(region.parse()?),
            ..self
        })
    }

    /// Sends an encoded message; gives the encoded answer.
    ///
    /// # Errors
    /// The status that came instead of an answer.
    pub async fn send(&mut self, message: Bytes) -> anyhow::Result<Bytes> {
        let mut request = Request::new(message);
        if let Some(region) = &self.region {
            request.metadata_mut().insert(REGION, region.clone());
        }
        self.grpc.ready().await?;
        let answer = self.grpc.unary(request, self.path.clone(), Encoded).await?;
        Ok(answer.into_inner())
    }
}

/// A client that sends the same message again and again.
pub struct Repeat {
    /// What to call.
    pub unary: Unary,
    /// What to send.
    pub message: Bytes,
}

impl Client for Repeat {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.unary.send(self.message.clone()).await.map(|_| ())
    }
}

/// Messages as the bytes they are on the wire.
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Encoded;
    type Decoder = Encoded;

    fn encoder(&mut self) -> Encoded {
        Encoded
    }

    fn decoder(&mut self) -> Encoded {
        Encoded
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
