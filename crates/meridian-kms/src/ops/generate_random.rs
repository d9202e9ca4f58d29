//! GenerateRandom: random bytes; no key is involved.

use meridian_proto::v1::{GenerateRandomRequest, GenerateRandomResponse};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::Backing;
use crate::recipient;
use crate::region::Region;

/// Draws here and now.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateRandomRequest,
) -> Result<GenerateRandomResponse, KmsError> {
    let required = || KmsError::validation("NumberOfBytes is required.");
    let length = request.number_of_bytes.ok_or_else(required)?;
    let length = usize::try_from(length).map_err(|_| required())?;
    if let Some(id) = &request.custom_key_store_id {
        let store = region.key_store(cx.caller.account, id)?;
        if let Backing::Proxy(_) = store.backing {
            return Err(KmsError::unsupported(
                "Random bytes cannot be generated in an external key store.",
            ));
        }
        store.connection.must_be_connected()?;
    }
    let recipient = recipient::check(cx, &request.recipient)?;
    let mut random = Zeroizing::new(vec![0; length]);
    cx.entropy.fill(&mut random);
    let answer = recipient.answer(&random, cx.entropy)?;
    Ok(GenerateRandomResponse {
        plaintext: answer.plaintext,
        ciphertext_for_recipient: answer.ciphertext_for_recipient,
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::GenerateRandomRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn random_bytes_come_in_the_length_that_has_to_be_given() {
        let mut us = TestRegion::new("us-east-1");
        let of = |number_of_bytes| GenerateRandomRequest {
            number_of_bytes,
            ..Default::default()
        };
        let (one, other) = (
            us.call(of(Some(24))).unwrap(),
            us.call(of(Some(24))).unwrap(),
        );
        assert_eq!(one.plaintext.as_ref().unwrap().len(), 24);
        assert_ne!(one.plaintext, other.plaintext);
        assert_eq!(
            refusal(us.call(of(None))),
            "ValidationException: NumberOfBytes is required."
        );
    }

    #[test]
    fn a_connected_cluster_draws_random_bytes_too() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        let from = |id: &str| GenerateRandomRequest {
            number_of_bytes: Some(8),
            custom_key_store_id: Some(id.into()),
            ..Default::default()
        };
        let answer = refusal(us.call(from(&store)));
        assert!(answer.starts_with("CustomKeyStoreInvalidStateException"));
        us.connect(&store).unwrap();
        us.pass(1000);
        assert_eq!(us.call(from(&store)).unwrap().plaintext.unwrap().len(), 8);
        let answer = refusal(us.call(from("cks-1")));
        assert!(answer.starts_with("CustomKeyStoreNotFoundException"));
    }
}
