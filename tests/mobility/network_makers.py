"""The bundled network of central Paris, built once per test process: `sample_network()`, `sample_folder()`.

Both 48.859,2.3545 (25 m from it) and 48.8685,2.378 (1 m) lie on its largest part, on foot and by bicycle. Elevations
are not known in it; a third of it is said to be lit, and 6 of its 79 km are green. `makers.make_grid` makes others.
"""

import atexit
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from citizen_api.mobility.network import Network
from citizen_api.mobility.network_files import current_version, open_network
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.sample import CITY, build_sample

BUILT_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
FROM = {"lat": 48.859, "lon": 2.3545}
TO = {"lat": 48.8685, "lon": 2.378}


@cache
def sample_folder() -> Path:
    """The folder of networks, as it lies in a data folder, with the sample in it. Nobody writes to it."""
    holder = tempfile.TemporaryDirectory(prefix="alentours-networks-")
    atexit.register(holder.cleanup)
    folder = Path(holder.name)
    build_sample(folder, now=BUILT_AT)
    return folder


@cache
def sample_network() -> Network:
    """The sample, mapped from its files."""
    return open_network(current_version(sample_folder() / CITY))


def sample_networks() -> Networks:
    """The port, on the sample."""
    return Networks(sample_folder())
