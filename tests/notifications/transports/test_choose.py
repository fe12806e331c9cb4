"""The settings say which transports there are."""

from dataclasses import replace

from notifications.transports.choose import transports_from


def test_only_the_log_is_there_by_default(settings, clock):
    assert [transport.platform for transport in transports_from(settings, clock=clock)] == ["log"]


def test_nothing_is_there_when_the_log_is_off(settings, clock):
    assert transports_from(replace(settings, push_log_enabled=False), clock=clock) == []
