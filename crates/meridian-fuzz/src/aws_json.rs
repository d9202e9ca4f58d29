//! The body of an AWS JSON request: a line that names the operation, then what
//! a client sends. What this wire has read, the other one carries unchanged,
//! and both find the same violations.

use meridian_kms::{Operation, Request};

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let (operation, body) = operation_and_body(bytes)?;
    let json = serde_json::from_slice(body).ok()?;
    let request = Request::decode_json(operation, &json).ok()?;
    let violations = request.violations();
    let proto = request.encode_proto();
    let again = Request::decode_proto(operation, proto.clone().into())
        .expect("what one wire has read, the other one can carry");
    assert_eq!(again.encode_proto(), proto);
    assert_eq!(again.violations(), violations, "both wires have one rule");
    Some(())
}

/// The operation that the first line names, and the rest.
pub(crate) fn operation_and_body(bytes: &[u8]) -> Option<(Operation, &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let name = std::str::from_utf8(&bytes[..at]).ok()?;
    Some((Operation::from_name(name)?, &bytes[at + 1..]))
}
