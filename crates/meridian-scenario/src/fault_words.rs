//! A fault for people: what is wrong, and where.

use meridian_proto::proto_json;
use meridian_proto::v1;
use serde_json::Value;

/// What is wrong, such as `link cut`, and where, as its parts name it.
pub(crate) struct FaultWords {
    /// The kind.
    pub(crate) kind: String,
    /// `us-east-1 → eu-west-1`, `us-east-1/2`, or `us-east-1`.
    pub(crate) place: String,
    /// The regions of the place.
    pub(crate) regions: Vec<String>,
}

impl FaultWords {
    /// Of this fault.
    pub(crate) fn of(fault: &v1::Fault) -> FaultWords {
        let json = proto_json::to_json("Fault", fault);
        let fields = json.as_object().into_iter().flatten();
        let mut kinds = fields.filter(|(name, _)| !["id", "duration_ms"].contains(&name.as_str()));
        let (kind, it) = match kinds.next() {
            Some((kind, it)) => (kind.replace('_', " "), it),
            None => (String::new(), &Value::Null),
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (link, node) = (&it["link"], &it["node"]);
        let ends = if link.is_object() {
            vec![text(&link["from"]), text(&link["to"])]
        } else if node.is_object() {
            vec![format!("{}/{}", text(&node["region"]), node["node"])]
        } else if it["calls"].is_object() {
            vec![text(&it["calls"]["region"])]
        } else {
            let node = it["node"].as_u64();
            let node = node.map_or(String::new(), |node| format!("/{node}"));
            vec![format!("{}{node}", text(&it["region"]))]
        };
        let arrow = match link["both_directions"] == true {
            true => " ↔ ",
            false => " → ",
        };
        let region = |end: &String| end.split('/').next().unwrap_or_default().to_owned();
        let mut regions: Vec<String> = ends.iter().map(region).collect();
        regions.dedup();
        FaultWords {
            kind,
            place: ends.join(arrow),
            regions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (String, Vec<String>) {
        let fault = proto_json::from_json("Fault", text).expect("it is a fault");
        let words = FaultWords::of(&fault);
        (format!("{} {}", words.kind, words.place), words.regions)
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let cut =
            words(r#"{"link_cut": {"link": {"from": "a", "to": "b", "both_directions": true}}}"#);
        assert_eq!(cut, ("link cut a ↔ b".into(), vec!["a".into(), "b".into()]));
        let inside = words(r#"{"link_hold": {"link": {"from": "a/1", "to": "a/2"}}}"#);
        assert_eq!(inside, ("link hold a/1 → a/2".into(), vec!["a".into()]));
        let crash = words(r#"{"node_crash": {"node": {"region": "a", "node": 2}}}"#);
        assert_eq!(crash, ("node crash a/2".into(), vec!["a".into()]));
        let stale = words(r#"{"stale_reads": {"region": "a", "node": 3, "lag_ms": 5}}"#);
        assert_eq!(stale, ("stale reads a/3".into(), vec!["a".into()]));
        let slow = words(r#"{"slow_answer": {"calls": {"region": "a"}, "delay_ms": 5}}"#);
        assert_eq!(slow, ("slow answer a".into(), vec!["a".into()]));
    }
}
