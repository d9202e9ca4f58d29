//! A message as an audit log may show it: names in lower camel case, without
//! any blob, any sensitive member or any grant token.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use super::AwsJson;
use super::encode::{Encode, ObjectWriter};

/// Writes the members of one object that may be logged. Names come quoted and
/// with their colon.
pub(crate) struct LoggedWriter<'a>(ObjectWriter<'a>);

impl<'a> LoggedWriter<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        LoggedWriter(ObjectWriter::open(out))
    }

    pub(crate) fn always<T: Logged>(self, name: &str, value: &T) -> Self {
        LoggedWriter(self.0.always(name, &AsLogged(value)))
    }

    pub(crate) fn optional<T: Logged>(self, name: &str, value: &Option<T>) -> Self {
        match value {
            Some(value) => self.always(name, value),
            None => self,
        }
    }

    /// Leaves an empty list out.
    pub(crate) fn list<T: Logged>(self, name: &str, items: &Vec<T>) -> Self {
        match items.is_empty() {
            true => self,
            false => self.always(name, items),
        }
    }

    /// Leaves an empty map out.
    pub(crate) fn map(self, name: &str, entries: &BTreeMap<String, String>) -> Self {
        LoggedWriter(self.0.map(name, entries))
    }

    pub(crate) fn close(self) {
        self.0.close();
    }
}

struct AsLogged<'v, T>(&'v T);

impl<T: Logged> Encode for AsLogged<'_, T> {
    fn encode(&self, out: &mut String) {
        self.0.log(out);
    }
}

/// A type that may be logged. Blobs are not among them.
pub(crate) trait Logged {
    fn log(&self, out: &mut String);
}

macro_rules! logged_as_encoded {
    ($($type:ty),*) => {
        $(impl Logged for $type {
            fn log(&self, out: &mut String) {
                self.encode(out);
            }
        })*
    };
}

logged_as_encoded!(String, bool, i32, u64, BTreeMap<String, String>);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Logged for Timestamp {
    // fidelity: assumed, CloudTrail's examples write dates in English words; the comma before the
    // time is not in all of them.
    fn log(&self, out: &mut String) {
        let text = iso_8601(self.seconds.saturating_mul(1000));
        match in_words(&text) {
            Some(words) => words.encode(out),
            None => text.encode(out),
        }
    }
}

/// `Jan 31, 2026, 11:59:59 PM` for `2026-01-31T23:59:59Z`.
fn in_words(text: &str) -> Option<String> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.rsplitn(3, '-');
    let day: u8 = parts.next()?.parse().ok()?;
    let month: usize = parts.next()?.parse().ok()?;
    let (month, year) = (MONTHS.get(month.checked_sub(1)?)?, parts.next()?);
    let (hour, minutes) = time.split_once(':')?;
    let hour: u8 = hour.parse().ok()?;
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = (hour + 11) % 12 + 1;
    Some(format!("{month} {day}, {year}, {hour}:{minutes} {half}"))
}

/// A time as events write it: `2026-01-31T23:59:59Z`.
pub fn iso_8601(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    Timestamp { seconds, nanos: 0 }.to_string()
}

impl<T: Logged> Logged for Vec<T> {
    fn log(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.log(out);
        }
        out.push(']');
    }
}

impl<T: AwsJson> Logged for T {
    fn log(&self, out: &mut String) {
        self.write_logged(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_words_and_as_iso_8601() {
        let cases = [
            (0, "Jan 1, 1970, 12:00:00 AM", "1970-01-01T00:00:00Z"),
            (
                951_782_400,
                "Feb 29, 2000, 12:00:00 AM",
                "2000-02-29T00:00:00Z",
            ),
            (
                1_618_253_910,
                "Apr 12, 2021, 6:58:30 PM",
                "2021-04-12T18:58:30Z",
            ),
            (
                1_798_761_599,
                "Dec 31, 2026, 11:59:59 PM",
                "2026-12-31T23:59:59Z",
            ),
            (-1, "Dec 31, 1969, 11:59:59 PM", "1969-12-31T23:59:59Z"),
        ];
        for (seconds, words, iso) in cases {
            let mut out = String::new();
            Timestamp { seconds, nanos: 0 }.log(&mut out);
            assert_eq!(out, format!("{words:?}"));
            assert_eq!(iso_8601(seconds * 1000 + 999), iso);
        }
    }
}
