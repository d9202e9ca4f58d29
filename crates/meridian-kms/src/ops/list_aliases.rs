//! ListAliases: the account's aliases in this region, or those of one key,
//! sorted by name.

use meridian_proto::v1::{AliasListEntry, ListAliasesRequest, ListAliasesResponse};

use crate::admission::Naming;
use crate::alias::Alias;
use crate::arn::{AliasName, AliasRef};
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::page;
use crate::region::Region;

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListAliasesRequest,
) -> Result<ListAliasesResponse, KmsError> {
    let account = cx.caller.account;
    let limit = page::limit(request.limit, 50, 100)?;
    let after: Option<AliasName> = page::position(&request.marker)?;
    let is_next = |name: &AliasName| after.as_ref().is_none_or(|after| name > after);
    let page = match &request.key_id {
        Some(key_id) => {
            let key = region.find(cx.caller, Operation::ListAliases, key_id, Naming::KeyOnly)?;
            let names = key.aliases.iter().filter(|name| is_next(name)).cloned();
            page::take(names, limit, AliasName::to_string)
        }
        None => {
            let lowest = "alias/ "
                .parse()
                .expect("a prefix and a character are an alias name");
            let first = AliasRef {
                account,
                name: after.clone().unwrap_or(lowest),
            };
            let rest = region.aliases().range(first..).map(|(alias, _)| alias);
            let own = rest.take_while(|alias| alias.account == account);
            let names = own.map(|alias| alias.name.clone()).filter(is_next);
            page::take(names, limit, AliasName::to_string)
        }
    };
    let entries = page.items.into_iter().filter_map(|name| {
        let alias = AliasRef { account, name };
        region
            .aliases()
            .get(&alias)
            .map(|found| entry(&alias, found, region))
    });
    Ok(ListAliasesResponse {
        aliases: entries.collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

fn entry(alias: &AliasRef, found: &Alias, region: &Region) -> AliasListEntry {
    AliasListEntry {
        alias_name: Some(alias.name.to_string()),
        alias_arn: Some(alias.arn(region.name())),
        target_key_id: Some(found.target.to_string()),
        creation_date: Some(found.created.to_proto()),
        last_updated_date: Some(found.updated.to_proto()),
    }
}
