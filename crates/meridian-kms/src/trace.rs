//! What an audit log may tell of a request and of its answer.

use meridian_crypto::MaterialId;

use crate::arn::{AliasRef, RegionName};
use crate::caller::Caller;
use crate::ops::{Request, Response};
use crate::region::Region;

impl Request {
    /// The keys as the request names them, at most two.
    pub fn named_keys(&self) -> impl Iterator<Item = &str> {
        let members = ["KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"];
        members
            .into_iter()
            .filter_map(|name| self.text_member(name))
    }

    /// The ARN of the alias that the request is about, if it is about one.
    pub fn named_alias(&self, caller: &Caller, region: &RegionName) -> Option<String> {
        let name = self.text_member("AliasName")?.parse().ok()?;
        let account = caller.account;
        Some(AliasRef { account, name }.arn(region))
    }
}

impl Region {
    /// The ARNs of the keys that a request is about, as far as it names keys
    /// that are here, directly or by an alias.
    pub fn keys_meant(&self, caller: &Caller, request: &Request) -> Vec<String> {
        let alias = request.text_member("AliasName");
        let meant = request
            .named_keys()
            .chain(alias)
            .filter_map(|name| self.meant(caller, name));
        let mut found = Vec::new();
        for key in meant.filter(|key| self.key(key).is_some()) {
            let arn = key.arn(self.name());
            if !found.contains(&arn) {
                found.push(arn);
            }
        }
        found
    }
}

impl Region {
    /// Does a request encrypt with a key whose materials have no ID that AWS
    /// shows? What other operations may show is in their answers.
    pub fn hides_materials(&self, caller: &Caller, request: &Request) -> bool {
        let Request::Encrypt(_) = request else {
            return false;
        };
        let meant = request
            .named_keys()
            .filter_map(|name| self.meant(caller, name));
        let mut keys = meant.filter_map(|key| self.key(&key));
        keys.any(|key| key.shared.origin.is_custom())
    }
}

impl Response {
    /// The ARNs of the keys that the answer names.
    pub fn named_keys(&self) -> Vec<String> {
        let members = ["SourceKeyId", "KeyId"];
        let named = members
            .into_iter()
            .filter_map(|name| self.text_member(name));
        let mut found: Vec<String> = named.map(Into::into).collect();
        if let Response::CreateKey(response) = self {
            let metadata = response.key_metadata.as_ref();
            found.extend(metadata.and_then(|metadata| metadata.arn.clone()));
        }
        found.retain(|name| name.starts_with("arn:"));
        found.dedup();
        found
    }

    /// The materials that a cryptographic operation has used, by AWS's names
    /// for what they were used for. Encrypt names that of its ciphertext, also
    /// where the region hides it.
    pub fn materials_used(&self) -> Vec<(&'static str, String)> {
        if let Response::Encrypt(response) = self {
            let blob = response.ciphertext_blob.as_ref();
            let header = blob.and_then(|blob| meridian_crypto::parse(blob));
            let id = |id: MaterialId| ("keyMaterialId", id.to_string());
            return header
                .map(|header| id(header.material_id))
                .into_iter()
                .collect();
        }
        if self.operation().is_write() {
            return Vec::new();
        }
        let members = [
            ("KeyMaterialId", "keyMaterialId"),
            ("SourceKeyMaterialId", "sourceKeyMaterialId"),
            ("DestinationKeyMaterialId", "destinationKeyMaterialId"),
        ];
        let used = members
            .into_iter()
            .filter_map(|(member, name)| Some((name, self.text_member(member)?.to_owned())));
        used.collect()
    }
}

/// The ID of a request's event in the audit log, from the ID of the request:
/// whoever knows one knows the other, also where no log is kept.
pub fn event_id(request_id: &str) -> String {
    /// Another digit for each; the two that tell a UUID's kind stay.
    const TURNED: [usize; 2] = [14, 19];
    let digit = |(at, letter): (usize, char)| match letter.to_digit(16) {
        Some(digit) if !TURNED.contains(&at) => char::from_digit(digit ^ 0x9, 16).unwrap_or(letter),
        _ => letter,
    };
    request_id.chars().enumerate().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1;

    use super::event_id;
    use crate::fixture::TestRegion;
    use crate::ops::{Request, Response};

    #[test]
    fn a_request_is_about_the_key_that_its_alias_names() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.call(v1::CreateAliasRequest {
            alias_name: Some("alias/a".into()),
            target_key_id: Some(key.clone()),
        })
        .unwrap();
        let by = |key_id: &str| {
            Request::Encrypt(v1::EncryptRequest {
                key_id: Some(key_id.into()),
                ..Default::default()
            })
        };
        let nobody = "1234abcd-12ab-34cd-56ef-1234567890ab";
        for (name, found) in [
            (key.as_str(), 1),
            ("alias/a", 1),
            ("alias/b", 0),
            (nobody, 0),
        ] {
            let keys = us.region.keys_meant(&us.caller, &by(name));
            assert_eq!(keys, vec![us.arn(&key); found], "{name}");
        }
        let deleted = Request::DeleteAlias(v1::DeleteAliasRequest {
            alias_name: Some("alias/a".into()),
        });
        assert_eq!(us.region.keys_meant(&us.caller, &deleted), [us.arn(&key)]);
        assert_eq!(
            deleted.named_alias(&us.caller, us.region.name()).unwrap(),
            us.arn(&key).replace(&format!("key/{key}"), "alias/a")
        );
    }

    #[test]
    fn an_answer_tells_which_key_and_material_were_used() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let material = us.describe(&key).current_key_material_id.unwrap();
        let blob = us.encrypt(&key, "x").unwrap();
        let encrypted = Response::Encrypt(v1::EncryptResponse {
            key_id: Some(us.arn(&key)),
            ciphertext_blob: Some(blob.into()),
            ..Default::default()
        });
        assert_eq!(encrypted.named_keys(), [us.arn(&key)]);
        assert_eq!(encrypted.materials_used(), [("keyMaterialId", material)]);
    }

    #[test]
    fn the_materials_of_a_key_in_a_custom_key_store_are_hidden() {
        let mut us = TestRegion::new("us-east-1");
        let own = us.create();
        let store = us.create_connected_key_store();
        let kept = us.create_in(&store);
        for (key, hidden) in [(own, false), (kept, true)] {
            let request = Request::Encrypt(v1::EncryptRequest {
                key_id: Some(key),
                ..Default::default()
            });
            assert_eq!(us.region.hides_materials(&us.caller, &request), hidden);
        }
    }

    #[test]
    fn an_event_has_an_id_of_its_own_that_follows_from_the_request() {
        let request = "2077c3bf-a538-41e6-b6fb-794e83344f84";
        let event = event_id(request);
        assert_ne!(event, request);
        assert_eq!(event_id(&event), request);
        assert_eq!(&event[14..15], "4");
    }
}
