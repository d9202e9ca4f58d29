//! The history of a run, read back to be judged.

use meridian_judge::History;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = History::read(text);
    }
}
