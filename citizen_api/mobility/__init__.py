"""The street network, exposure on it, trips, departures, bike share."""
