//! Lengths of time as people write them: `30s`, `12h`, `400d`, `1h 30m`.

use std::time::Duration;

/// Parses a length of time; a bare number is refused, because nobody could
/// tell its unit.
pub fn parse(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 30s, 12h or 400d"))
}

/// The length of time as [`parse`] reads it, such as `1h 30m`. Days stay days:
/// `400d`, not a year and a month.
pub fn show(span: Duration) -> String {
    let days = span.as_secs() / 86_400;
    let rest = span - Duration::from_secs(days * 86_400);
    match (days, rest.is_zero()) {
        (0, _) => humantime::format_duration(span).to_string(),
        (_, true) => format!("{days}d"),
        (_, false) => format!("{days}d {}", humantime::format_duration(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        let seconds = |text| parse(text).unwrap().as_secs();
        assert_eq!(seconds("30s"), 30);
        assert_eq!(seconds("12h"), 12 * 3_600);
        assert_eq!(seconds("400d"), 400 * 86_400);
        assert_eq!(seconds("1h 30m"), 5_400);
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
    }

    #[test]
    fn a_span_without_a_unit_is_refused_with_an_example() {
        for text in ["400", "", "-3d", "3 parsecs"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("400d"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for (text, shown) in [
            ("400d", "400d"),
            ("36h", "1d 12h"),
            ("90m", "1h 30m"),
            ("250ms", "250ms"),
            ("0s", "0s"),
        ] {
            let span = parse(text).unwrap();
            assert_eq!(show(span), shown);
            assert_eq!(parse(&show(span)).unwrap(), span);
        }
    }
}
