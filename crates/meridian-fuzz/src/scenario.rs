//! A scenario file: it is read, or its mistakes are named.

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    match meridian_scenario::read(text) {
        Ok(_) => Some(()),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a word");
            None
        }
    }
}
