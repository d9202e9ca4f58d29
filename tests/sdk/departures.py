"""Where Meridian is not AWS: every departure of its API, by name, with the reason.
The tests fail on a departure that is not listed and on one that is no more."""

# fmt: off

# Operations that are described and answer UnknownOperationException.
UNSERVED: dict[str, str] = {}

# Differences between AWS's model and the schema, in the words of api.differences.
MODEL: dict[str, str] = {
    r"KeyIdType: pattern is ^\p{ASCII}+$, not open":
        "AWS's service applies this pattern without publishing it",
}

# Errors that AWS declares and no test produces, by operation and error; `*`
# means every operation that has no entry of its own.
UNPRODUCED: dict[tuple[str, str], str] = {
    ("*", "DependencyTimeoutException"):
        "a region that does not answer: only under faults, where it may come from every operation",
    ("*", "KMSInternalException"):
        "a bug or a broken disk",
    ("CreateAlias", "InvalidAliasNameException"):
        "the limits of the member refuse such a name before, with ValidationException",
    ("CreateKey", "InvalidArnException"):
        "no member of the request is an ARN",
    ("ListRetirableGrants", "NotFoundException"):
        "the request names no key",
    ("GetPublicKey", "DisabledException"):
        "AWS's table of key states admits it for a disabled key",
    ("EnableKey", "LimitExceededException"):
        "there is no quota of enabled keys",
    ("TagResource", "LimitExceededException"):
        "too many tags are a TagException",
    ("CreateGrant", "LimitExceededException"):
        "the quota is of 50,000 grants of one key, which only a test of the core makes",
    **{
        ("ConnectCustomKeyStore", error):
            "a CloudHSM cluster, which is simulated, stays as it was when its key store was made"
        for error in (
            "CloudHsmClusterInvalidConfigurationException", "CloudHsmClusterNotActiveException",
        )
    },
    ("CreateKey", "CloudHsmClusterInvalidConfigurationException"):
        "a CloudHSM cluster, which is simulated, stays as it was when its key store was made",
    **{
        (operation, error): "there is no VPC in which an endpoint service could be missing or wrong"
        for operation in ("CreateCustomKeyStore", "UpdateCustomKeyStore")
        for error in (
            "XksProxyVpcEndpointServiceInvalidConfigurationException",
            "XksProxyVpcEndpointServiceNotFoundException",
        )
    },
    ("GetPublicKey", "InvalidKeyUsageException"):
        "a key has a public key or it has none, whatever it is used for",
    ("*", "KeyUnavailableException"):
        "a key whose custom key store cannot be reached is Unavailable or in an invalid state, and "
        "KMSInvalidStateException says so",
}
