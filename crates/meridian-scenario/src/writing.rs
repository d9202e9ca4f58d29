//! A run of the simulator as a scenario file.

use serde_json::Value;

use crate::scenario::{Drawn, VERSION, Verdict};

/// The text of a file that runs it again and expects the same of the judge.
pub fn write(name: &str, about: &str, drawn: &Drawn, expect: &Verdict) -> String {
    // A string of JSON is one of YAML, too.
    let quoted = |text: &str| Value::from(text).to_string();
    let expect = match expect {
        Verdict::Pass => "pass".to_owned(),
        Verdict::Violation(promise) => format!("{{violation: {}}}", quoted(promise)),
    };
    let mut text = format!(
        "version: {VERSION}\nname: {}\nabout: {}\ndrawn:\n  seed: {}\n  operations: {}\n",
        quoted(name),
        quoted(about),
        drawn.seed,
        drawn.operations
    );
    for (field, numbers) in [
        ("skip_faults", &drawn.skip_faults),
        ("skip_operations", &drawn.skip_operations),
    ] {
        if !numbers.0.is_empty() {
            text += &format!("  {field}: {}\n", quoted(&numbers.to_string()));
        }
    }
    text + &format!("expect: {expect}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let drawn = Drawn {
            seed: 7421,
            operations: 200,
            skip_faults: "0-3,5".parse().expect("numbers"),
            skip_operations: "".parse().expect("no numbers"),
        };
        let expect = Verdict::Violation("R1 import before rotate".into());
        let text = write("seed-7421", "it says \"no\": why?", &drawn, &expect);
        let scenario = crate::read(&text).expect("it is right");
        assert_eq!(scenario.drawn, Some(drawn));
        assert_eq!(scenario.expect, expect);
        assert_eq!(scenario.about, "it says \"no\": why?");
    }
}
