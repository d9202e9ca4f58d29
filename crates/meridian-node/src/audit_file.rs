//! `AuditFile`: a file of lines that are never given up. What cannot be written
//! waits, and is written before anything that came later.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;

/// Lines on their way into a file.
pub struct AuditFile<W = File> {
    file: W,
    /// From the first byte that is not in the file.
    waiting: Vec<u8>,
}

impl AuditFile {
    /// Appends to what is there.
    ///
    /// # Errors
    /// A file that cannot be opened for writing.
    pub fn open(path: &Path) -> anyhow::Result<AuditFile> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("writing the audit log {}", path.display()))?;
        Ok(AuditFile::new(file))
    }
}

impl<W: Write> AuditFile<W> {
    fn new(file: W) -> AuditFile<W> {
        let waiting = Vec::new();
        AuditFile { file, waiting }
    }

    /// Adds a line, with its line break. One call of the system writes it, so
    /// that lines of two processes do not mix.
    ///
    /// # Errors
    /// It waits.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        self.waiting.extend_from_slice(line.as_bytes());
        self.catch_up()
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// Something still waits.
    pub fn catch_up(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with some room.
    struct Disk {
        written: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_did_not_fit_is_whole_and_in_its_place_once_there_is_room() {
        let (written, room) = (Vec::new(), 9);
        let mut file = AuditFile::new(Disk { written, room });
        file.write("first\n").unwrap();
        let full = file.write("second\n").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        file.catch_up().unwrap_err();
        file.file.room = 100;
        file.write("third\n").unwrap();
        file.catch_up().unwrap();
        assert_eq!(file.file.written, b"first\nsecond\nthird\n");
    }
}
