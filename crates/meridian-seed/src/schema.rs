//! The JSON Schema of seed files, for editors: derived from the types that read
//! them.

use crate::seed::Seed;

/// The schema as it is published.
pub fn text() -> String {
    let mut schema = schemars::schema_for!(Seed).to_value();
    schema["title"] = "Meridian seed, version 1".into();
    let json = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    json + "\n"
}
