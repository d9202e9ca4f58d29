//! The checks of one member each, which the generated code calls in the order
//! of the members.

use bytes::Bytes;

use super::{
    AwsJson, Path, Shape,
    constraint::{Shown, violation},
};

pub(crate) fn text(
    value: &Option<String>,
    required: bool,
    shape: &Shape,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    match value {
        Some(value) => shape.broken_by_text(value, |broken| {
            out.push(violation(shape.shown(value), at, broken));
        }),
        None => missing(required, shape, at, out),
    }
}

pub(crate) fn blob(
    value: &Option<Bytes>,
    required: bool,
    shape: &Shape,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    match value {
        Some(value) => shape.broken_by_length(value.len(), |broken| {
            out.push(violation(Shown::Nothing, at, broken));
        }),
        None => missing(required, shape, at, out),
    }
}

pub(crate) fn number(
    value: &Option<i32>,
    required: bool,
    shape: &Shape,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    let Some(number) = value else {
        return missing(required, shape, at, out);
    };
    // A number that did not fit was replaced by the nearest that does; AWS
    // shows no value then.
    let shown = match *number {
        i32::MIN | i32::MAX => Shown::Nothing,
        _ => shape.shown(number),
    };
    shape.broken_by_number(*number, |broken| out.push(violation(shown, at, broken)));
}

/// A list without items counts as missing, because the messages cannot
/// tell the two apart.
// fidelity: assumed; AWS refuses `[]` with the text for its length.
pub(crate) fn texts(
    items: &[String],
    required: bool,
    shape: &Shape,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    if items.is_empty() {
        return missing(required, shape, at, out);
    }
    let list = || format!("[{}]", items.join(", "));
    shape.broken_by_length(items.len(), |broken| {
        out.push(violation(shape.shown(&list()), at, broken));
    });
    let Some(item_shape) = shape.item else { return };
    if items.iter().any(|item| item_shape.is_broken_by(item)) {
        let limits = item_shape.limits().join(", ");
        let broken = format_args!("Member must satisfy constraint: [{limits}]");
        out.push(violation(item_shape.shown(&list()), at, broken));
    }
}

pub(crate) fn message<T: AwsJson>(
    value: &Option<T>,
    required: bool,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    match value {
        Some(value) => value.violations_at(at, out),
        None if required => out.push(violation(Shown::Null, at, "Member must not be null")),
        None => {}
    }
}

pub(crate) fn messages<T: AwsJson>(
    items: &[T],
    required: bool,
    at: &Path<'_>,
    out: &mut Vec<String>,
) {
    if items.is_empty() && required {
        out.push(violation(Shown::Null, at, "Member must not be null"));
    }
    for (index, item) in items.iter().enumerate() {
        item.violations_at(&at.item(index), out);
    }
}

fn missing(required: bool, shape: &Shape, at: &Path<'_>, out: &mut Vec<String>) {
    if required {
        let shown = match shape.sensitive {
            true => Shown::Nothing,
            false => Shown::Null,
        };
        out.push(violation(shown, at, "Member must not be null"));
    }
}
