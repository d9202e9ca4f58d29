//! Probes of the user's own application.

use std::process::Stdio;
use std::time::Duration;

use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use meridian_scenario::action::{Method, Probe};

/// How long an application may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the application; what was wrong if it is not as expected.
pub async fn probe(probe: &Probe) -> Result<(), String> {
    let asked = async {
        match probe {
            Probe::Http {
                url,
                method,
                body,
                status,
            } => over_http(url, *method, body, *status).await,
            Probe::Command(line) => by_command(line).await,
        }
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no answer in {} s", PATIENCE.as_secs())))
}

async fn over_http(url: &str, method: Method, body: &str, wanted: u16) -> Result<(), String> {
    let method = match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
    };
    let request = http::Request::builder().method(method).uri(url);
    let request = request.body(Full::new(bytes::Bytes::from(body.to_owned())));
    let request = request.map_err(|error| format!("{url}: {error}"))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await;
    let status = answer
        .map_err(|error| format!("{url}: {error}"))?
        .status()
        .as_u16();
    match status == wanted {
        true => Ok(()),
        false => Err(format!("{url} answers {status}, and not {wanted}")),
    }
}

async fn by_command(line: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = line.split_first() else {
        return Err("the command is empty".into());
    };
    let mut command = tokio::process::Command::new(program);
    // What it prints is for people who look, not for the document of the run.
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    let status = command.status().await;
    let status = status.map_err(|error| format!("{program}: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{program}: {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &[&str]) -> Probe {
        Probe::Command(line.iter().map(|it| (*it).to_owned()).collect())
    }

    #[tokio::test]
    async fn a_command_is_judged_by_its_exit_code() {
        assert_eq!(probe(&command(&["true"])).await, Ok(()));
        assert!(probe(&command(&["false"])).await.is_err());
        assert!(probe(&command(&["no-such-program-here"])).await.is_err());
    }

    #[tokio::test]
    async fn an_application_that_is_not_there_fails_its_probe() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", nobody.local_addr().unwrap());
        drop(nobody);
        let (method, body, status) = (Method::Get, String::new(), 200);
        let absent = Probe::Http {
            url,
            method,
            body,
            status,
        };
        assert!(probe(&absent).await.is_err());
    }
}
