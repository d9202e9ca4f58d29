//! The prologue: the calls that make the keys to begin with, one after the
//! other, each once the view shows what it needs.

use crate::call::{Call, ImportType};
use crate::condition::Condition;
use crate::scenario::{KeyToBegin, Origin, Scenario};

/// One call of the prologue.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// What must hold first.
    pub(crate) needs: Option<Condition>,
    /// The region that is called.
    pub(crate) region: String,
    /// The call.
    pub(crate) call: Call,
}

/// The calls, and what must hold when all are done.
pub(crate) fn of(scenario: &Scenario) -> (Vec<Setup>, Vec<Condition>) {
    let setups = scenario.keys.iter().flat_map(of_key).collect();
    let settled = scenario.keys.iter().map(settled).collect();
    (setups, settled)
}

fn members(key: &KeyToBegin) -> Vec<String> {
    let mut members = vec![key.region.clone()];
    members.extend(key.replicas.iter().cloned());
    members
}

fn settled(key: &KeyToBegin) -> Condition {
    Condition {
        converged: Some(true),
        current_material: key.materials.last().copied(),
        ..Condition::of(&key.name, &members(key))
    }
}

fn of_key(key: &KeyToBegin) -> Vec<Setup> {
    let home = || key.region.clone();
    let at = |region: &str, needs, call| Setup {
        needs,
        region: region.to_owned(),
        call,
    };
    let name = || key.name.clone();
    let create = Call::Create {
        key: name(),
        origin: key.origin,
        multi_region: key.multi_region,
    };
    let mut setups = vec![at(&home(), None, create)];
    let mut materials = key.materials.iter().copied();
    if let Some(first) = materials.next() {
        setups.push(import(key, &home(), first, ImportType::New, None));
    }
    for replica in &key.replicas {
        let to = replica.clone();
        setups.push(at(&home(), None, Call::Replicate { key: name(), to }));
        if let (Origin::External, Some(first)) = (key.origin, key.materials.first()) {
            let there = Condition {
                material: Some(*first),
                ..Condition::of(&key.name, std::slice::from_ref(replica))
            };
            setups.push(import(
                key,
                replica,
                *first,
                ImportType::Existing,
                Some(there),
            ));
        }
    }
    for next in materials {
        let heard = |region: &String| Condition {
            material: Some(next),
            ..Condition::of(&key.name, std::slice::from_ref(region))
        };
        let agreed = Condition {
            converged: Some(true),
            ..Condition::of(&key.name, &members(key))
        };
        setups.push(import(key, &home(), next, ImportType::New, Some(agreed)));
        for replica in &key.replicas {
            let heard = Some(heard(replica));
            setups.push(import(key, replica, next, ImportType::Existing, heard));
        }
        let ready = Condition {
            material: Some(next),
            material_state: Some("PENDING_ROTATION".into()),
            ..Condition::of(&key.name, &[home()])
        };
        setups.push(at(&home(), Some(ready), Call::Rotate { key: name() }));
    }
    setups
}

fn import(
    key: &KeyToBegin,
    region: &str,
    material: u64,
    import_type: ImportType,
    needs: Option<Condition>,
) -> Setup {
    Setup {
        needs,
        region: region.to_owned(),
        call: Call::Import {
            key: key.name.clone(),
            material,
            import_type,
            expires_after: None,
        },
    }
}
