"""What the tests of care share."""

import pytest

from tests.care.makers import import_records


@pytest.fixture
def imported(database, tmp_path):
    """Import synthetic records as one complete list."""

    def run(*records, **options):
        return import_records(database, tmp_path, records, **options)

    return run
