//! The body of an AWS JSON request: a line that names the operation, then what
//! a client sends.

use meridian_kms::{Operation, Request};

pub(crate) fn run(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let name = parts.next().and_then(|name| std::str::from_utf8(name).ok());
    let Some(operation) = name.and_then(Operation::from_name) else {
        return;
    };
    let body = parts.next().unwrap_or_default();
    let Ok(json) = serde_json::from_slice(body) else {
        return;
    };
    let Ok(request) = Request::decode_json(operation, &json) else {
        return;
    };
    let violations = request.violations();
    let proto = request.encode_proto();
    let again = Request::decode_proto(operation, proto.clone().into())
        .expect("what one wire has read, the other one can carry");
    assert_eq!(again.encode_proto(), proto);
    assert_eq!(again.violations(), violations, "both wires have one rule");
}
