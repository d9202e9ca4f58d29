//! A message as an audit log may show it: names in lower camel case, without
//! any blob, any sensitive member or any grant token.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use super::AwsJson;
use super::encode::Encode;

/// Writes the members of one object that may be shown. Names come quoted and
/// with their colon.
pub(crate) struct LoggedWriter<'a> {
    out: &'a mut String,
    separator: &'static str,
}

impl<'a> LoggedWriter<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        LoggedWriter {
            out,
            separator: "{",
        }
    }

    pub(crate) fn always<T: Logged>(self, name: &str, value: &T) -> Self {
        self.out.push_str(self.separator);
        self.out.push_str(name);
        value.show(self.out);
        LoggedWriter {
            out: self.out,
            separator: ",",
        }
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

/// A type that may be shown. Blobs are not among them.
pub(crate) trait Logged {
    fn show(&self, out: &mut String);
}

macro_rules! shown_as_encoded {
    ($($type:ty),*) => {
        $(impl Logged for $type {
            fn show(&self, out: &mut String) {
                self.encode(out);
            }
        })*
    };
}

shown_as_encoded!(String, bool, i32, u64, BTreeMap<String, String>);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Logged for Timestamp {
    // fidelity: assumed, CloudTrail's examples write dates in English words; the comma before the
    // time is not in all of them.
    fn show(&self, out: &mut String) {
        let (year, month, day) = civil(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, half) = match second / 3600 {
            0 => (12, "AM"),
            hour @ 1..=11 => (hour, "AM"),
            12 => (12, "PM"),
            hour => (hour - 12, "PM"),
        };
        let (minute, second) = (second / 60 % 60, second % 60);
        let month = MONTHS[month - 1];
        format!("{month} {day}, {year}, {hour}:{minute:02}:{second:02} {half}").encode(out);
    }
}

/// Year, month and day of a day counted from 1970-01-01: each era of 400 years
/// has the same 146,097 days, and a year that begins in March ends with the day
/// that may be missing.
fn civil(days: i64) -> (i64, usize, i64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day + 2) / 153;
    let day = day - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, usize::try_from(month).unwrap_or(1), day)
}

/// A time as events write it: `2026-01-31T23:59:59Z`.
pub fn iso_8601(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

impl<T: Logged> Logged for Vec<T> {
    fn show(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.show(out);
        }
        out.push(']');
    }
}

impl<T: AwsJson> Logged for T {
    fn show(&self, out: &mut String) {
        self.write_shown(out);
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
            Timestamp { seconds, nanos: 0 }.show(&mut out);
            assert_eq!(out, format!("{words:?}"));
            assert_eq!(iso_8601(seconds * 1000 + 999), iso);
        }
    }
}
