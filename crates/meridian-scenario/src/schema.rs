//! The JSON Schema of scenario files, for editors: derived from the types that
//! read them.

use serde_json::Value;

use crate::scenario::Scenario;

/// The schema.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    schema["title"] = "Meridian scenario, version 1".into();
    schema
}

/// The schema as it is published.
pub fn text() -> String {
    let json = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    json + "\n"
}
