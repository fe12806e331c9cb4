"""The compiled geodesic is that of Karney, and the bound on it holds."""

import math

import numpy as np
import pytest
from geopy.distance import geodesic
from hypothesis import assume, given
from hypothesis import strategies as st

from citizen_api.care import kernel
from citizen_api.core.geo import ecef_m

TENTH_OF_A_MILLIMETRE = 0.0001
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([0.0, 90.0, -90.0, 48.8573751]))
longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([0.0, 180.0, -180.0, 179.9999, 2.3524425]))


@given(lat1=latitudes, lon1=longitudes, lat2=latitudes, lon2=longitudes)
def test_the_geodesic_is_karneys_to_a_tenth_of_a_millimetre_or_says_that_it_does_not_settle(lat1, lon1, lat2, lon2):
    mine = kernel.geodesic_m(lat1, lon1, lat2, lon2)
    karney = geodesic((lat1, lon1), (lat2, lon2)).meters
    if mine < 0:
        assert karney > 19_000_000  # nearly opposite
    else:
        assert abs(mine - karney) <= max(TENTH_OF_A_MILLIMETRE, karney * 1e-10)


@given(lat=st.floats(48.80, 48.90), lon=st.floats(2.25, 2.42), lat2=st.floats(48.80, 48.90), lon2=st.floats(2.25, 2.42))
def test_in_a_city_it_is_exact_to_a_micrometre(lat, lon, lat2, lon2):
    assert abs(kernel.geodesic_m(lat, lon, lat2, lon2) - geodesic((lat, lon), (lat2, lon2)).meters) < 1e-6


@given(lat1=latitudes, lon1=longitudes, lat2=latitudes, lon2=longitudes)
def test_no_geodesic_is_shorter_than_its_chord_nor_longer_than_the_bound(lat1, lon1, lat2, lon2):
    one, other = ecef_m([lat1, lat2], [lon1, lon2])
    chord = float(np.sqrt(((one - other) ** 2).sum()))
    karney = geodesic((lat1, lon1), (lat2, lon2)).meters
    assert chord <= karney + 1e-6
    assert karney <= kernel.farthest_geodesic_m(chord) + 1e-6


def test_a_chord_longer_than_any_circle_of_the_strongest_bend_bounds_nothing():
    assert kernel.farthest_geodesic_m(2 * kernel.SMALLEST_RADIUS_M) == math.inf


@pytest.mark.parametrize("lon", [-180.0, 180.0])
def test_both_names_of_the_antimeridian_are_one_place(lon):
    assert kernel.geodesic_m(-17.0, lon, -17.0, -lon) == pytest.approx(0, abs=1e-6)


@given(lat=latitudes, lon=longitudes, count=st.integers(0, 5))
def test_many_distances_are_each_the_one(lat, lon, count):
    lats, lons = np.linspace(-80, 80, count), np.linspace(-170, 170, count)
    assume(count)
    assert list(kernel.geodesics_m(lat, lon, lats, lons)) == [
        kernel.geodesic_m(lat, lon, *each) for each in zip(lats, lons, strict=True)
    ]
