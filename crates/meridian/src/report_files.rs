//! The files of a report: one page for people, JSON for programs, JUnit XML for
//! test runners.

use std::path::Path;

use anyhow::Context;
use meridian_report::Run;

use crate::console::Console;

/// Writes `report.html`, `report.json` and `junit.xml` into a directory, which
/// is made if it is not there.
///
/// # Errors
/// What the file system says.
pub fn write(console: Console, directory: &Path, run: &Run<'_>) -> anyhow::Result<()> {
    let name = directory.display();
    std::fs::create_dir_all(directory).with_context(|| format!("making {name}"))?;
    for (file, text) in [
        ("report.html", meridian_report::html(run)),
        ("report.json", format!("{:#}\n", meridian_report::json(run))),
        ("junit.xml", meridian_report::junit(run)),
    ] {
        let path = directory.join(file);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let page = directory.join("report.html");
    console.say(format!("the report is in {}", page.display()));
    Ok(())
}
