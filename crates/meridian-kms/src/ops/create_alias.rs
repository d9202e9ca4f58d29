//! CreateAlias: a name of this region for one of its keys.

use meridian_proto::v1::{CreateAliasRequest, CreateAliasResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{Naming, required};
use crate::alias::{ALIASES_PER_KEY_MAX, Alias};
use crate::arn::{AliasName, AliasRef, KeyRef};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The alias and what it points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    alias: AliasRef,
    target: KeyRef,
}

/// Checks the name and finds the target.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateAliasRequest,
) -> Result<Planned<Change, CreateAliasResponse>, KmsError> {
    let name = name(required(&request.alias_name)?)?;
    let alias = AliasRef {
        account: cx.caller.account,
        name,
    };
    let target = target(region, cx, Operation::CreateAlias, &request.target_key_id)?;
    let change = Change { alias, target };
    check(region, &change)?;
    Ok(Planned::Commit(change))
}

/// Creates it.
pub fn apply(region: &mut Region, change: &Change) -> Result<CreateAliasResponse, KmsError> {
    check(region, change)?;
    let mut key = region.readmit(Operation::CreateAlias, &change.target)?;
    let now = region.now();
    let alias = Alias {
        target: change.target.id,
        created: now,
        updated: now,
    };
    region.aliases_mut().insert(change.alias.clone(), alias);
    key.aliases.insert(change.alias.name.clone());
    region.put(key);
    Ok(CreateAliasResponse {})
}

fn check(region: &Region, change: &Change) -> Result<(), KmsError> {
    if region.aliases().contains_key(&change.alias) {
        let arn = change.alias.arn(region.name());
        return Err(KmsError::new(
            ErrorCode::AlreadyExistsException,
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let key = region.readmit(Operation::CreateAlias, &change.target)?;
    check_limit(&key)
}

/// A key has a limited number of aliases.
pub(crate) fn check_limit(key: &crate::key::Key) -> Result<(), KmsError> {
    if key.aliases.len() < ALIASES_PER_KEY_MAX {
        return Ok(());
    }
    // fidelity: assumed, AWS's text for this quota is not recorded.
    Err(KmsError::new(
        ErrorCode::LimitExceededException,
        format!("The key has the maximum number of aliases ({ALIASES_PER_KEY_MAX})."),
    ))
}

/// Checks an alias name as CreateAlias and UpdateAlias do.
pub(crate) fn name(text: &str) -> Result<AliasName, KmsError> {
    let parsed: AliasName = text.parse().map_err(|_| {
        KmsError::validation(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
    })?;
    if text.starts_with("alias/aws/") {
        return Err(KmsError::bare(ErrorCode::NotAuthorizedException));
    }
    if text.contains(':') {
        return Err(KmsError::validation(format!(
            "{text} contains invalid characters for an alias"
        )));
    }
    Ok(parsed)
}

/// Finds the key that an alias is to point to: a key, not another alias.
pub(crate) fn target(
    region: &Region,
    cx: &Context<'_>,
    operation: Operation,
    key_id: &Option<String>,
) -> Result<KeyRef, KmsError> {
    let key_id = required(key_id)?;
    if key_id.starts_with("alias/") || key_id.contains(":alias/") {
        return Err(KmsError::validation(
            "Aliases must refer to keys. Not aliases",
        ));
    }
    Ok(region
        .find_allowed(cx, operation.action(), key_id, Naming::KeyOnly)?
        .key)
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{
        AliasListEntry, CreateAliasRequest, DeleteAliasRequest, ListAliasesRequest,
        UpdateAliasRequest,
    };

    use crate::fixture::{START, TestRegion, refusal};

    fn create(us: &mut TestRegion, name: &str, key: &str) -> String {
        refusal(us.call(CreateAliasRequest {
            alias_name: Some(name.into()),
            target_key_id: Some(key.into()),
        }))
    }

    fn update(us: &mut TestRegion, name: &str, key: &str) -> String {
        refusal(us.call(UpdateAliasRequest {
            alias_name: Some(name.into()),
            target_key_id: Some(key.into()),
        }))
    }

    fn delete(us: &mut TestRegion, name: &str) -> String {
        refusal(us.call(DeleteAliasRequest {
            alias_name: Some(name.into()),
        }))
    }

    fn list(us: &mut TestRegion, key: Option<&str>) -> Vec<String> {
        let request = ListAliasesRequest {
            key_id: key.map(Into::into),
            ..Default::default()
        };
        let listed = us.call(request).unwrap().aliases;
        listed
            .into_iter()
            .map(|alias| alias.alias_name.unwrap())
            .collect()
    }

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:alias";

    #[test]
    fn an_alias_is_listed_with_its_target_and_its_dates() {
        let mut us = TestRegion::new("us-east-1");
        let (key, other) = (us.create(), us.create());
        assert_eq!(create(&mut us, "alias/mine", &key), "success");
        us.pass_days(1);
        assert_eq!(update(&mut us, "alias/mine", &other), "success");
        let listed = us.call(ListAliasesRequest::default()).unwrap();
        let expected = AliasListEntry {
            alias_name: Some("alias/mine".into()),
            alias_arn: Some(format!("{ARN}/mine")),
            target_key_id: Some(other.clone()),
            creation_date: Some(START.to_proto()),
            last_updated_date: Some(START.plus_days(1).to_proto()),
        };
        assert_eq!(listed.aliases, [expected]);
        assert_eq!(listed.truncated, Some(false));
        assert_eq!(list(&mut us, Some(&other)), ["alias/mine"]);
        assert_eq!(list(&mut us, Some(&key)), [""; 0]);
    }

    #[test]
    fn names_that_cannot_be_aliases_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_eq!(
            create(&mut us, "mine", &key),
            "ValidationException: Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        );
        assert_eq!(
            create(&mut us, "alias/aws/s3", &key),
            "NotAuthorizedException"
        );
        assert_eq!(
            create(&mut us, "alias/a:b", &key),
            "ValidationException: alias/a:b contains invalid characters for an alias"
        );
        assert_eq!(
            create(&mut us, "alias/a", "alias/b"),
            "ValidationException: Aliases must refer to keys. Not aliases"
        );
        assert_eq!(
            create(&mut us, "alias/a", "nothing"),
            "NotFoundException: Invalid keyId 'nothing'"
        );
    }

    #[test]
    fn a_name_is_taken_once() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        create(&mut us, "alias/mine", &key);
        assert_eq!(
            create(&mut us, "alias/mine", &key),
            format!("AlreadyExistsException: An alias with the name {ARN}/mine already exists")
        );
    }

    #[test]
    fn an_alias_that_does_not_exist_cannot_be_changed() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let missing = format!("NotFoundException: Alias {ARN}/mine is not found.");
        assert_eq!(update(&mut us, "alias/mine", &key), missing);
        assert_eq!(delete(&mut us, "alias/mine"), missing);
    }

    #[test]
    fn a_deleted_alias_is_free_again() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        create(&mut us, "alias/mine", &key);
        assert_eq!(delete(&mut us, "alias/mine"), "success");
        assert_eq!(list(&mut us, Some(&key)), [""; 0]);
        assert_eq!(create(&mut us, "alias/mine", &key), "success");
    }

    #[test]
    fn only_a_new_target_must_not_be_on_its_way_out() {
        let mut us = TestRegion::new("us-east-1");
        let (old, new) = (us.create(), us.create());
        create(&mut us, "alias/mine", &old);
        us.schedule_deletion(&old).unwrap();
        let pending = format!(
            "KMSInvalidStateException: {} is pending deletion.",
            us.arn(&old)
        );
        assert_eq!(create(&mut us, "alias/other", &old), pending);
        assert_eq!(update(&mut us, "alias/mine", &old), pending);
        assert_eq!(update(&mut us, "alias/mine", &new), "success");
        us.pass_days(7);
        assert_eq!(list(&mut us, None), ["alias/mine"]);
    }

    #[test]
    fn a_key_has_at_most_50_aliases() {
        let mut us = TestRegion::new("us-east-1");
        let (key, other) = (us.create(), us.create());
        for n in 0..50 {
            assert_eq!(create(&mut us, &format!("alias/{n:02}"), &key), "success");
        }
        assert!(create(&mut us, "alias/50", &key).starts_with("LimitExceededException"));
        create(&mut us, "alias/50", &other);
        assert!(update(&mut us, "alias/50", &key).starts_with("LimitExceededException"));
        assert_eq!(
            update(&mut us, "alias/49", &key),
            "success",
            "it points there already"
        );
        let mut request = ListAliasesRequest {
            limit: Some(20),
            ..Default::default()
        };
        let mut pages = Vec::new();
        loop {
            let page = us.call(request.clone()).unwrap();
            pages.push(page.aliases.len());
            request.marker = page.next_marker;
            if request.marker.is_none() {
                break;
            }
        }
        assert_eq!(pages, [20, 20, 11]);
        let too_many = ListAliasesRequest {
            limit: Some(101),
            ..Default::default()
        };
        assert!(refusal(us.call(too_many)).starts_with("ValidationException"));
    }
}
