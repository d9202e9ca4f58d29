//! A fact that another region has pushed: what is read is written as the same
//! fact.

use meridian_kms::replication::fact::Fact;

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let fact = Fact::decode(bytes).ok()?;
    let written = fact.encode();
    let again = Fact::decode(&written).expect("what was written can be read");
    assert!(again == fact);
    Some(())
}
