//! From fields to JSON text, straight into one buffer.

use std::{collections::BTreeMap, fmt::Write};

use base64_simd::STANDARD;
use bytes::Bytes;
use prost_types::Timestamp;

use super::AwsJson;

/// Room that a blob takes as base64.
pub(crate) fn base64_length(blob: &Option<Bytes>) -> usize {
    blob.as_ref().map_or(0, |blob| blob.len().div_ceil(3) * 4)
}

/// Writes the members of one object. Names come quoted and with their colon.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut String,
    separator: &'static str,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        ObjectWriter {
            out,
            separator: "{",
        }
    }

    pub(crate) fn always<T: Encode>(self, name: &str, value: &T) -> Self {
        self.out.push_str(self.separator);
        self.out.push_str(name);
        value.encode(self.out);
        ObjectWriter {
            out: self.out,
            separator: ",",
        }
    }

    pub(crate) fn optional<T: Encode>(self, name: &str, value: &Option<T>) -> Self {
        match value {
            Some(value) => self.always(name, value),
            None => self,
        }
    }

    /// Leaves an empty list out.
    pub(crate) fn list<T: Encode>(self, name: &str, items: &Vec<T>) -> Self {
        match items.is_empty() {
            true => self,
            false => self.always(name, items),
        }
    }

    /// Leaves an empty map out.
    pub(crate) fn map(self, name: &str, entries: &BTreeMap<String, String>) -> Self {
        match entries.is_empty() {
            true => self,
            false => self.always(name, entries),
        }
    }

    pub(crate) fn close(self) {
        if self.separator == "{" {
            self.out.push('{');
        }
        self.out.push('}');
    }
}

/// A type with a JSON form.
pub(crate) trait Encode {
    fn encode(&self, out: &mut String);
}

impl Encode for String {
    fn encode(&self, out: &mut String) {
        out.push('"');
        // One look at all of it, which the compiler does many bytes at a time.
        if !self
            .bytes()
            .fold(false, |found, byte| found | is_escaped(byte))
        {
            out.push_str(self);
            return out.push('"');
        }
        let mut plain = 0;
        for (index, byte) in self.bytes().enumerate() {
            if is_escaped(byte) {
                out.push_str(&self[plain..index]);
                escape(byte, out);
                plain = index + 1;
            }
        }
        out.push_str(&self[plain..]);
        out.push('"');
    }
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(byte: u8, out: &mut String) {
    let short = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        other => return write!(out, "\\u{other:04x}").expect("a String takes all"),
    };
    out.push_str(short);
}

impl Encode for bool {
    fn encode(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Encode for i32 {
    fn encode(&self, out: &mut String) {
        write!(out, "{self}").expect("a String takes all");
    }
}

impl Encode for u64 {
    fn encode(&self, out: &mut String) {
        write!(out, "{self}").expect("a String takes all");
    }
}

impl Encode for Bytes {
    fn encode(&self, out: &mut String) {
        out.push('"');
        STANDARD.encode_append(self, out);
        out.push('"');
    }
}

impl Encode for Timestamp {
    /// Seconds, with three decimals unless they are zero.
    fn encode(&self, out: &mut String) {
        let milliseconds = i128::from(self.seconds) * 1000 + i128::from(self.nanos / 1_000_000);
        let sign = if milliseconds < 0 { "-" } else { "" };
        let (seconds, rest) = (
            milliseconds.unsigned_abs() / 1000,
            milliseconds.unsigned_abs() % 1000,
        );
        match rest {
            0 => write!(out, "{sign}{seconds}"),
            _ => write!(out, "{sign}{seconds}.{rest:03}"),
        }
        .expect("a String takes all");
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.encode(out);
        }
        out.push(']');
    }
}

impl Encode for BTreeMap<String, String> {
    fn encode(&self, out: &mut String) {
        out.push('{');
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            key.encode(out);
            out.push(':');
            value.encode(out);
        }
        out.push('}');
    }
}

impl<T: AwsJson> Encode for T {
    fn encode(&self, out: &mut String) {
        self.write_json(out);
    }
}
