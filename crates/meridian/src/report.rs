//! A key set on the terminal: regions, materials by region, and what the next
//! rotation waits for.

use meridian_proto::v1::KeySetState;
use serde_json::{Value, json};

use crate::console::Console;
use crate::export::{key_set_state, minute};
use crate::key_set::{CURRENT, IMPORTED, KeySet, NON_CURRENT, PENDING_ROTATION, material, short};
use crate::locate::Located;
use crate::table::Table;

/// Prints what the regions of the key told.
pub fn print(console: Console, key: &Located, set: &KeySet) {
    let names = key.region_names();
    console.say(headline(key));
    console.say("");
    console.table(&regions(&names, set));
    console.say("");
    if set.material_ids(&names).is_empty() {
        console.say("no key material yet");
    } else {
        console.table(&materials(&names, set));
    }
    console.say("");
    unusable(&names, set)
        .iter()
        .for_each(|line| console.say(line));
    match set.at(&names[0]) {
        Some(primary) => next_rotation(primary)
            .iter()
            .for_each(|line| console.say(line)),
        None => console.say(format!(
            "{}, the primary, knows what the next rotation waits for, and does not answer.",
            names[0]
        )),
    }
    console.document(&document(key, set));
}

/// The same for programs: every region's whole state.
pub fn document(key: &Located, set: &KeySet) -> Value {
    let names = key.region_names();
    json!({
        "key_id": key.key_id,
        "origin": key.origin,
        "multi_region": key.multi_region,
        "primary_region": names[0],
        "regions": names.iter().filter_map(|name| set.at(name)).map(key_set_state).collect::<Vec<_>>(),
        "silent_regions": names.iter().filter(|name| set.at(name).is_none()).collect::<Vec<_>>(),
    })
}

fn headline(key: &Located) -> String {
    let kind = match (key.multi_region, key.origin.as_str()) {
        (true, "EXTERNAL") => "multi-Region, imported material",
        (true, _) => "multi-Region",
        (false, "EXTERNAL") => "single-Region, imported material",
        (false, _) => "single-Region",
    };
    format!("{}  ({kind})", key.key_id)
}

fn regions(names: &[String], set: &KeySet) -> Table {
    let mut table = Table::new(["REGION", "ROLE", "KEY STATE", "SEES VERSION"]);
    for name in names {
        match set.at(name) {
            Some(state) => table.row([
                name.clone(),
                state.role.clone(),
                state.key_state.clone(),
                format!("{}.{}", state.epoch, state.version),
            ]),
            None => table.row([name.as_str(), "", "does not answer, or lacks the key"]),
        }
    }
    table
}

/// A row per material and a column per region. The state is the one that the
/// first region sees, the primary; a region that sees another one says so in
/// its cell.
pub fn materials(names: &[String], set: &KeySet) -> Table {
    let headings = ["MATERIAL", "STATE"].into_iter().map(str::to_owned);
    let mut table = Table::new(headings.chain(names.iter().cloned()));
    for id in set.material_ids(names) {
        let mut seen = names.iter().filter_map(|name| set.material(name, &id));
        let state = seen
            .next()
            .map_or("", |material| &material.key_material_state);
        let mut row = vec![short(&id).to_owned(), state.to_owned()];
        row.extend(names.iter().map(|name| match set.at(name) {
            Some(seen) => cell(seen, &id, state),
            None => "?".to_owned(),
        }));
        table.row(row);
    }
    table
}

fn cell(seen: &KeySetState, id: &str, state: &str) -> String {
    let Some(material) = material(seen, id) else {
        return "not heard of".to_owned();
    };
    let mut words = match material.import_state.as_deref() {
        None => "held".to_owned(),
        Some(IMPORTED) => "imported".to_owned(),
        Some("EXPIRED") => "expired".to_owned(),
        Some(_) => "missing".to_owned(),
    };
    if let (Some(IMPORTED), Some(valid_to)) = (material.import_state.as_deref(), &material.valid_to)
    {
        words.push_str(&format!(" until {}", minute(valid_to)));
    }
    if material.key_material_state != state {
        words.push_str(&format!(", sees {}", material.key_material_state));
    }
    words
}

/// Which regions cannot use the key for want of material, a line each.
fn unusable(names: &[String], set: &KeySet) -> Vec<String> {
    let states = names.iter().filter_map(|name| Some((name, set.at(name)?)));
    let waiting = states.filter(|(_, state)| state.key_state == "PendingImport");
    let line = |(name, state): (&String, &KeySetState)| {
        let missing = state.materials.iter().filter(|material| {
            let permanent = [CURRENT, NON_CURRENT].contains(&material.key_material_state.as_str());
            permanent && material.import_state.as_deref() != Some(IMPORTED)
        });
        let ids: Vec<&str> = missing
            .map(|material| short(&material.key_material_id))
            .collect();
        match ids.as_slice() {
            [] => format!("{name} cannot use the key before its first material is imported."),
            ids => {
                let ids = ids.join(", ");
                format!("{name} cannot use the key until it has imported {ids} (again).")
            }
        }
    };
    waiting.map(line).collect()
}

/// What must happen before the next rotation, in plain words.
pub fn next_rotation(primary: &KeySetState) -> Vec<String> {
    let mut materials = primary.materials.iter();
    let ready = materials.find(|material| material.key_material_state == PENDING_ROTATION);
    let waits_for = match (&primary.rotation, ready) {
        (Some(rotation), _) => {
            let id = short(&rotation.key_material_id);
            format!("The rotation to {id} has begun and waits for")
        }
        (None, Some(ready)) if primary.next_rotation_waits_for.is_empty() => {
            let id = short(&ready.key_material_id);
            let command = format!("`meridian key rotate {}`", primary.key_id);
            return vec![format!("Ready: {command} rotates to {id}.")];
        }
        (None, _) => "The next rotation waits for".to_owned(),
    };
    match primary.next_rotation_waits_for.as_slice() {
        [] => vec![format!("{waits_for} nothing.")],
        reasons => {
            let reasons = reasons.iter().map(|reason| format!("  - {reason}"));
            std::iter::once(format!("{waits_for}:"))
                .chain(reasons)
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::tests::state;
    use crate::key_set::{CURRENT, PENDING_IMPORT_AND_ROTATION};

    fn names() -> Vec<String> {
        ["us", "eu", "ap"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_table_shows_material_by_region() {
        let mut set = KeySet::default();
        set.learn(
            "us",
            state(&[
                ("m1", CURRENT, true),
                ("m2", PENDING_IMPORT_AND_ROTATION, true),
            ]),
        );
        set.learn(
            "eu",
            state(&[
                ("m1", CURRENT, true),
                ("m2", PENDING_IMPORT_AND_ROTATION, false),
            ]),
        );
        set.learn("ap", state(&[("m1", CURRENT, true)]));
        assert_eq!(
            materials(&names(), &set).lines(),
            [
                "MATERIAL  STATE                                     us        eu        ap",
                "m1        CURRENT                                   imported  imported  imported",
                "m2        PENDING_MULTI_REGION_IMPORT_AND_ROTATION  imported  missing   not heard of",
            ]
        );
    }

    #[test]
    fn a_region_that_is_behind_says_what_it_sees() {
        let mut set = KeySet::default();
        set.learn("us", state(&[("m1", "NON_CURRENT", true)]));
        set.learn("eu", state(&[("m1", CURRENT, true)]));
        let lines = materials(&names(), &set).lines();
        assert_eq!(
            lines[1],
            "m1        NON_CURRENT  imported  imported, sees CURRENT  ?"
        );
    }

    #[test]
    fn a_region_without_a_material_it_needs_is_named() {
        let mut set = KeySet::default();
        set.learn("us", state(&[("m1", CURRENT, true)]));
        let mut lacking = state(&[
            ("m1", "NON_CURRENT", false),
            ("m2", CURRENT, true),
            ("m3", PENDING_IMPORT_AND_ROTATION, false),
        ]);
        lacking.key_state = "PendingImport".into();
        set.learn("eu", lacking);
        assert_eq!(
            unusable(&names(), &set),
            ["eu cannot use the key until it has imported m1 (again)."]
        );
    }

    #[test]
    fn the_reasons_of_the_primary_are_listed() {
        let mut primary = state(&[("m1", CURRENT, true)]);
        primary.next_rotation_waits_for = vec!["eu-west-1 to import m2".into()];
        assert_eq!(
            next_rotation(&primary),
            ["The next rotation waits for:", "  - eu-west-1 to import m2"]
        );
    }

    #[test]
    fn a_pending_material_that_all_hold_can_be_rotated_to() {
        let mut primary = state(&[("m1", CURRENT, true), ("m2", PENDING_ROTATION, true)]);
        primary.key_id = "mrk-1".into();
        assert_eq!(
            next_rotation(&primary),
            ["Ready: `meridian key rotate mrk-1` rotates to m2."]
        );
    }
}
