//! Points in time as policies and signatures write them.

use std::time::{Duration, SystemTime};

/// Milliseconds since the Unix epoch of a date condition's value: ISO 8601 with
/// or without a time of day and an offset, or seconds since the epoch.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>()
        && text.len() != 4
    {
        return seconds.checked_mul(1000);
    }
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let date = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let (time, offset_minutes) = offset(time)?;
    let time = match time.matches(':').count() {
        0 if time.is_empty() => "00:00:00".to_owned(),
        1 => format!("{time}:00"),
        _ => time.to_owned(),
    };
    let utc = rfc3339(&format!("{date}T{time}Z"))?;
    utc.checked_sub(offset_minutes.checked_mul(60_000)?)
}

/// The time of day, and how many minutes its clock is ahead of UTC.
fn offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let digits = time[at + 1..].replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = digits[..2].parse::<i64>().ok()? * 60 + digits[2..].parse::<i64>().ok()?;
    let ahead = if time[at..].starts_with('-') {
        -minutes
    } else {
        minutes
    };
    Some((&time[..at], ahead))
}

/// Milliseconds since the Unix epoch of a full date and time in UTC.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    let since: Duration = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_of_iso_8601_and_as_seconds() {
        let noon = Some(1_700_049_600_000);
        for text in [
            "2023-11-15T12:00:00Z",
            "2023-11-15T12:00Z",
            "2023-11-15T14:30:00+02:30",
            "2023-11-15T09:00:00-0300",
            "2023-11-15T12:00:00",
            "1700049600",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        assert_eq!(parse("2023-11-15"), Some(1_700_006_400_000));
        assert_eq!(parse("2023-11"), Some(1_698_796_800_000));
        assert_eq!(parse("2023"), Some(1_672_531_200_000));
    }

    #[test]
    fn other_text_is_no_date() {
        for text in [
            "",
            "soon",
            "2023-13-01",
            "2023-11-15T12:00:00+x",
            "T",
            "é-é",
            "+é:é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
