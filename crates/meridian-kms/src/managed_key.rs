//! AWS managed keys: a key of each account for an AWS service, made when its
//! alias is first used. AWS rotates it every year, and only AWS manages it.

use meridian_crypto::{Entropy, MaterialId, Sealed, Vault};
use serde::{Deserialize, Serialize};

use crate::alias::Alias;
use crate::arn::{AccountId, AliasName, AliasRef, KeyId, KeyRef, RegionName};
use crate::authorization::denied;
use crate::automatic_rotation::{associate, generate};
use crate::caller::Caller;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::key_set::{AutomaticRotation, Origin, SharedProperties};
use crate::key_usage::KeyUsage;
use crate::ops::{Operation, Request};
use crate::region::Region;
use crate::time::Timestamp;

/// Days between two rotations (AWS KMS Developer Guide, "Rotate AWS KMS keys").
const PERIOD_DAYS: i32 = 365;

/// Aliases that only AWS may give.
pub(crate) const PREFIX: &str = "alias/aws/";

/// The services that have a managed key, by the last part of its alias.
const SERVICES: &[&str] = &[
    "acm",
    "backup",
    "codecommit",
    "connect",
    "dms",
    "dynamodb",
    "ebs",
    "elasticfilesystem",
    "es",
    "fsx",
    "glue",
    "kafka",
    "kinesis",
    "kinesisvideo",
    "lambda",
    "lightsail",
    "rds",
    "redshift",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "workspaces",
    "xray",
];

/// The key to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    service: String,
    material: MaterialId,
    sealed: Sealed,
}

impl Region {
    /// The managed key that a request names by its alias and that has to be
    /// made first.
    pub(crate) fn missing_managed_key(
        &self,
        cx: &mut Context<'_>,
        request: &Request,
    ) -> Option<Change> {
        if !makes(request.operation()) {
            return None;
        }
        let members = ["KeyId", "SourceKeyId", "DestinationKeyId"].into_iter();
        let named = members.filter_map(|member| request.text_member(member));
        let account = cx.caller.account;
        let service = named
            .filter_map(|name| own_alias(name, account, self.name()))
            .filter_map(|alias| alias.strip_prefix(PREFIX))
            .find(|service| {
                SERVICES.contains(service) && self.managed_key(account, service).is_none()
            })?;
        Some(plan(
            account,
            service,
            cx.now,
            self.name(),
            cx.vault,
            cx.entropy,
        ))
    }

    fn managed_key(&self, account: AccountId, service: &str) -> Option<&Alias> {
        self.aliases().get(&alias_of(account, service))
    }
}

/// The name in `alias/…` or in the ARN of an alias of this account here.
fn own_alias<'a>(named: &'a str, account: AccountId, here: &RegionName) -> Option<&'a str> {
    if !named.starts_with("arn:") {
        return Some(named);
    }
    let arn = crate::arn::KmsArn::parse(named).ok()?;
    (arn.account == account && arn.region == here.as_str()).then_some(arn.resource)
}

/// The uses that make a managed key.
fn makes(operation: Operation) -> bool {
    operation == Operation::DescribeKey || operation.key_usage() == Some(KeyUsage::EncryptDecrypt)
}

fn alias_of(account: AccountId, service: &str) -> AliasRef {
    let name: AliasName = format!("{PREFIX}{service}")
        .parse()
        .expect("the prefix of aliases and a service's name");
    AliasRef { account, name }
}

fn plan(
    account: AccountId,
    service: &str,
    now: Timestamp,
    here: &RegionName,
    vault: &Vault,
    entropy: &mut dyn Entropy,
) -> Change {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    let key = KeyRef {
        account,
        id: KeyId::from_random(random, false),
    };
    let shared = SharedProperties::new(here.clone(), Origin::AwsKms, false);
    let (material, sealed) = generate(&Key::new(key, now, shared), vault, entropy);
    Change {
        key,
        service: service.to_owned(),
        material,
        sealed,
    }
}

/// Makes the key, unless another request has made it meanwhile.
pub(crate) fn apply(region: &mut Region, change: &Change) {
    let (account, service) = (change.key.account, &change.service);
    if region.managed_key(account, service).is_some() {
        return;
    }
    let (here, now) = (region.name().clone(), region.now());
    let mut shared = SharedProperties::new(here.clone(), Origin::AwsKms, false);
    shared.automatic = Some(AutomaticRotation {
        period_days: PERIOD_DAYS,
        next: now.plus_days(PERIOD_DAYS.into()),
    });
    let mut key = Key::new(change.key, now, shared);
    key.description =
        format!("Default key that protects my {service} data when no other key is defined");
    key.policy = Some(policy_text(account, service, &here)).into();
    key.managed_for = Some(service.clone());
    associate(&mut key, change.material, change.sealed.clone());
    let alias = alias_of(account, service);
    key.aliases.insert(alias.name.clone());
    let target = Alias {
        target: change.key.id,
        created: now,
        updated: now,
    };
    region.aliases_mut().insert(alias, target);
    region.put(key);
}

/// What everybody in the account may do through the service of a managed key.
const USES: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:CreateGrant",
    "kms:DescribeKey",
];

/// What the account may do with the key itself.
const LOOKS: &[&str] = &["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"];

/// Everybody in the account may use the key through its service and look at
/// it; nobody may manage it.
fn policy_text(account: AccountId, service: &str, here: &RegionName) -> String {
    let partition = here.partition();
    let listed = |actions: &[&str]| format!("\"{}\"", actions.join("\", \""));
    let (uses, looks) = (listed(USES), listed(LOOKS));
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{service}",
  "Statement" : [ {{
    "Sid" : "Allow use through {service} for all principals of the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ {uses} ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{service}.{here}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : [ {looks} ],
    "Resource" : "*"
  }} ]
}}"#
    )
}

impl Key {
    /// An AWS managed key is there to be used and looked at, as its policy says,
    /// and not to be managed.
    // fidelity: assumed, that a caller who is let in without policies may use
    // the key itself, where AWS lets only its service.
    pub(crate) fn check_manager(
        &self,
        caller: &Caller,
        action: &str,
        here: &RegionName,
    ) -> Result<(), KmsError> {
        let allows = |allowed: &&str| match allowed.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => action == *allowed,
        };
        if self.managed_for.is_none() || USES.iter().chain(LOOKS).any(allows) {
            return Ok(());
        }
        let (principal, arn) = (&caller.principal, self.key.arn_in(here));
        Err(denied(format!(
            "User: {principal} is not authorized to perform: {action} on resource: {arn} because \
             no resource-based policy allows the {action} action"
        )))
    }
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::*;

    use crate::fixture::{TestRegion, refusal};

    const ALIAS: &str = "alias/aws/s3";

    #[test]
    fn the_first_use_makes_the_key_and_the_second_finds_it() {
        let mut us = TestRegion::new("us-east-1");
        let blob = us.encrypt(ALIAS, "hello").unwrap();
        assert_eq!(us.decrypt(&blob).unwrap(), "hello");
        let described = us.describe(ALIAS);
        assert_eq!(described.key_manager.as_deref(), Some("AWS"));
        assert_eq!(us.describe(ALIAS).key_id, described.key_id);
        let arn = format!("arn:aws:kms:us-east-1:111122223333:{ALIAS}");
        assert_eq!(us.describe(&arn).key_id, described.key_id);
        let listed = us.call(ListAliasesRequest::default()).unwrap().aliases;
        assert_eq!(listed[0].alias_name(), ALIAS);
        assert_eq!(listed[0].target_key_id, described.key_id);
    }

    #[test]
    fn each_account_has_its_own() {
        let mut us = TestRegion::new("us-east-1");
        let one = us.describe(ALIAS).key_id;
        us.caller.account = "999999999999".parse().unwrap();
        assert_ne!(us.describe(ALIAS).key_id, one);
        let foreign = format!("arn:aws:kms:us-east-1:111122223333:{ALIAS}");
        assert!(refusal(us.encrypt(&foreign, "x")).starts_with("AccessDeniedException"));
    }

    #[test]
    fn what_is_no_service_and_what_is_no_use_makes_nothing() {
        let mut us = TestRegion::new("us-east-1");
        assert!(refusal(us.encrypt("alias/aws/nothing", "x")).starts_with("NotFoundException"));
        assert!(refusal(us.disable(ALIAS)).starts_with("InvalidArnException"));
        assert!(us.region.keys().is_empty());
    }

    #[test]
    fn it_is_rotated_every_year() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.describe(ALIAS).key_id.unwrap();
        let status = us.rotation_status(&key).unwrap();
        assert_eq!(status.key_rotation_enabled, Some(true));
        assert_eq!(status.rotation_period_in_days, Some(365));
        let blob = us.encrypt(ALIAS, "before").unwrap();
        us.pass_days(366);
        assert_ne!(us.describe(ALIAS).current_key_material_id, None);
        assert_eq!(us.materials(&key).len(), 2);
        assert_eq!(us.decrypt(&blob).unwrap(), "before");
    }

    #[test]
    fn its_policy_says_what_may_be_done_with_it() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.describe(ALIAS).key_id.unwrap();
        let parameters = GetParametersForImportRequest {
            key_id: Some(key.clone()),
            wrapping_algorithm: Some("RSAES_OAEP_SHA_256".into()),
            wrapping_key_spec: Some("RSA_2048".into()),
        };
        let answer = refusal(us.call(parameters));
        assert!(
            answer.starts_with("UnsupportedOperationException"),
            "{answer}"
        );
        let grant = us
            .call(CreateGrantRequest {
                key_id: Some(key.clone()),
                grantee_principal: Some("arn:aws:iam::111122223333:user/bob".into()),
                operations: vec!["Decrypt".into()],
                ..Default::default()
            })
            .unwrap();
        let retired = RetireGrantRequest {
            key_id: Some(us.arn(&key)),
            grant_id: grant.grant_id.clone(),
            ..Default::default()
        };
        let answer = refusal(us.call(retired));
        assert!(answer.starts_with("AccessDeniedException"), "{answer}");
        let revoked = RevokeGrantRequest {
            key_id: Some(key),
            grant_id: grant.grant_id,
            ..Default::default()
        };
        assert_eq!(refusal(us.call(revoked)), "success");
    }

    #[test]
    fn only_aws_manages_it() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.describe(ALIAS).key_id.unwrap();
        let arn = us.arn(&key);
        assert_eq!(
            refusal(us.schedule_deletion(&key)),
            format!(
                "AccessDeniedException: User: arn:aws:iam::111122223333:user/alice is not \
                 authorized to perform: kms:ScheduleKeyDeletion on resource: {arn} because no \
                 resource-based policy allows the kms:ScheduleKeyDeletion action"
            )
        );
        for answer in [
            refusal(us.disable(&key)),
            refusal(us.rotate(&key)),
            refusal(us.enable_rotation(&key, None)),
            refusal(us.call(TagResourceRequest {
                key_id: Some(key.clone()),
                tags: Vec::new(),
            })),
            refusal(us.call(CreateAliasRequest {
                alias_name: Some("alias/mine".into()),
                target_key_id: Some(key.clone()),
            })),
        ] {
            assert!(answer.starts_with("AccessDeniedException"), "{answer}");
        }
        let policy = GetKeyPolicyRequest {
            key_id: Some(key),
            ..Default::default()
        };
        let policy = us.call(policy).unwrap().policy.unwrap();
        assert!(policy.contains("s3.us-east-1.amazonaws.com"));
        assert!(meridian_iam::PolicyDocument::parse(&policy).is_ok());
    }
}
