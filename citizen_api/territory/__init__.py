"""Communes, EPCI, départements, régions, and finding a place by what residents type."""
