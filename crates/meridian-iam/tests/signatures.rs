//! AWS's published examples of signatures, and everything that a signature must
//! not survive.

use meridian_iam::signature::{Signature, SignatureError, SignedRequest};
use proptest::prelude::*;

type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// The secret, the day and the time of all published examples.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const AT_MS: i64 = 1_440_938_160_000;
const DATE: (&str, &[u8]) = ("X-Amz-Date", b"20150830T123600Z");
const HOST: (&str, &[u8]) = ("Host", b"example.amazonaws.com");

fn claim<'a>(signed_headers: &'a str, signature: &'a str) -> Signature<'a> {
    Signature {
        date: "20150830",
        region: "us-east-1",
        service: "service",
        signed_headers,
        signature,
    }
}

fn get<'a>(path: &'a str, query: &'a str, headers: Headers<'a>) -> SignedRequest<'a> {
    SignedRequest {
        method: "GET",
        path,
        query,
        headers,
        body: b"",
    }
}

/// The suite `v4` of the SigV4 test suite: what is signed, and with what result.
#[test]
fn the_published_examples_verify() {
    let plain = [HOST, DATE];
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let unreserved = format!("{unreserved}={unreserved}");
    let gets = [
        (
            "/",
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "/",
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "/",
            &unreserved,
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "/",
            "\u{1234}=bar",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            "/\u{1234}",
            "",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            "/example space/",
            "",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        (
            "//example//",
            "",
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        ),
    ];
    for (path, query, signature) in gets {
        let verdict =
            claim("host;x-amz-date", signature).verify(&get(path, query, &plain), SECRET, AT_MS);
        assert_eq!(verdict, Ok(()), "{path} {query}");
    }
}

#[test]
fn the_published_examples_with_headers_verify() {
    let mine = "host;my-header1;x-amz-date";
    let cases: [(&str, Headers<'_>, &str); 4] = [
        (
            mine,
            &[
                HOST,
                ("My-Header1", b"value2"),
                ("My-Header1", b"value2"),
                ("My-Header1", b"value1"),
                DATE,
            ],
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            mine,
            &[
                HOST,
                ("My-Header1", b"value4"),
                ("My-Header1", b"value1"),
                ("My-Header1", b"value3"),
                ("My-Header1", b"value2"),
                DATE,
            ],
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "host;my-header1;my-header2;x-amz-date",
            &[
                HOST,
                ("My-Header1", b" value1"),
                ("My-Header2", b" \"a   b   c\""),
                DATE,
            ],
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "host;x-amz-date;x-amz-security-token",
            &[
                HOST,
                DATE,
                (
                    "X-Amz-Security-Token",
                    b"6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
                ),
            ],
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ),
    ];
    for (signed, headers, signature) in cases {
        let request = get("/", "", headers);
        assert_eq!(
            claim(signed, signature).verify(&request, SECRET, AT_MS),
            Ok(())
        );
    }
}

#[test]
fn the_published_examples_with_a_body_verify() {
    let post = SignedRequest {
        method: "POST",
        ..get("/", "", &[HOST, DATE])
    };
    let signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    assert_eq!(
        claim("host;x-amz-date", signature).verify(&post, SECRET, AT_MS),
        Ok(())
    );
    let hash = b"9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let headers: [(&str, &[u8]); 5] = [
        ("Content-Type", b"application/x-www-form-urlencoded"),
        HOST,
        ("Content-Length", b"13"),
        ("x-amz-content-sha256", hash),
        DATE,
    ];
    let form = SignedRequest {
        headers: &headers,
        body: b"Param1=value1",
        ..post
    };
    let signed = "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
    let signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
    assert_eq!(
        claim(signed, signature).verify(&form, SECRET, AT_MS),
        Ok(())
    );
}

const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

fn refused(signature: &Signature<'_>, headers: &[(&str, &[u8])], now_ms: i64) -> SignatureError {
    let request = get("/", "", headers);
    signature
        .verify(&request, SECRET, now_ms)
        .expect_err("it is refused")
}

#[test]
fn a_request_is_taken_within_five_minutes_of_its_time() {
    let vanilla = claim("host;x-amz-date", VANILLA);
    let at = |now_ms| vanilla.verify(&get("/", "", &[HOST, DATE]), SECRET, now_ms);
    let minutes = 60_000;
    assert_eq!(at(AT_MS + 5 * minutes), Ok(()));
    assert_eq!(at(AT_MS - 5 * minutes), Ok(()));
    assert_eq!(
        at(AT_MS + 6 * minutes)
            .expect_err("it is refused")
            .to_string(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z \
         (20150830T124200Z - 5 min.)"
    );
    assert_eq!(
        at(AT_MS - 6 * minutes)
            .expect_err("it is refused")
            .to_string(),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123500Z \
         (20150830T123000Z + 5 min.)"
    );
}

#[test]
fn what_is_missing_is_named() {
    let vanilla = claim("host;x-amz-date", VANILLA);
    assert!(matches!(
        refused(&vanilla, &[HOST], AT_MS),
        SignatureError::Incomplete(_)
    ));
    let odd: (&str, &[u8]) = ("x-amz-date", b"yesterday");
    assert!(matches!(
        refused(&vanilla, &[HOST, odd], AT_MS),
        SignatureError::Incomplete(_)
    ));
    let other_day = Signature {
        date: "20150831",
        ..vanilla
    };
    assert_eq!(
        refused(&other_day, &[HOST, DATE], AT_MS).to_string(),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
         HTTP: '20150831' != '20150830', from '20150830T123600Z'."
    );
    let without_host = Signature {
        signed_headers: "x-amz-date",
        ..vanilla
    };
    assert!(
        refused(&without_host, &[HOST, DATE], AT_MS)
            .to_string()
            .contains("'Host'")
    );
    let target: (&str, &[u8]) = ("X-Amz-Target", b"TrentService.Encrypt");
    assert_eq!(
        refused(&vanilla, &[HOST, DATE, target], AT_MS).to_string(),
        "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."
    );
}

#[test]
fn another_secret_scope_or_spelling_does_not_match() {
    let vanilla = claim("host;x-amz-date", VANILLA);
    let request = get("/", "", &[HOST, DATE]);
    assert!(vanilla.verify(&request, "another", AT_MS).is_err());
    let upper = VANILLA.to_uppercase();
    for other in [
        Signature {
            region: "eu-west-1",
            ..vanilla
        },
        Signature {
            service: "kms",
            ..vanilla
        },
        Signature {
            signature: "",
            ..vanilla
        },
        Signature {
            signature: &upper,
            ..vanilla
        },
        Signature {
            signature: &VANILLA[..62],
            ..vanilla
        },
    ] {
        let error = other
            .verify(&request, SECRET, AT_MS)
            .expect_err("it is refused");
        assert!(
            error
                .to_string()
                .starts_with("The request signature we calculated")
        );
    }
}

proptest! {
    #[test]
    fn what_was_signed_verifies_and_what_was_changed_does_not(
        secret in "[!-~]{1,60}",
        path in "/[ -~é]{0,20}",
        query in "[ -~é]{0,20}",
        value in "[ -~]{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
    ) {
        let headers = [HOST, DATE, ("x-amz-target", value.as_bytes())];
        let request = SignedRequest { method: "POST", path: &path, query: &query, headers: &headers, body: &body };
        let unsigned = claim("host;x-amz-date;x-amz-target", "");
        let signature = unsigned.sign(&request, secret.as_bytes());
        let signed = claim("host;x-amz-date;x-amz-target", &signature);
        prop_assert_eq!(signed.verify(&request, &secret, AT_MS), Ok(()));
        let mut changed = body.clone();
        changed.insert(at.index(body.len() + 1), b'!');
        let other = SignedRequest { body: &changed, ..request };
        prop_assert!(signed.verify(&other, &secret, AT_MS).is_err());
        let other = SignedRequest { method: "PUT", ..request };
        prop_assert!(signed.verify(&other, &secret, AT_MS).is_err());
    }
}
