"""What unmodified clients do is recorded and judged: a whole life of a key set, with
faults, and histories that somebody has tampered with."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls import (
    NOBODY,
    create_key,
    describe,
    encrypt,
    error_code,
    eventually,
    key_state,
    rotation_runs,
)
from cluster import AP, EU, US, Cluster, binary, started
from key_set import KeySet

PLAINTEXT = b"a plaintext that nobody may find again"

# What a life of a key set puts at stake.
LOOKED_AT = (
    "R1 import before rotate",
    "R1, at accept",
    "R1, at switch",
    "R2 decryptable everywhere",
    "R3 never backwards",
    "R4 one primary",
    "R5 nothing acknowledged is lost",
    "R5, a definite error",
    "R5, an acknowledged import",
    "R6 bytes stay home",
    "R7 convergence",
    "R8 independence",
    "key states",
    "linearizable per key",
    "materials of a set",
    "no read is staler than allowed",
    "one ID for the same bytes",
    "sessions",
)

# Faults of that life that have to show in the history how often they struck.
STRUCK = {"link cut", "lose answer", "node crash", "refuse", "stale reads"}



def judged(file: Path) -> tuple[int, dict]:
    """What `meridian judge` says of a history: its exit code and its document."""
    command = [str(binary()), "judge", str(file), "--output", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    documents = ended.stdout.strip()
    assert documents, ended.stderr
    return ended.returncode, json.JSONDecoder().raw_decode(documents)[0]


class Life:
    """A recorded cluster, and what its clients did in it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.secrets: list[bytes] = [PLAINTEXT]
        self.keys = KeySet(cluster, US, EU, AP)
        self.secrets.append(self.keys.first_material)

    def live(self) -> None:
        self.use()
        self.rotate_with_a_region_cut_off()
        self.crash_a_leader()
        self.lose_answers()
        self.move_the_primary()
        self.manage()

    def use(self) -> None:
        for region in self.keys.regions:
            kms = self.keys.at(region)
            blob = encrypt(kms, self.keys.key_id, PLAINTEXT, EncryptionContext={"of": region})
            for other in self.keys.regions:
                opened = self.keys.at(other).decrypt(
                    CiphertextBlob=blob, EncryptionContext={"of": region}
                )
                assert opened["Plaintext"] == PLAINTEXT
                assert error_code(
                    lambda: self.keys.at(other).decrypt(CiphertextBlob=blob)
                ) == "InvalidCiphertextException"
            made = kms.generate_data_key(KeyId=self.keys.key_id, KeySpec="AES_256")
            self.secrets.append(made["Plaintext"])
            kms.generate_data_key_without_plaintext(KeyId=self.keys.key_id, KeySpec="AES_256")
            kms.re_encrypt(
                CiphertextBlob=made["CiphertextBlob"], DestinationKeyId=self.keys.key_id
            )

    def rotate_with_a_region_cut_off(self) -> None:
        material = bytes(range(100, 132))
        self.secrets.append(material)
        material_id = self.keys.import_everywhere(material)
        self.cluster.cut_off(AP)
        self.keys.rotate()
        self.keys.encrypt_everywhere()
        self.keys.at(AP).update_key_description(KeyId=self.keys.key_id, Description="alone")
        assert rotation_runs(self.keys.at(US), self.keys.key_id)
        self.cluster.heal()
        self.keys.wait_for_current(material_id)
        self.keys.check_all_open_everywhere(self.keys.encrypt_everywhere())

    def crash_a_leader(self) -> None:
        leader = self.cluster.region_status(US)["leader"]
        with self.cluster.fault(node_crash={"node": {"region": US, "node": leader}}):
            eventually(
                lambda: self.cluster.region_status(US).get("leader"),
                lambda it: it not in (None, leader),
            )
            self.keys.at(US).update_key_description(KeyId=self.keys.key_id, Description="new")
            encrypt(self.keys.at(US), self.keys.key_id)
        eventually(lambda: self.cluster.get("/health")[0], 200)

    def lose_answers(self) -> None:
        kms = self.keys.at(EU)
        with self.cluster.fault(lose_answer={"calls": {"region": EU, "probability": 0.5}}):
            for number in range(10):
                error_code(lambda: kms.disable_key(KeyId=self.keys.key_id))
                error_code(lambda: kms.enable_key(KeyId=self.keys.key_id))
                error_code(lambda: describe(kms, self.keys.key_id))
        with self.cluster.fault(
            refuse={"calls": {"region": EU}, "code": "NotFoundException"}
        ):
            assert error_code(lambda: encrypt(kms, self.keys.key_id)) == "NotFoundException"
        kms.enable_key(KeyId=self.keys.key_id)

    def move_the_primary(self) -> None:
        self.keys.at(US).update_primary_region(KeyId=self.keys.key_id, PrimaryRegion=EU)
        eventually(self.keys.key_states, self.keys.everywhere("Enabled"))

    def manage(self) -> None:
        kms = self.keys.at(US)
        key_id = create_key(kms, Description="from the beginning")["KeyId"]
        assert describe(kms, key_id)["Description"] == "from the beginning"
        kms.create_alias(AliasName="alias/recorded", TargetKeyId=key_id)
        assert key_state(kms, "alias/recorded") == "Enabled"
        kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        assert error_code(lambda: kms.enable_key(KeyId=key_id)) == "KMSInvalidStateException"
        kms.cancel_key_deletion(KeyId=key_id)
        assert key_state(kms, key_id) == "Disabled"
        with self.cluster.fault(stale_reads={"region": US, "lag_ms": 3_600_000}):
            kms.enable_key(KeyId=key_id)
            kms.update_key_description(KeyId=key_id, Description="seen later")
            assert describe(kms, key_id)["Description"] == "from the beginning"
        with self.cluster.fault(stale_reads={"region": US, "lag_ms": 200}):
            for _ in range(20):
                encrypt(kms, self.keys.key_id)
        assert error_code(lambda: describe(kms, NOBODY))


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A whole life, lived once for the tests of this file."""
    directory = tmp_path_factory.mktemp("record")
    recorded = Cluster(directory, (US, EU, AP), 3, record=directory / "history.jsonl")
    with started(recorded) as cluster:
        life = Life(cluster)
        life.live()
        yield life


def test_a_life_with_faults_breaks_no_promise_and_puts_them_at_stake(life):
    verdict = json.loads(life.cluster.command("verdict", "--output", "json"))
    assert "violation" not in verdict
    assert "not_healed_because" not in verdict
    assert verdict["ciphertexts"] >= 19
    never = [promise for promise in LOOKED_AT if not verdict["looked"].get(promise)]
    assert never == []
    assert "every promise that was looked at was kept" in life.cluster.command("verdict")


def test_a_verdict_heals_nothing_and_says_what_it_could_not_look_at(life):
    with life.cluster.fault(link_cut={"link": {"from": US, "to": EU, "both_directions": True}}):
        printed = life.cluster.command("verdict", "--wait", "100ms")
        assert "was not looked at: a fault is active" in printed
        assert "cut" in life.cluster.command("chaos", "list")


def test_the_history_is_judged_again_from_its_file(life):
    life.cluster.command("verdict")
    code, document = judged(life.cluster.record)
    assert (code, document["violation"]) == (0, None)
    assert document["looked"]["R7 convergence"] > 0


def test_the_history_tells_how_often_each_fault_struck(life):
    life.cluster.command("verdict")
    lines = [json.loads(line) for line in life.cluster.record.read_text().splitlines()]
    kinds = {line["id"]: line["kind"] for line in lines[1:] if line["type"] == "fault_began"}
    ended = [line for line in lines[1:] if line["type"] == "fault_ended"]
    assert {kinds[line["id"]] for line in ended if line["struck"]} >= STRUCK


def test_no_secret_is_in_the_history(life):
    text = life.cluster.record.read_bytes()
    assert b"from the beginning" in text, "the search finds what is there"
    for secret in life.secrets:
        numbers = json.dumps(list(secret), separators=(",", ":")).encode()
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), numbers):
            assert form not in text


def tampered(life: Life, tmp_path: Path, wanted, change) -> Path:
    """The history with its last wanted line changed."""
    life.cluster.command("verdict")
    lines = [json.loads(line) for line in life.cluster.record.read_text().splitlines()]
    at = max(number for number, line in enumerate(lines[1:], 1) if wanted(line))
    change(lines[at])
    file = tmp_path / "tampered.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_another_plaintext_in_one_line_breaks_a_promise(life, tmp_path):
    file = tampered(
        life,
        tmp_path,
        lambda line: line["type"] == "ok" and "text" in line,
        lambda line: line.update(text="something else"),
    )
    code, document = judged(file)
    assert code != 0
    assert document["violation"]["promise"] == "R2 decryptable everywhere"


def test_the_same_bytes_under_another_id_break_a_promise(life, tmp_path):
    file = tampered(
        life,
        tmp_path,
        lambda line: line["type"] == "ok" and "bytes" in line,
        lambda line: line.update(material=64 * "0"),
    )
    code, document = judged(file)
    assert code != 0
    assert document["violation"]["promise"] == "one ID for the same bytes"


def test_a_lost_import_in_one_line_breaks_a_promise(life, tmp_path):
    def lose(line: dict) -> None:
        for material in line["key"]["materials"]:
            material["held"] = False

    file = tampered(
        life,
        tmp_path,
        lambda line: line["type"] == "saw" and line["key"]["external"],
        lose,
    )
    code, document = judged(file)
    assert code != 0
    assert document["violation"]["promise"] == "R5 nothing acknowledged is lost"


def test_a_history_is_read_up_to_where_its_writer_was_killed(tmp_path):
    file = tmp_path / "killed.jsonl"
    cluster = Cluster(tmp_path, (US, EU), 1, record=file)
    cluster.start()
    try:
        create_key(cluster.kms(US))
    finally:
        cluster.kill()
    code, document = judged(file)
    assert (code, document["violation"]) == (0, None)
    assert document["seen"] > 0
    assert document["looked"]["R7 convergence"] == 0, "never looked at is not a pass"
    file.write_text(file.read_text()[:-3])
    assert judged(file)[0] == 0


def test_a_cluster_that_stops_closes_its_history(tmp_path):
    file = tmp_path / "closed.jsonl"
    cluster = Cluster(tmp_path, (US, EU), 1, record=file)
    cluster.start()
    try:
        kms = cluster.kms(US)
        encrypt(kms, create_key(kms)["KeyId"])
    finally:
        cluster.stop()
    code, document = judged(file)
    assert (code, document["violation"]) == (0, None)
    assert document["looked"]["R7 convergence"] > 0
    assert document["looked"]["R2 decryptable everywhere"] > 0


def test_who_does_not_record_has_no_verdict(cluster):
    assert cluster.http("POST", "/chaos/verdict")[0] == 409


def test_a_recorded_cluster_begins_without_keys(tmp_path):
    (tmp_path / "data" / US).mkdir(parents=True)
    command = [str(binary()), "up", "--listen", "127.0.0.1:0", "--data-dir", "data", "--record", "h"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert "data holds data" in ended.stderr
    assert not (tmp_path / "h").exists()
