"""The product as a newcomer starts it: real processes, a real port, the bundled sample."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ALENTOURS = Path(sys.executable).with_name("alentours")
TEMPLE = "lat=48.8573751&lon=2.3524425"
SUNDAY_2240 = "2026-11-29T22:40:00%2B01:00"

pytestmark = pytest.mark.whole


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PATIENCE_S = 300.0
"""A fresh clone compiles its kernels at the first start, beside other tests."""


class Product:
    """A running `alentours serve`, and how to ask it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.log = folder / "serve.log"
        self.environment = os.environ | {"ALENTOURS_DATA_DIR": str(folder / "var")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [ALENTOURS, "serve", "--workers", "1", "--port", str(self.port), *options],
                env=self.environment,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _wait(self) -> None:
        ends_at_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at_s:
            if self.process.poll() is not None:
                pytest.fail(f"the server stopped: {self.log.read_text(encoding='utf-8')[-2000:]}")
            try:
                self.get("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.process.kill()
        self.process.wait()
        pytest.fail("the server does not answer")

    def get(self, path: str, **headers: str):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)

    def problem(self, path: str) -> dict:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.get(path)
        with caught.value as answer:
            assert answer.headers["Content-Type"] == "application/problem+json"
            return json.load(answer)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    running = Product(tmp_path_factory.mktemp("product"), "--demo")
    yield running
    running.stop()


def test_the_start_says_how_many_places_and_that_hours_are_made_up(product):
    said = product.log.read_text(encoding="utf-8")
    assert "2990 places of care" in said
    assert "MADE UP" in said


def test_the_nearest_pharmacy_is_at_a_few_metres(product):
    nearest = product.get(f"/v1/care/nearest?{TEMPLE}&category=pharmacy")["items"][0]
    assert nearest["identifiers"]["finess"] == "750010597"
    assert nearest["distance_m"] < 10


def test_on_sunday_at_22_40_only_open_pharmacies_are_listed_and_unknown_ones_stand_apart(product):
    answer = product.get(f"/v1/care/nearest?{TEMPLE}&category=pharmacy&open={SUNDAY_2240}&lang=en")
    assert answer["items"]
    assert {item["opening"]["state"] for item in answer["items"]} == {"open"}
    assert len(answer["hours_unknown"]) == 5
    assert {item["opening"]["state"] for item in answer["hours_unknown"]} == {"unknown"}
    assert "demo_data" in {notice["code"] for notice in answer["notices"]}


def test_the_nearest_hospital_says_call_15_first(product):
    answer = product.get(f"/v1/care/nearest?{TEMPLE}&category=hospital")
    assert answer["notices"][0]["code"] == "call_15_first"
    assert answer["items"][0]["call_first"] == "15"
    assert answer["emergency"][0]["number"] == "15"


def test_saint_denis_finds_both(product):
    codes = [item["code"] for item in product.get("/v1/communes?q=saint%20denis")["items"]]
    assert set(codes[:2]) == {"93066", "97411"}


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/v1/nothing", 404, "not-found"),
        ("/v1/care/nearest?lat=2.35&lon=48.85&category=pharmacy", 422, "position-swapped"),
        ("/v1/care/nearest?lat=nan&lon=2&category=pharmacy", 422, "invalid-arguments"),
        ("/v1/care/nearest?category=pharmacy", 422, "position-missing"),
        (f"/v1/care/nearest?{TEMPLE}&category=bakery", 422, "category-unknown"),
        (f"/v1/care/nearest?{TEMPLE}&category=pharmacy&cursor=xyz", 400, "cursor-invalid"),
        ("/v1/communes/99999", 404, "commune-unknown"),
        ("/v1/care/nobody", 404, "facility-unknown"),
    ],
)
def test_each_error_is_a_problem(product, path, status, name):
    problem = product.problem(path)
    assert (problem["status"], problem["type"]) == (status, f"/problems/{name}")


def test_the_log_of_the_whole_server_holds_no_position(product):
    product.get(f"/v1/care/nearest?{TEMPLE}&category=pharmacy")
    product.problem("/v1/care/48.8573751,2.3524425")
    said = product.log.read_text(encoding="utf-8")
    assert '"route": "/v1/care/nearest"' in said
    assert not re.search(r"48\.85|2\.352|category=", said)


def test_started_again_without_demo_nothing_made_up_is_left(tmp_path):
    first = Product(tmp_path, "--demo")
    assert first.stop() == 0
    second = Product(tmp_path)
    try:
        answer = second.get(f"/v1/care/nearest?{TEMPLE}&category=pharmacy&limit=50")
        assert len(answer["items"]) == 50
        assert {item["opening"]["state"] for item in answer["items"]} == {"unknown"}
        assert "demo" not in {source["id"] for item in answer["items"] for source in item["sources"]}
    finally:
        second.stop()


def test_a_killed_server_leaves_its_port_free(tmp_path):
    killed = Product(tmp_path)
    killed.process.kill()
    killed.process.wait(timeout=30)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", killed.port)):
                return
        time.sleep(0.1)
    pytest.fail("an orphan still listens")


def test_the_demo_starts_over_a_newer_file_and_leaves_it_as_it_is(tmp_path):
    newer = tmp_path / "newer.csv"
    newer.write_text(
        "nofinesset;nofinessej;rs;numvoie;typvoie;voie;cp;telephone;lat;lng\n"
        "750010597;750010598;PHARMACIE PLUS RECENTE;26;RUE;DU TEMPLE;75004;;48.8573751;2.3524425\n",
        encoding="utf-8",
    )
    subprocess.run(
        [ALENTOURS, "care", "import", newer, "--format", "paris-pharmacies", "--date", "2026-11-01"],
        env=os.environ | {"ALENTOURS_DATA_DIR": str(tmp_path / "var")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    running = Product(tmp_path, "--demo")
    try:
        assert f"{1 + 1182 + 821} places of care" in running.log.read_text(encoding="utf-8")
        nearest = running.get(f"/v1/care/nearest?{TEMPLE}&category=pharmacy")["items"][0]
        assert nearest["name"] == "Pharmacie Plus Recente"
        assert "2026-11-01" in {source["date"] for source in nearest["sources"]}
    finally:
        running.stop()


def test_a_taken_port_is_said_in_one_line(product, tmp_path):
    refused = subprocess.run(
        [ALENTOURS, "serve", "--port", str(product.port)],
        env=product.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert re.fullmatch(r"Error: cannot listen on 127\.0\.0\.1:\d+: .*\n", refused.stderr)
