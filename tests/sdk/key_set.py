"""A multi-Region key with imported material, seen from every region that holds it."""

from __future__ import annotations

from typing import Any

from calls import (
    EXISTING,
    NEW,
    current_material,
    describe,
    encrypt,
    encrypting_material,
    eventually,
    import_material,
    imported_key,
    key_state,
    material_state,
    new_material,
    replicate,
)
from cluster import Cluster


class KeySet:
    """A primary and its replicas, all of them enabled under one first material."""

    def __init__(self, cluster: Cluster, primary: str, *replicas: str) -> None:
        self.cluster = cluster
        self.primary = primary
        self.regions = [primary]
        self.first_material = new_material()
        self.key_id, self.first_id = imported_key(
            self.at(primary), self.first_material, MultiRegion=True
        )
        for region in replicas:
            self.add_replica(region)
            self.import_existing(region, self.first_material)
        assert self.key_states() == self.everywhere("Enabled")

    def at(self, region: str):
        """The boto3 client of a region."""
        return self.cluster.kms(region)

    def arn(self, region: str) -> str:
        return describe(self.at(region), self.key_id)["Arn"]

    def add_replica(self, region: str) -> None:
        replicate(self.at(self.primary), self.key_id, self.at(region))
        self.regions.append(region)

    def import_new(self, material: bytes, **parameters) -> str:
        """Imports material that is new to the set at the primary; its ID."""
        imported = import_material(
            self.at(self.primary), self.key_id, material, **NEW, **parameters
        )
        return imported["KeyMaterialId"]

    def import_existing(self, region: str, material: bytes, **parameters) -> dict:
        return import_material(self.at(region), self.key_id, material, **EXISTING, **parameters)

    def import_everywhere(self, material: bytes) -> str:
        """Brings new material to every region; its ID, ready for rotation in all of them."""
        material_id = self.import_new(material)
        for region in self.regions:
            if region != self.primary:
                self.wait_until_known(region, material_id)
                self.import_existing(region, material)
        self.wait_for_state(material_id, "PENDING_ROTATION")
        return material_id

    def delete_material(self, region: str, material_id: str) -> None:
        self.at(region).delete_imported_key_material(KeyId=self.key_id, KeyMaterialId=material_id)

    def rotate(self, region: str | None = None) -> dict:
        return self.at(region or self.primary).rotate_key_on_demand(KeyId=self.key_id)

    def wait_until_known(self, region: str, material_id: str) -> None:
        """Waits until the region has heard of a material."""
        eventually(
            lambda: material_state(self.at(region), self.key_id, material_id),
            lambda state: state is not None,
        )

    def wait_for_state(self, material_id: str, state: str) -> None:
        """Waits until the material has one and the same state in all regions."""
        eventually(lambda: self.material_states(material_id), self.everywhere(state))

    def wait_for_current(self, material_id: str) -> None:
        eventually(
            lambda: self.each(lambda kms: current_material(kms, self.key_id)),
            self.everywhere(material_id),
        )

    def material_states(self, material_id: str) -> dict[str, str | None]:
        """KeyMaterialState by region; None where the material is not listed."""
        states = self.each(lambda kms: material_state(kms, self.key_id, material_id))
        return {region: state and state[0] for region, state in states.items()}

    def import_states(self, material_id: str) -> dict[str, str | None]:
        """ImportState by region; None where the material is not listed."""
        states = self.each(lambda kms: material_state(kms, self.key_id, material_id))
        return {region: state and state[1] for region, state in states.items()}

    def key_states(self) -> dict[str, str]:
        return self.each(lambda kms: key_state(kms, self.key_id))

    def encrypting_materials(self) -> dict[str, str]:
        """The material that each region encrypts under at this moment."""
        return self.each(lambda kms: encrypting_material(kms, self.key_id))

    def encrypt_everywhere(self) -> dict[bytes, bytes]:
        """One ciphertext of each region, with its plaintext."""
        return {
            encrypt(self.at(region), self.key_id, region.encode()): region.encode()
            for region in self.regions
        }

    def check_all_open_everywhere(self, plaintexts: dict[bytes, bytes]) -> set[str]:
        """Opens every ciphertext in every region; the IDs of the materials behind them."""
        material_ids = set()
        for region in self.regions:
            for ciphertext, plaintext in plaintexts.items():
                opened = self.at(region).decrypt(CiphertextBlob=ciphertext)
                assert opened["Plaintext"] == plaintext, region
                material_ids.add(opened["KeyMaterialId"])
        return material_ids

    def each(self, read) -> dict[str, Any]:
        """What a client of each region reads."""
        return {region: read(self.at(region)) for region in self.regions}

    def everywhere(self, value: Any) -> dict[str, Any]:
        """The same value for each region."""
        return {region: value for region in self.regions}
