"""The AWS SDK for JavaScript, unmodified: js/kms.test.cjs, run by Node's own test
runner. MERIDIAN_NODE_MODULES says where its packages are (`npm ci` in tests/sdk/js
puts them there)."""

import os
import subprocess
import sys
from pathlib import Path

JS = Path(__file__).with_name("js")


def test_the_sdk_for_javascript(cluster):
    modules = os.environ.get("MERIDIAN_NODE_MODULES", str(JS / "node_modules"))
    assert Path(modules, "@aws-sdk").is_dir(), f"{modules} is empty: npm ci in {JS}"
    # From the virtual environment that runs the tests.
    node = Path(sys.executable).with_name("node")
    finished = subprocess.run(
        [str(node), "--test", "--test-reporter=spec", str(JS / "kms.test.cjs")],
        env=os.environ | {"MERIDIAN_ENDPOINT": cluster.endpoint, "NODE_PATH": modules},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "pass 2" in finished.stdout, finished.stdout
