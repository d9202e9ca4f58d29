use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use meridian_api::*;
use meridian_kms::*;
use meridian_proto::v1;
use meridian_proto::v1::key_management_client::KeyManagementClient;
use std::sync::Arc;
use std::sync::atomic::*;
use std::time::*;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
struct K;
struct C(Arc<K>);
struct O;
impl Observer for O {
    fn finished(&self, _: &str, _: &'static str, _: &'static str, _: Duration) {}
}
impl Kms for K {
    fn call(&self, _: Caller, r: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        async move {
            Ok(match r {
                Request::Encrypt(e) => Response::Encrypt(v1::EncryptResponse {
                    key_id: e.key_id,
                    ciphertext_blob: Some(vec![7u8; 160].into()),
                    encryption_algorithm: Some("SYMMETRIC_DEFAULT".into()),
                }),
                _ => panic!(),
            })
        }
        .boxed()
    }
    fn watch_key_set(
        &self,
        _: Caller,
        _: String,
    ) -> BoxStream<'static, Result<v1::KeySetState, CallError>> {
        futures::stream::empty().boxed()
    }
}
impl Cluster for C {
    fn region(&self, _: &str) -> Option<Arc<dyn Kms>> {
        Some(self.0.clone())
    }
    fn regions(&self) -> Vec<String> {
        vec!["eu-west-1".into()]
    }
}
async fn run<F, Fut>(name: &str, f: F) -> f64
where
    F: Fn(usize) -> Fut + Copy + Send + 'static,
    Fut: std::future::Future<Output = ()> + Send + 'static,
{
    let _ = name;
    f(0).await;
    0.0
}
struct NullKms;
#[tonic::async_trait]
impl tonic_health::pb::health_server::Health for NullKms {
    type WatchStream =
        BoxStream<'static, Result<tonic_health::pb::HealthCheckResponse, tonic::Status>>;
    async fn check(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<tonic_health::pb::HealthCheckResponse>, tonic::Status> {
        Ok(tonic::Response::new(Default::default()))
    }
    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, tonic::Status> {
        todo!()
    }
}
fn main() {
    let mode = std::env::args().nth(1).unwrap();
    if mode == "server" {
        let rt = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        rt.block_on(async {
            let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let l2 = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("{} {}", l.local_addr().unwrap(), l2.local_addr().unwrap());
            let fr = Front {
                cluster: Arc::new(C(Arc::new(K))),
                scope: Scope::Cluster,
                observer: Arc::new(O),
            }
            .router()
            .route(
                "/null",
                axum::routing::post(|b: bytes::Bytes| async move {
                    drop(b);
                    "{}"
                }),
            );
            let inc = tokio_stream::wrappers::TcpListenerStream::new(l2).map(|s| {
                let s = s?;
                s.set_nodelay(true)?;
                Ok::<_, std::io::Error>(s)
            });
            tokio::spawn(
                tonic::transport::Server::builder()
                    .add_service(tonic_health::pb::health_server::HealthServer::new(NullKms))
                    .serve_with_incoming(inc),
            );
            tokio::spawn(serve(l, fr, std::future::pending::<()>()))
                .await
                .unwrap();
        });
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .arg("server")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    use std::io::BufRead;
    std::io::BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut a = line.split_whitespace();
    let front = a.next().unwrap().to_owned();
    let null = a.next().unwrap().to_owned();
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let pid = child.id();
    let cpu = move || {
        let s = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let v: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
        (v[11].parse::<f64>().unwrap() + v[12].parse::<f64>().unwrap()) * 10_000.0
    };
    rt.block_on(async{
  for _ in 0..3 { for kind in ["null-rpc","health-front","encrypt-rpc","null-post","encrypt-post"] {
   let n=Arc::new(AtomicU64::new(0)); let stop=Arc::new(AtomicBool::new(false)); let mut tasks=vec![];
   let c0=cpu(); let t0=Instant::now();
   for _ in 0..4 {
    let addr=if kind=="null-rpc"{&null}else{&front};
    if kind.ends_with("post") {
     for _ in 0..8 { let (n,stop)=(n.clone(),stop.clone()); let addr=addr.clone();
      tasks.push(tokio::spawn(async move{ use tokio::io::*;
       let mut s=tokio::net::TcpStream::connect(&addr).await.unwrap(); s.set_nodelay(true).unwrap();
       let body=r#"{"KeyId":"mrk-1234abcd12ab34cd56ef1234567890ab","Plaintext":"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQ="}"#;
       let path=if kind=="null-post"{"/null"}else{"/"};
       let req=format!("POST {path} HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/x-amz-json-1.1\r\nx-amz-target: TrentService.Encrypt\r\nx-amz-date: 20260405T151426Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260405/eu-west-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0123456789012345678901234567890123456789012345678901234567890123\r\ncontent-length: {}\r\n\r\n{body}",body.len());
       let mut buf=vec![0u8;4096];
       while !stop.load(Ordering::Relaxed){ s.write_all(req.as_bytes()).await.unwrap(); let k=s.read(&mut buf).await.unwrap(); assert!(buf[..k].starts_with(b"HTTP/1.1 200")); n.fetch_add(1,Ordering::Relaxed);} })); }
     continue;
    }
    let ch=tonic::transport::Endpoint::try_from(format!("http://{addr}")).unwrap().tcp_nodelay(true).connect().await.unwrap();
    for _ in 0..16 { let (n,stop,ch)=(n.clone(),stop.clone(),ch.clone());
     tasks.push(tokio::spawn(async move{ let mut h=HealthClient::new(ch.clone()); let mut k=KeyManagementClient::new(ch);
      while !stop.load(Ordering::Relaxed){ if kind=="encrypt-rpc"{ k.encrypt(v1::EncryptRequest{key_id:Some("mrk-1234abcd12ab34cd56ef1234567890ab".into()),plaintext:Some(bytes::Bytes::from_static(b"hello world hello world hello wo")),..Default::default()}).await.unwrap(); } else { h.check(HealthCheckRequest::default()).await.unwrap(); } n.fetch_add(1,Ordering::Relaxed);} })); }
   }
   tokio::time::sleep(Duration::from_secs(3)).await; stop.store(true,Ordering::Relaxed); for t in tasks{t.await.unwrap();}
   let k=n.load(Ordering::Relaxed) as f64; println!("{kind:14} {:8.0}/s  server {:.1} us/req",k/t0.elapsed().as_secs_f64(),(cpu()-c0)/k);
  }}
 });
    child.kill().unwrap();
    let _ = run::<fn(usize) -> futures::future::Ready<()>, _>;
}
