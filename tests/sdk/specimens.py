"""Keys of every kind in every state, for tests of what a state refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from calls import (
    ANCHOR,
    create_key,
    describe,
    eventually,
    import_material,
    import_parameters,
    key_state,
    new_material,
    replicate,
    wrap,
)
from cluster import ACCOUNT, AP, EU, US, Cluster
from key_set import KeySet
from key_states import PENDING_REPLICA_DELETION

CONTEXT = {"specimen": "yes"}


@dataclass(frozen=True)
class Kind:
    """What a key is for, and where its material comes from."""

    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    imported: bool = False

    @property
    def is_symmetric(self) -> bool:
        return self.spec == "SYMMETRIC_DEFAULT"

    def parameters(self) -> dict[str, Any]:
        origin = "EXTERNAL" if self.imported else "AWS_KMS"
        return {"KeySpec": self.spec, "KeyUsage": self.usage, "Origin": origin, "MultiRegion": True}


SYMMETRIC = Kind()
IMPORTED = Kind(imported=True)
SIGNING = Kind("ECC_NIST_P256", "SIGN_VERIFY")
MAC = Kind("HMAC_256", "GENERATE_VERIFY_MAC")
AGREEMENT = Kind("ECC_NIST_P256", "KEY_AGREEMENT")
ENCAPSULATION = Kind("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")


# An operation that a grant may be for, by usage.
GRANTED = {
    "ENCRYPT_DECRYPT": "Encrypt",
    "SIGN_VERIFY": "Sign",
    "GENERATE_VERIFY_MAC": "GenerateMac",
    "KEY_AGREEMENT": "DeriveSharedSecret",
    "ENCAPSULATE_DECAPSULATE": "Encapsulate",
}


@dataclass
class Specimen:
    """One key in one state, with what was made with it while it could be used."""

    kms: Any
    key_id: str
    kind: Kind
    arn: str = ""
    ciphertext: bytes = b"none"
    signature: bytes = b"none"
    mac: bytes = b"none"
    grant: str = "0" * 64
    alias: str = ""
    material: bytes = b""
    import_parameters: dict = field(default_factory=dict)

    def use_while_it_can_be(self) -> None:
        """Makes what operations need that come later."""
        self.arn = describe(self.kms, self.key_id)["Arn"]
        self.alias = f"alias/{self.key_id}"
        self.kms.create_alias(AliasName=self.alias, TargetKeyId=self.key_id)
        if self.kind.is_symmetric:
            made = self.kms.encrypt(KeyId=self.key_id, Plaintext=b"x", EncryptionContext=CONTEXT)
            self.ciphertext = made["CiphertextBlob"]
            if self.kind.imported:
                self.import_parameters = import_parameters(self.kms, self.key_id)
        elif self.kind == SIGNING:
            made = self.kms.sign(KeyId=self.key_id, Message=b"x", SigningAlgorithm="ECDSA_SHA_256")
            self.signature = made["Signature"]
        elif self.kind == MAC:
            made = self.kms.generate_mac(
                KeyId=self.key_id, Message=b"x", MacAlgorithm="HMAC_SHA_256"
            )
            self.mac = made["Mac"]
        elif self.kind == ENCAPSULATION:
            made = self.kms.encapsulate(KeyId=self.key_id, EncapsulationAlgorithm="ML_KEM")
            self.ciphertext = made["SharedSecretCiphertextBlob"]
        made = self.kms.create_grant(
            KeyId=self.key_id,
            GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root",
            Operations=[GRANTED[self.kind.usage]],
        )
        self.grant = made["GrantId"]

    def wrapped(self) -> dict:
        """The material again, wrapped for this key."""
        given = self.import_parameters or {"PublicKey": None, "ImportToken": b"none"}
        if given["PublicKey"] is None:
            return {
                "ImportToken": b"none",
                "EncryptedKeyMaterial": b"none",
                "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
            }
        return {
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", self.material),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }


class Specimens:
    """Makes keys in states. The faults that hold a state stay until the end."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._store = ""

    def make(self, kind: Kind, state: str, replica: bool = False) -> Specimen:
        """A key of this kind in this state; with a replica if a call needs one."""
        made = getattr(self, f"_{state}")(kind)
        if replica and state == "Enabled":
            replicate(made.kms, made.key_id, self.cluster.kms(EU))
        eventually(lambda: key_state(made.kms, made.key_id), state)
        made.arn = describe(made.kms, made.key_id)["Arn"]
        return made

    def _Enabled(self, kind: Kind) -> Specimen:
        kms = self.cluster.kms(US)
        key_id = create_key(kms, **kind.parameters())["KeyId"]
        made = Specimen(kms, key_id, kind)
        if kind.imported:
            made.material = new_material()
            import_material(kms, key_id, made.material)
        made.use_while_it_can_be()
        return made

    def _Disabled(self, kind: Kind) -> Specimen:
        made = self._Enabled(kind)
        made.kms.disable_key(KeyId=made.key_id)
        return made

    def _PendingDeletion(self, kind: Kind) -> Specimen:
        made = self._Enabled(kind)
        made.kms.schedule_key_deletion(KeyId=made.key_id)
        return made

    def _PendingReplicaDeletion(self, kind: Kind) -> Specimen:
        made = self._Enabled(kind)
        replicate(made.kms, made.key_id, self.cluster.kms(EU))
        made.kms.schedule_key_deletion(KeyId=made.key_id)
        return made

    def _PendingImport(self, kind: Kind) -> Specimen:
        """After its material was deleted; no material was ever there for a key that
        is not symmetric."""
        kind = Kind(kind.spec, kind.usage, imported=True)
        if kind.is_symmetric:
            made = self._Enabled(kind)
            made.kms.delete_imported_key_material(KeyId=made.key_id)
            return made
        kms = self.cluster.kms(US)
        key_id = create_key(kms, **kind.parameters())["KeyId"]
        return Specimen(kms, key_id, kind)

    def _Unavailable(self, _: Kind) -> Specimen:
        """A key in a key store that is not connected any more."""
        kms = self.cluster.kms(US)
        if not self._store:
            made = kms.create_custom_key_store(
                CustomKeyStoreName="specimens",
                CloudHsmClusterId="cluster-specimensaa",
                TrustAnchorCertificate=ANCHOR,
                KeyStorePassword="kmsuser-password",
            )
            self._store = made["CustomKeyStoreId"]
        kms.connect_custom_key_store(CustomKeyStoreId=self._store)
        self._wait_for_store("CONNECTED")
        key = create_key(kms, Origin="AWS_CLOUDHSM", CustomKeyStoreId=self._store)
        made = Specimen(kms, key["KeyId"], SYMMETRIC)
        made.use_while_it_can_be()
        kms.disconnect_custom_key_store(CustomKeyStoreId=self._store)
        self._wait_for_store("DISCONNECTED")
        return made

    def _wait_for_store(self, state: str) -> None:
        def connection() -> str:
            kms = self.cluster.kms(US)
            shown = kms.describe_custom_key_stores(CustomKeyStoreId=self._store)
            return shown["CustomKeyStores"][0]["ConnectionState"]

        eventually(connection, state)

    def _Updating(self, kind: Kind) -> Specimen:
        """The old primary, whose successor does not hear that it is to be one."""
        us, eu = self.cluster.kms(US), self.cluster.kms(EU)
        if kind.imported:
            keys = KeySet(self.cluster, US, EU)
            made = Specimen(us, keys.key_id, kind, material=keys.first_material)
        else:
            key_id = create_key(us, **kind.parameters())["KeyId"]
            replicate(us, key_id, eu)
            made = Specimen(us, key_id, kind)
        made.use_while_it_can_be()
        self._stretch("PHASE_UPDATING", EU, made.key_id)
        us.update_primary_region(KeyId=made.key_id, PrimaryRegion=EU)
        return made

    def _Creating(self, kind: Kind) -> Specimen:
        """A replica that was made in the middle of a rotation, which lasts."""
        assert kind.is_symmetric, "only these rotate"
        us, eu, ap = (self.cluster.kms(region) for region in (US, EU, AP))
        if kind.imported:
            keys = KeySet(self.cluster, US, EU)
            keys.import_everywhere(new_material())
            primary = Specimen(us, keys.key_id, kind, material=keys.first_material)
        else:
            key_id = create_key(us, **kind.parameters())["KeyId"]
            replicate(us, key_id, eu)
            primary = Specimen(us, key_id, kind)
        primary.use_while_it_can_be()
        self._stretch("PHASE_PREPARE", EU, primary.key_id)
        us.rotate_key_on_demand(KeyId=primary.key_id)
        us.replicate_key(KeyId=primary.key_id, ReplicaRegion=AP)
        eventually(lambda: key_state(ap, primary.key_id), "Creating")
        made = Specimen(ap, primary.key_id, kind, ciphertext=primary.ciphertext)
        made.alias = primary.alias
        ap.create_alias(AliasName=made.alias, TargetKeyId=made.key_id)
        return made

    def _stretch(self, phase: str, region: str, key_id: str) -> None:
        stretch = {"phase": phase, "region": region, "key_id": key_id}
        status, body = self.cluster.http("POST", "/chaos/faults", {"stretch": stretch})
        assert status == 200, body


def public_key() -> bytes:
    """A public key on P-256, of somebody else."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


STATES = (
    "Enabled",
    "Disabled",
    "PendingDeletion",
    PENDING_REPLICA_DELETION,
    "PendingImport",
    "Unavailable",
    "Creating",
    "Updating",
)
