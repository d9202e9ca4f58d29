//! A second reading of how AWS evaluates, as plain as it gets: no types, no
//! preparation, the policy's JSON walked anew for each question.

use serde_json::Value;

use crate::drawn::{OWNER, Question};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    NoByDeny,
    No,
}

pub fn decide(question: &Question) -> Answer {
    let key: Vec<Applied> = applied(question.key_policy.as_slice(), question);
    let identity: Vec<Applied> = applied(&question.identity_policies, question);
    if key.iter().chain(&identity).any(|it| !it.allow) {
        return Answer::NoByDeny;
    }
    let is_service = question.principal.ends_with("amazonaws.com");
    let same_account = is_service || account_of(question) == OWNER;
    let is_root = question.principal.ends_with(":root");
    let identity_side = is_root || !identity.is_empty();
    let allowed = match &question.key_policy {
        None => identity_side && same_account,
        Some(_) if same_account => {
            key.iter().any(|it| it.named) || !key.is_empty() && identity_side
        }
        Some(_) => !key.is_empty() && identity_side,
    };
    let granted = match question.granted.as_deref() {
        Some("by account") => identity_side,
        Some(_) => true,
        None => false,
    };
    if allowed || granted {
        Answer::Yes
    } else {
        Answer::No
    }
}

fn account_of(question: &Question) -> &str {
    question.principal.split(':').nth(4).unwrap_or("")
}

/// A statement that is about the question.
struct Applied {
    allow: bool,
    /// By more than its account.
    named: bool,
}

fn applied(policies: &[Value], question: &Question) -> Vec<Applied> {
    let mut all = Vec::new();
    for policy in policies {
        let variables = policy["Version"] == "2012-10-17";
        for statement in policy["Statement"].as_array().expect("a list") {
            let Some(named) = is_about(statement, question, variables) else {
                continue;
            };
            let allow = statement["Effect"] == "Allow";
            all.push(Applied { allow, named });
        }
    }
    all
}

fn is_about(statement: &Value, question: &Question, variables: bool) -> Option<bool> {
    let action = |pattern: &str| {
        let symbols = symbols(&pattern.to_lowercase(), question, false, true);
        symbols.is_some_and(|it| glob(&it, &question.action.to_lowercase()))
    };
    let resource = |pattern: &str| arn_fits(pattern, &question.resource, question, variables);
    let fits = element(statement, "Action", action)
        && element(statement, "Resource", resource)
        && conditions_hold(&statement["Condition"], question, variables);
    let named = match (&statement["Principal"], &statement["NotPrincipal"]) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, except) => {
            let listed = |name: &String| lists(except, name);
            (!lists_everyone(except) && !names(question).iter().all(listed)).then_some(true)
        }
        (who, _) if lists_everyone(who) => Some(true),
        (who, _) => {
            let found = names(question).into_iter().filter(|name| lists(who, name));
            let found: Vec<String> = found.collect();
            let is_root = question.principal.ends_with(":root");
            (!found.is_empty()).then(|| is_root || found.iter().any(|it| it.len() != 12))
        }
    };
    named.filter(|_| fits)
}

/// An account is named by its number here.
fn names(question: &Question) -> Vec<String> {
    let mut names = vec![account_of(question).to_owned()];
    if question.principal.ends_with("amazonaws.com") {
        names = vec![question.principal.clone()];
    } else if !question.principal.ends_with(":root") {
        names.push(question.principal.clone());
    }
    names.extend(question.role_arn.clone());
    names
}

fn listed(principal: &Value) -> Vec<&str> {
    match principal {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().flat_map(listed).collect(),
        Value::Object(kinds) => kinds.values().flat_map(listed).collect(),
        _ => vec![],
    }
}

fn lists_everyone(principal: &Value) -> bool {
    listed(principal).contains(&"*")
}

fn lists(principal: &Value, name: &str) -> bool {
    listed(principal)
        .iter()
        .any(|it| match it.strip_suffix(":root") {
            Some(arn) => arn.ends_with(name) && name.len() == 12,
            None => *it == name,
        })
}

fn element(statement: &Value, name: &str, fits: impl Fn(&str) -> bool) -> bool {
    match &statement[name] {
        Value::Null => !listed(&statement[format!("Not{name}")])
            .into_iter()
            .any(fits),
        value => listed(value).into_iter().any(fits),
    }
}

/// The values that a request has for a key.
fn values(question: &Question, key: &str) -> Vec<String> {
    let key = key.to_lowercase();
    let given = question
        .conditions
        .iter()
        .find(|(name, _)| name.to_lowercase() == key);
    if let Some((_, values)) = given {
        return values.clone();
    }
    let user = question.principal.split(":user/").nth(1);
    match key.as_str() {
        "aws:username" => user.into_iter().map(str::to_owned).collect(),
        "aws:principalaccount" if question.principal.starts_with("arn:") => {
            vec![account_of(question).to_owned()]
        }
        _ => vec![],
    }
}

fn conditions_hold(condition: &Value, question: &Question, variables: bool) -> bool {
    let Value::Object(operators) = condition else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        let keys = keys.as_object().expect("an object");
        keys.iter().all(|(key, wanted)| {
            operator_holds(
                operator,
                &values(question, key),
                &listed(wanted),
                question,
                variables,
            )
        })
    })
}

fn operator_holds(
    operator: &str,
    found: &[String],
    wanted: &[&str],
    question: &Question,
    variables: bool,
) -> bool {
    if operator == "Null" {
        return wanted.contains(&if found.is_empty() { "true" } else { "false" });
    }
    if operator.ends_with("IfExists") && found.is_empty() {
        return true;
    }
    let base = operator.trim_end_matches("IfExists");
    let (quantifier, base) = base.split_once(':').unwrap_or(("", base));
    let negated = base.contains("Not");
    let base = base.replace("Not", "");
    let one = |value: &String| {
        let fits = wanted
            .iter()
            .any(|it| compare(&base, value, it, question, variables));
        fits != negated
    };
    match quantifier {
        "ForAllValues" => found.iter().all(one),
        "ForAnyValue" => found.iter().any(one),
        _ if negated => found.iter().all(one),
        _ => found.iter().any(one),
    }
}

fn compare(base: &str, value: &str, wanted: &str, question: &Question, variables: bool) -> bool {
    let text = |wanted: &str, value: &str, wildcards| {
        symbols(wanted, question, variables, wildcards).is_some_and(|it| glob(&it, value))
    };
    match base {
        "StringEquals" => text(wanted, value, false),
        // A value of the request in a wanted text would have to be folded too;
        // the drawn ones are in lower case.
        "StringEqualsIgnoreCase" => text(&wanted.to_lowercase(), &value.to_lowercase(), false),
        "StringLike" => text(wanted, value, true),
        "ArnEquals" | "ArnLike" => arn_fits(wanted, value, question, variables),
        "Bool" => value.eq_ignore_ascii_case(wanted),
        "IpAddress" => in_network(value, wanted),
        _ => match base.strip_prefix("Numeric") {
            Some(order) => {
                let read = |text: &str| text.parse::<f64>().ok();
                ordered(order, read(value), read(wanted))
            }
            None => ordered(&base["Date".len()..], moment(value), moment(wanted)),
        },
    }
}

fn ordered(order: &str, value: Option<f64>, wanted: Option<f64>) -> bool {
    let (Some(value), Some(wanted)) = (value, wanted) else {
        return false;
    };
    match order {
        "Equals" => value == wanted,
        "LessThan" => value < wanted,
        "LessThanEquals" => value <= wanted,
        "GreaterThan" => value > wanted,
        "GreaterThanEquals" => value >= wanted,
        _ => unreachable!("drawn orders only"),
    }
}

/// The few drawn dates.
fn moment(text: &str) -> Option<f64> {
    match text {
        "2026-01-01" | "2026-01-01T00:00:00Z" => Some(1_767_225_600.0),
        "2026-01-01T01:00:01+01:00" | "1767225601" => Some(1_767_225_601.0),
        _ => None,
    }
}

/// The few drawn networks.
fn in_network(address: &str, network: &str) -> bool {
    match network {
        "203.0.113.0/24" => address.starts_with("203.0.113."),
        "0.0.0.0/0" => address.contains('.'),
        "2001:db8::/32" => address.starts_with("2001:db8:"),
        _ => address == network,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// A character, and whether the policy itself has it.
    Char(char, bool),
    One,
    Many,
}

/// A pattern with its variables filled in.
fn symbols(
    pattern: &str,
    question: &Question,
    variables: bool,
    wildcards: bool,
) -> Option<Vec<Symbol>> {
    let mut all = Vec::new();
    let mut rest = pattern.to_owned();
    while let Some(first) = rest.chars().next() {
        if variables && rest.starts_with("${") {
            let end = rest.find('}').expect("drawn variables end");
            let inside = rest[2..end].to_owned();
            rest = rest[end + 1..].to_owned();
            let (name, default) = match inside.split_once(", ") {
                Some((name, default)) => (name.to_owned(), Some(default.replace('\'', ""))),
                None => (inside, None),
            };
            let value = match name.as_str() {
                "*" => "*".to_owned(),
                _ => match values(question, &name).as_slice() {
                    [one] => one.clone(),
                    _ => default?,
                },
            };
            all.extend(value.chars().map(|it| Symbol::Char(it, false)));
            continue;
        }
        rest = rest[first.len_utf8()..].to_owned();
        all.push(match first {
            '*' if wildcards => Symbol::Many,
            '?' if wildcards => Symbol::One,
            _ => Symbol::Char(first, true),
        });
    }
    Some(all)
}

fn glob(pattern: &[Symbol], text: &str) -> bool {
    let mut chars = text.chars();
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Symbol::Many, rest)) => {
            glob(rest, text) || chars.next().is_some() && glob(pattern, chars.as_str())
        }
        Some((Symbol::One, rest)) => chars.next().is_some() && glob(rest, chars.as_str()),
        Some((Symbol::Char(wanted, _), rest)) => {
            chars.next() == Some(*wanted) && glob(rest, chars.as_str())
        }
    }
}

fn arn_fits(pattern: &str, arn: &str, question: &Question, variables: bool) -> bool {
    let Some(symbols) = symbols(pattern, question, variables, true) else {
        return false;
    };
    if symbols == [Symbol::Many] {
        return true;
    }
    let colon = |it: &Symbol| *it == Symbol::Char(':', true);
    let mut patterns: Vec<Vec<Symbol>> = symbols.splitn(6, colon).map(<[_]>::to_vec).collect();
    patterns.resize(6, vec![Symbol::Many]);
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    parts.len() == 6
        && patterns
            .iter()
            .zip(parts)
            .all(|(pattern, part)| glob(pattern, part))
}
