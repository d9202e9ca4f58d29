//! The fixed order of checks that every operation on a key passes: find it,
//! authorize, kind of key, role in its set, key state. Asked in `plan` and, on
//! the state of that moment, again in `apply`.

use std::sync::Arc;

use meridian_crypto::KeySpec;

use crate::arn::{AccountId, AliasName, AliasRef, KeyArn, KeyId, KeyRef, KmsArn, RegionName};
use crate::authorization::denied_elsewhere;
use crate::caller::Caller;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::Origin;
use crate::key_state::{self, KeyState};
use crate::ops::Operation;
use crate::region::Region;
use crate::suitability;

/// May a request name the key by an alias?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Key ID or key ARN.
    KeyOnly,
    /// Also alias name or alias ARN.
    KeyOrAlias,
}

impl Region {
    /// Admits an operation on a key that is named by ID or ARN.
    pub(crate) fn admit(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        key_id: &Option<String>,
    ) -> Result<&Arc<Key>, KmsError> {
        let key = self.find_allowed(cx, operation.action(), required(key_id)?, Naming::KeyOnly)?;
        self.check(operation, key)?;
        Ok(key)
    }

    /// Admits the use of a key that may be named by an alias.
    pub(crate) fn admit_use(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        key_id: &Option<String>,
    ) -> Result<&Arc<Key>, KmsError> {
        self.admit_use_as(cx, operation, operation.action(), key_id)
    }

    /// Admits a use that takes a permission of another name than the
    /// operation's.
    pub(crate) fn admit_use_as(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        action: &'static str,
        key_id: &Option<String>,
    ) -> Result<&Arc<Key>, KmsError> {
        let key = self.find_allowed(cx, action, required(key_id)?, Naming::KeyOrAlias)?;
        self.check(operation, key)?;
        suitability::check_usage(operation, key, self.name())?;
        cx.note_use(key.key);
        Ok(key)
    }

    /// Admits a planned change to the key as it is at the moment of applying.
    pub(crate) fn readmit(&self, operation: Operation, key: &KeyRef) -> Result<Key, KmsError> {
        let key = self
            .key(key)
            .ok_or_else(|| KmsError::no_such_key(key, self.name()))?;
        self.check(operation, key)?;
        Ok(Key::clone(key))
    }

    /// Finds the key that a request names, if the caller may do this with it by
    /// the grant tokens that it shows, if any, or without.
    pub(crate) fn find_allowed(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key_id: &str,
        naming: Naming,
    ) -> Result<&Arc<Key>, KmsError> {
        let key = self.find_visible(cx, action, key_id, naming)?;
        self.check_grant_tokens(cx)?;
        self.authorize(cx, action, key)?;
        Ok(key)
    }

    /// Finds the key that a request names. Whether a key of another account
    /// exists is nobody's business.
    pub(crate) fn find_visible(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key_id: &str,
        naming: Naming,
    ) -> Result<&Arc<Key>, KmsError> {
        let (account, resource) = self.take_apart(cx.caller, key_id)?;
        match self.locate(account, resource, naming) {
            Err(_) if account != cx.caller.account => Err(denied_elsewhere(cx.caller, action)),
            found => found,
        }
    }

    /// Finds a key of the caller's own account.
    pub(crate) fn find(
        &self,
        caller: &Caller,
        operation: Operation,
        key_id: &str,
        naming: Naming,
    ) -> Result<&Arc<Key>, KmsError> {
        let (account, resource) = self.take_apart(caller, key_id)?;
        if account != caller.account {
            return Err(denied_elsewhere(caller, operation.action()));
        }
        self.locate(account, resource, naming)
    }

    /// The key that a caller means by an identifier, whether it is here or not;
    /// nothing for an alias that leads nowhere.
    pub fn meant(&self, caller: &Caller, key_id: &str) -> Option<KeyRef> {
        let (account, resource) = self.take_apart(caller, key_id).ok()?;
        self.reference(account, resource, Naming::KeyOrAlias).ok()
    }

    /// The key with this ID: the account's own, or else another one's.
    pub(crate) fn key_by_id(&self, own: AccountId, id: KeyId) -> Option<&Arc<Key>> {
        let key = self.key(&KeyRef { account: own, id });
        key.or_else(|| {
            let mut account = AccountId::default();
            loop {
                let (found, key) = self.keys().range(KeyRef { account, id }..).next()?;
                if found.id == id {
                    return Some(key);
                }
                account = match found.account == account {
                    true => account.next()?,
                    false => found.account,
                };
            }
        })
    }

    fn locate(
        &self,
        account: AccountId,
        resource: &str,
        naming: Naming,
    ) -> Result<&Arc<Key>, KmsError> {
        let reference = self.reference(account, resource, naming)?;
        self.key(&reference)
            .ok_or_else(|| KmsError::no_such_key(&reference, self.name()))
    }

    fn reference(
        &self,
        account: AccountId,
        resource: &str,
        naming: Naming,
    ) -> Result<KeyRef, KmsError> {
        if resource.starts_with("alias/") {
            return self.alias_target(account, resource, naming);
        }
        let id = resource.parse();
        let id = id.map_err(|_| KmsError::not_found(format!("Invalid keyId '{resource}'")))?;
        Ok(KeyRef { account, id })
    }

    /// The account, and the key ID or alias name, that an identifier names.
    fn take_apart<'k>(
        &self,
        caller: &Caller,
        key_id: &'k str,
    ) -> Result<(AccountId, &'k str), KmsError> {
        if !key_id.starts_with("arn:") {
            return Ok((caller.account, key_id));
        }
        let malformed = || {
            // fidelity: assumed, AWS's text for a damaged ARN is not recorded.
            let message = format!("ARN is not valid: {key_id}");
            KmsError::new(ErrorCode::InvalidArnException, message)
        };
        let arn = KmsArn::parse(key_id).map_err(|_| malformed())?;
        let resource = match arn.resource.strip_prefix("key/") {
            Some(id) => id,
            None if arn.resource.starts_with("alias/") => arn.resource,
            None => return Err(malformed()),
        };
        if arn.region != self.name().as_str() {
            return Err(KmsError::not_found(format!("Invalid arn {}", arn.region)));
        }
        Ok((arn.account, resource))
    }

    fn alias_target(
        &self,
        account: AccountId,
        name: &str,
        naming: Naming,
    ) -> Result<KeyRef, KmsError> {
        if naming == Naming::KeyOnly {
            return Err(KmsError::new(
                ErrorCode::InvalidArnException,
                "Key Aliases are not supported for this operation.",
            ));
        }
        let name: AliasName = name
            .parse()
            .map_err(|_| KmsError::not_found(format!("Invalid keyId '{name}'")))?;
        let alias = AliasRef { account, name };
        match self.aliases().get(&alias) {
            Some(found) => Ok(KeyRef {
                account,
                id: found.target,
            }),
            None => Err(no_such_alias(&alias, self.name())),
        }
    }

    /// Kind of key, role in the set, key state: what can change between plan
    /// and apply.
    pub(crate) fn check(&self, operation: Operation, key: &Key) -> Result<(), KmsError> {
        self.check_nature(operation, key)?;
        self.check_state(operation, key)
    }

    /// Kind of key and role in the set.
    pub(crate) fn check_nature(&self, operation: Operation, key: &Key) -> Result<(), KmsError> {
        let here = self.name();
        let arn = key.key.arn_in(here);
        check_kind(operation, key, here, arn)?;
        check_role(operation, key, arn)
    }

    /// Key state.
    pub(crate) fn check_state(&self, operation: Operation, key: &Key) -> Result<(), KmsError> {
        let here = self.name();
        let arn = key.key.arn_in(here);
        let state = key.state(here);
        key_state::admit(operation, state, arn)?;
        if state == KeyState::Updating {
            // The move of the role hides what lies under it.
            key_state::admit(operation, key.state_by_material(), arn)?;
        }
        Ok(())
    }
}

/// Does the operation exist for keys of this origin?
fn check_kind(
    operation: Operation,
    key: &Key,
    here: &RegionName,
    arn: KeyArn<'_>,
) -> Result<(), KmsError> {
    let origin = key.shared.origin;
    check_spec(operation, key, here)?;
    let only = match operation {
        Operation::GetParametersForImport
        | Operation::ImportKeyMaterial
        | Operation::DeleteImportedKeyMaterial => Origin::External,
        Operation::EnableKeyRotation | Operation::DisableKeyRotation => Origin::AwsKms,
        Operation::GetKeyRotationStatus if key.state(here) == KeyState::PendingImport => {
            // AWS refuses the status of an empty imported key, and only of that.
            Origin::AwsKms
        }
        // What a custom key store holds does not rotate, and makes no pairs.
        Operation::GenerateDataKeyPair
        | Operation::GenerateDataKeyPairWithoutPlaintext
        | Operation::GetKeyRotationStatus
        | Operation::ListKeyRotations
        | Operation::RotateKeyOnDemand
            if origin.is_custom() =>
        {
            Origin::AwsKms
        }
        _ => return Ok(()),
    };
    if origin == only {
        return Ok(());
    }
    let origin = origin.name();
    Err(KmsError::unsupported(format!(
        "{arn} origin is {origin} which is not valid for this operation."
    )))
}

/// Does the operation exist for keys of this spec?
fn check_spec(operation: Operation, key: &Key, here: &RegionName) -> Result<(), KmsError> {
    let spec = key.shared.spec;
    let exists = match operation {
        Operation::GetPublicKey => spec.is_asymmetric(),
        // What keys of other origins hear is their origin.
        Operation::EnableKeyRotation if key.shared.origin == Origin::AwsKms => {
            spec == KeySpec::SymmetricDefault
        }
        // Recorded: an empty imported key hears of its state first.
        Operation::RotateKeyOnDemand if key.state(here) != KeyState::PendingImport => {
            spec == KeySpec::SymmetricDefault
        }
        _ => true,
    };
    if exists {
        return Ok(());
    }
    Err(KmsError::bare(ErrorCode::UnsupportedOperationException))
}

/// Is the operation the primary's alone?
fn check_role(operation: Operation, key: &Key, arn: KeyArn<'_>) -> Result<(), KmsError> {
    let is_replica = key.acts_as_replica();
    match operation {
        Operation::EnableKeyRotation
        | Operation::DisableKeyRotation
        | Operation::RotateKeyOnDemand
            if is_replica =>
        {
            let operation = operation.name();
            Err(KmsError::unsupported(format!(
                "{arn} is a multi-region replica key which is not valid for {operation}."
            )))
        }
        Operation::ReplicateKey if is_replica || !key.shared.multi_region => Err(
            KmsError::unsupported(format!("{arn} is not a multi-region primary key.")),
        ),
        Operation::UpdatePrimaryRegion if !key.shared.multi_region => Err(KmsError::unsupported(
            format!("{arn} is not a multi-region primary key."),
        )),
        Operation::UpdatePrimaryRegion if is_replica => Err(KmsError::invalid_state(format!(
            "{arn} is not a multi-Region primary key."
        ))),
        _ => Ok(()),
    }
}

/// A required member: the wire has checked it, a direct caller may not have.
pub(crate) fn required<T>(member: &Option<T>) -> Result<&T, KmsError> {
    member
        .as_ref()
        .ok_or_else(|| KmsError::validation("A required parameter is missing."))
}

/// The alias is not in this region.
pub(crate) fn no_such_alias(alias: &AliasRef, region: &RegionName) -> KmsError {
    KmsError::not_found(format!("Alias {} is not found.", alias.arn(region)))
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateAliasRequest, DescribeKeyRequest, EnableKeyRequest};

    use crate::fixture::{TestRegion, refusal};

    fn us_with_alias() -> (TestRegion, String) {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.call(CreateAliasRequest {
            alias_name: Some("alias/mine".into()),
            target_key_id: Some(key.clone()),
        })
        .unwrap();
        (us, key)
    }

    fn describe(us: &mut TestRegion, key_id: &str) -> String {
        let request = DescribeKeyRequest {
            key_id: Some(key_id.into()),
            ..Default::default()
        };
        match us.call(request) {
            Ok(described) => described.key_metadata.unwrap().key_id.unwrap(),
            Err(error) => error.to_string(),
        }
    }

    fn enable(us: &mut TestRegion, key_id: &str) -> String {
        refusal(us.call(EnableKeyRequest {
            key_id: Some(key_id.into()),
        }))
    }

    #[test]
    fn a_key_is_found_by_id_arn_alias_and_alias_arn() {
        let (mut us, key) = us_with_alias();
        let arn = us.arn(&key);
        let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/mine";
        for name in [key.as_str(), &arn, "alias/mine", alias_arn] {
            assert_eq!(describe(&mut us, name), key);
        }
        for name in [key.as_str(), &arn] {
            assert_eq!(enable(&mut us, name), "success");
        }
    }

    #[test]
    fn an_alias_is_refused_where_only_a_key_will_do() {
        let (mut us, _) = us_with_alias();
        for name in [
            "alias/mine",
            "arn:aws:kms:us-east-1:111122223333:alias/mine",
        ] {
            assert_eq!(
                enable(&mut us, name),
                "InvalidArnException: Key Aliases are not supported for this operation."
            );
        }
    }

    #[test]
    fn what_is_not_found_is_named_as_aws_names_it() {
        let (mut us, key) = us_with_alias();
        let unknown = "1234abcd-12ab-34cd-56ef-1234567890ab";
        for (name, answer) in [
            (
                "fake-key-id",
                "NotFoundException: Invalid keyId 'fake-key-id'".to_owned(),
            ),
            (
                "mrk-fake-key-id",
                "NotFoundException: Invalid keyId 'mrk-fake-key-id'".into(),
            ),
            (
                unknown,
                format!(
                    "NotFoundException: Key 'arn:aws:kms:us-east-1:111122223333:key/{unknown}' \
                     does not exist"
                ),
            ),
            (
                "alias/other",
                "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/other is not \
                 found."
                    .into(),
            ),
            (
                &format!("arn:aws:kms:eu-west-1:111122223333:key/{key}"),
                "NotFoundException: Invalid arn eu-west-1".into(),
            ),
        ] {
            assert_eq!(describe(&mut us, name), answer);
        }
    }

    #[test]
    fn an_arn_that_is_none_is_refused() {
        let (mut us, key) = us_with_alias();
        for arn in [
            "arn:aws:kms".to_owned(),
            format!("arn:aws:s3:us-east-1:111122223333:key/{key}"),
            format!("arn:aws:kms:us-east-1:111122223333:{key}"),
            format!("arn:aws:kms:us-east-1:111122223333:grant/{key}"),
        ] {
            let answer = describe(&mut us, &arn);
            assert_eq!(
                answer,
                format!("InvalidArnException: ARN is not valid: {arn}")
            );
        }
    }

    #[test]
    fn nothing_is_said_about_another_account() {
        let (mut us, key) = us_with_alias();
        let denied = format!(
            "AccessDeniedException: User: {} is not authorized to perform: kms:DescribeKey on \
             this resource because no identity-based policy allows the kms:DescribeKey action",
            us.caller.principal
        );
        for resource in [&format!("key/{key}"), "alias/mine", "alias/none"] {
            let arn = format!("arn:aws:kms:us-east-1:999999999999:{resource}");
            assert_eq!(describe(&mut us, &arn), denied);
        }
        us.caller.account = "999999999999".parse().unwrap();
        assert!(
            describe(&mut us, &key).starts_with("NotFoundException"),
            "a bare ID is one's own"
        );
    }

    #[test]
    fn a_grant_token_is_unknown_before_the_state_is_looked_at() {
        let (mut us, key) = us_with_alias();
        us.disable(&key).unwrap();
        let request = meridian_proto::v1::EncryptRequest {
            key_id: Some(key),
            plaintext: Some("x".into()),
            grant_tokens: vec!["token".into()],
            ..Default::default()
        };
        assert_eq!(refusal(us.call(request)), "InvalidGrantTokenException");
    }

    #[test]
    fn a_missing_key_id_is_refused() {
        let (mut us, _) = us_with_alias();
        let answer = refusal(us.call(EnableKeyRequest::default()));
        assert_eq!(
            answer,
            "ValidationException: A required parameter is missing."
        );
    }
}
