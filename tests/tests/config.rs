//! `meridian node` before it runs: where its settings come from, and what it
//! says about those it cannot use.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use meridian_tests::binary;

/// A node that cannot start says so at once.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

const FILE: &str = r#"
region = "us-east-1"
node_id = 1
listen = "LISTEN"
peer_listen = "127.0.0.1:0"
cluster_secret_file = "cluster.key"
root_key_file = "us-east-1.key"

[[regions.us-east-1]]
id = 1
address = "127.0.0.1:1"
"#;

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let text = format!("colour = \"blue\"\n{FILE}");
    let said = refusal(&text, |_| {});
    assert!(
        said.contains("colour") && said.contains("node.toml"),
        "{said}"
    );
}

#[test]
fn a_port_in_use_is_named() {
    let (taken, _listener) = taken_address();
    let said = refusal(&FILE.replace("LISTEN", &taken), |_| {});
    assert!(said.contains(&taken) && said.contains("in use"), "{said}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let [(file, _a), (environment, _b), (flag, _c)] = [(); 3].map(|()| taken_address());
    let text = FILE.replace("LISTEN", &file);
    // The address that it complains about is the one that it chose.
    let complains_of = |wanted: &str, said: &str| {
        let named = [&file, &environment, &flag].map(|address| said.contains(address.as_str()));
        let expected = [&file, &environment, &flag].map(|address| address == wanted);
        assert_eq!(named, expected, "{said}");
    };
    complains_of(&file, &refusal(&text, |_| {}));
    let with_environment = |command: &mut Command| {
        command.env("MERIDIAN_LISTEN", &environment);
    };
    complains_of(&environment, &refusal(&text, with_environment));
    let with_both = |command: &mut Command| {
        command.env("MERIDIAN_LISTEN", &environment);
        command.args(["--listen", &flag]);
    };
    complains_of(&flag, &refusal(&text, with_both));
}

#[test]
fn what_the_file_leaves_out_and_nothing_sets_is_named() {
    let said = refusal(&FILE.replace("region = \"us-east-1\"", ""), |_| {});
    assert!(said.contains("region"), "{said}");
}

#[test]
fn a_node_that_the_file_does_not_list_is_named() {
    let said = refusal(FILE, |command| {
        command.args(["--node-id", "7"]);
    });
    assert!(
        said.contains("node 7") && said.contains("us-east-1"),
        "{said}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let mut command = node(Path::new("nowhere.toml"));
    let said = said(&mut command);
    assert!(said.contains("nowhere.toml"), "{said}");
}

/// What `meridian node` says when it does not start with this file.
fn refusal(text: &str, change: impl FnOnce(&mut Command)) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("node.toml");
    std::fs::write(&file, text).expect("a file");
    let mut command = node(&file);
    change(&mut command);
    said(&mut command)
}

fn node(file: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MERIDIAN_") {
            command.env_remove(name);
        }
    }
    command.arg("node").arg("--config").arg(file);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits until a command fails, and gives what it wrote to standard error.
fn said(command: &mut Command) -> String {
    let mut child = command.spawn().expect("the binary runs");
    let deadline = Instant::now() + ENDS_WITHIN;
    while child
        .try_wait()
        .expect("a child can be waited for")
        .is_none()
    {
        if Instant::now() > deadline {
            child.kill().expect("a child can be killed");
            panic!("it runs, and should have refused to");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = child.wait_with_output().expect("a child can be waited for");
    assert!(!ended.status.success());
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

/// An address that somebody listens at until the listener is dropped.
fn taken_address() -> (String, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (address.to_string(), listener)
}
