//! The inputs of a corpus that its target's own test makes.

use std::fs;
use std::path::Path;

use crate::TARGETS;

/// The corpus has inputs of these names, each taken or, if it is named so,
/// refused. `UPDATE=1` writes those that are missing or dealt with otherwise;
/// a good one stays, since not every input can be made again byte by byte.
pub(crate) fn holds(target: &str, inputs: &[(&str, Vec<u8>)]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let target = TARGETS.iter().find(|it| it.name == target).unwrap();
    for (name, made) in inputs {
        let path = directory.join(name);
        let is_right = |bytes: &[u8]| (target.run)(bytes).is_none() == name.starts_with("refused");
        assert!(is_right(made), "what was made for {path:?}");
        let is_kept = fs::read(&path).is_ok_and(|kept| is_right(&kept));
        if !is_kept && std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&directory).unwrap();
            fs::write(&path, made).unwrap();
        }
        let kept = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}: UPDATE=1"));
        assert!(is_right(&kept), "{path:?} is old: UPDATE=1");
    }
}
