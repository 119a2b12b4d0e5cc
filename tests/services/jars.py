"""Kafka's jars, fetched once with Maven into the user's cache.

Standard library only: continuous integration runs `python -m tests.services.jars` before anything is installed.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).parent / "kafka_jars" / "pom.xml"
VERSION = "4.1.1"
DEADLINE_SECONDS = 600


def cached_jars() -> Path:
    """The folder where the jars are, or will be."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "driftline" / f"kafka-{VERSION}"


def fetch_jars() -> Path:
    """The folder of the jars; fetched if missing, and complete or absent even if two processes fetch at once."""
    jars = cached_jars()
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as partial:
        _copy_dependencies(Path(partial) / "jars")
        try:
            (Path(partial) / "jars").rename(jars)
        except OSError:  # another process was faster; its folder is as good as ours
            if not jars.is_dir():
                raise
    return jars


def _copy_dependencies(target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise FileNotFoundError("fetching Kafka's jars needs Maven (mvn); install it, or put the jars into the cache")
    command = [maven, "-q", "-B", "--strict-checksums", "-f", str(POM)]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Maven could not fetch Kafka's jars:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    print(f"Kafka's jars are in {fetch_jars()}.")
