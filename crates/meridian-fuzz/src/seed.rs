//! A seed file. What is read can be used without another check: its people, its
//! policies and its materials. A mistake of the format is told in a few words
//! and shows no secret; the secrets of the corpus all have [`SECRET`] in them.

use meridian_iam::PolicyDocument;
use meridian_seed::SeedError;

/// What no message may show.
const SECRET: &str = "S3CR3T";
/// Words of a message and the name of a field.
const MESSAGE_CHARS_MAX: usize = 500;

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    let seed = match meridian_seed::read(text) {
        Ok(seed) => seed,
        Err(error) => {
            check(text, &error);
            return None;
        }
    };
    assert!(seed.directory().is_ok(), "it was checked");
    for key in &seed.keys {
        for material in &key.materials {
            assert!(material.decode().is_some(), "it was checked");
        }
        let policy = key.policy_text();
        assert!(policy.is_none_or(|it| PolicyDocument::parse(&it).is_ok()));
    }
    Some(())
}

fn check(text: &str, error: &SeedError) {
    let message = error.to_string();
    assert!(!message.is_empty());
    if let SeedError::Shape { line, what, .. } = error {
        assert!(*line <= text.len() as u64 + 1, "line {line} of {text:?}");
        // A field has the name that the file gives it.
        if !what.contains("unknown field") {
            assert!(!message.contains(SECRET), "{message}");
            assert!(message.chars().count() < MESSAGE_CHARS_MAX, "{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_has_the_golden_seed_and_mistakes() {
        let golden = include_str!("../../meridian-seed/tests/golden/seed_v1.yaml");
        let golden = golden.replace("-secret", &format!("-{SECRET}"));
        let json = r#"{"version":1,"accounts":[{"id":"111122223333","root":{"access_keys":
            [{"id":"AKIDEXAMPLE","secret":"S3CR3T"}]}}]}"#;
        let mapped = golden.replacen(&format!("root-{SECRET}"), &format!("[{SECRET}]"), 1);
        let newer = golden.replacen("version: 1", "version: 2", 1);
        let aliases = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n";
        crate::corpus::holds(
            "seed",
            &[
                ("golden", golden.into()),
                ("json", json.into()),
                ("refused_secret_list", mapped.into()),
                ("refused_version", newer.into()),
                ("refused_aliases", aliases.into()),
            ],
        );
    }
}
