"""Tests of citizen_api.air."""
