//! A fact that another region has pushed.

use meridian_kms::replication::fact::Fact;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(fact) = Fact::decode(bytes) {
        let written = fact.encode();
        let again = Fact::decode(&written).expect("what was written can be read");
        assert!(again == fact);
    }
}
