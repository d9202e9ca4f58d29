//! The files of the repository, and what cargo says about it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a build, a run or an editor leaves behind: in no commit. A name that ends
/// in `*` stands for all that begin like it.
const LEFT_BEHIND: [&str; 10] = [
    ".git",
    ".pytest_cache",
    ".venv",
    "__pycache__",
    "artifacts",
    "meridian-bench-*",
    "meridian-data",
    "meridian-local",
    "node_modules",
    "target",
];

fn is_left_behind(name: &str) -> bool {
    LEFT_BEHIND.iter().any(|rule| match rule.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *rule,
    })
}

/// A text file of the repository.
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests are a folder of it")
}

/// One file, which has to exist.
pub fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file, in the order of the paths.
pub fn files() -> Vec<File> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    let text = |path: PathBuf| {
        // What is not UTF-8 is not text; what is gone was an editor's.
        let text = std::fs::read_to_string(&path).ok()?;
        let path = path.strip_prefix(root()).expect("found below it");
        Some(File {
            path: path.to_str()?.to_owned(),
            text,
        })
    };
    paths.into_iter().filter_map(text).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("the repository can be read");
    for entry in entries.map(|entry| entry.expect("the repository can be read")) {
        let kind = entry.file_type().expect("the repository can be read");
        if entry.file_name().to_str().is_some_and(is_left_behind) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), paths);
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
}

/// What a cargo command prints, without network.
pub fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(arguments).arg("--offline");
    let ended = command.output().expect("cargo runs this test");
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "cargo {arguments:?}: {complaint}");
    String::from_utf8(ended.stdout).expect("cargo prints UTF-8")
}

/// Fails with one line for each thing that is wrong.
pub fn expect_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn everything_that_git_ignores_is_left_out() {
    let ignored = read(".gitignore");
    for line in ignored.lines().filter(|line| !line.contains("Cargo.lock")) {
        let name = line.trim_end_matches('/').rsplit('/').next();
        let name = name.expect("a line has an end").replace('*', "1234");
        assert!(is_left_behind(&name) || name.ends_with(".pyc"), "{line}");
    }
    assert!(!is_left_behind("meridian-bench"));
}
