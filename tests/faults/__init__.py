import pytest

# What a town asserts is told in full when it fails.
pytest.register_assert_rewrite("tests.faults.town")
