"""Tests of citizen_api.care."""
