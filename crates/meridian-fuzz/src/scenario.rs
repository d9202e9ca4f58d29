//! A scenario file.

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(mistakes) = meridian_scenario::read(text) {
        assert!(!mistakes.is_empty(), "refused without a word");
    }
}
