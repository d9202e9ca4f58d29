//! What the system knows of a running process.

use anyhow::Context as _;

/// The kernel counts CPU time for other processes in hundredths of a second.
const TICK_MICROS: u64 = 10_000;

/// CPU time that a process has used so far, in microseconds, in user and
/// kernel mode.
///
/// # Errors
/// There is no such process.
pub fn cpu_micros(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The second field is the program's name, which may hold anything.
    let (_, fields) = text
        .rsplit_once(')')
        .context("no name in the status of a process")?;
    let ticks = |at: usize| -> anyhow::Result<u64> {
        let field = fields
            .split_whitespace()
            .nth(at)
            .context("too few fields")?;
        Ok(field.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) * TICK_MICROS)
}

/// Memory of a process that is resident, in bytes.
///
/// # Errors
/// There is no such process.
pub fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no VmRSS")?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}
