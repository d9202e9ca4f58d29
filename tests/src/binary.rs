//! The binary under test.

use std::path::{Path, PathBuf};

/// `MERIDIAN_BIN`, or the `meridian` that was built beside this test.
///
/// # Panics
/// If there is none.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("MERIDIAN_BIN").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("a test knows where it lies");
        // Tests lie in target/PROFILE/deps.
        let profile = test.parent().and_then(Path::parent);
        profile
            .expect("a test lies in target/PROFILE/deps")
            .join("meridian")
    });
    assert!(
        binary.is_file(),
        "there is no {}: run `cargo build -p meridian` first, or set MERIDIAN_BIN",
        binary.display()
    );
    binary
}
