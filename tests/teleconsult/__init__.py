"""Tests of providers, slots and handoffs."""
