//! GenerateRandom: random bytes; no key is involved.

use meridian_proto::v1::{GenerateRandomRequest, GenerateRandomResponse};

use crate::context::Context;
use crate::cryptography;
use crate::error::KmsError;
use crate::region::Region;

/// Draws here and now.
pub fn plan(
    _region: &Region,
    cx: &mut Context<'_>,
    request: &GenerateRandomRequest,
) -> Result<GenerateRandomResponse, KmsError> {
    let required = || KmsError::validation("NumberOfBytes is required.");
    let length = request.number_of_bytes.ok_or_else(required)?;
    let length = usize::try_from(length).map_err(|_| required())?;
    if request.custom_key_store_id.is_some() {
        // fidelity: assumed, custom key stores do not exist yet.
        return Err(KmsError::unsupported(
            "Custom key stores are not supported.",
        ));
    }
    cryptography::refuse_recipient(&request.recipient)?;
    let mut random = vec![0; length];
    cx.entropy.fill(&mut random);
    Ok(GenerateRandomResponse {
        plaintext: Some(random.into()),
        ciphertext_for_recipient: None,
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
        let store = GenerateRandomRequest {
            custom_key_store_id: Some("cks-1".into()),
            ..of(Some(1))
        };
        assert!(refusal(us.call(store)).starts_with("UnsupportedOperationException"));
    }
}
