"""`alentours demo episode` beside a running `alentours serve --demo`, as a newcomer tries it."""

import subprocess
import time

import pytest

from tests.test_whole_product import ALENTOURS, Product

pytestmark = pytest.mark.whole


@pytest.fixture
def product(tmp_path):
    running = Product(tmp_path, "--demo")
    yield running
    running.stop()


def run(product, folder, *arguments):
    """Run the command in a process of its own; it waits ten seconds for the demo city at most, which may just start."""
    command = [ALENTOURS, "demo", "episode", "--commune", "75104", *arguments]
    for _ in range(6):
        done = subprocess.run(
            command, env=product.environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode == 0:
            return done.stdout
    pytest.fail(done.stderr)


def wait_for(product, wanted):
    """Ask until the level of today is as wanted."""
    for _ in range(120):
        today = product.get("/v1/air?commune=75104")["today"]
        if wanted(today["level"]):
            return today
        time.sleep(0.5)  # the limit of requests holds here too
    pytest.fail(f"the level is still {today['level']}")


def test_the_index_of_a_running_demo_city_rises_on_demand_and_falls_again(product, tmp_path):
    usual = wait_for(product, lambda level: level is not None)["level"]
    assert "MADE UP" in run(product, tmp_path, "--level", "6")
    assert wait_for(product, lambda level: level == 6)["source"] == "demo"
    assert "is as the demo city makes it up again" in run(product, tmp_path, "--end")
    wait_for(product, lambda level: level == usual)
