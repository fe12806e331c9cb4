"""The clock that a place keeps."""

import pytest

from citizen_api.territory.clocks import departement_of, zone_of


@pytest.mark.parametrize("code", ["984", "989", "97999"])
def test_a_land_of_several_clocks_or_none_has_no_zone(code):
    with pytest.raises(ValueError, match=f"no time zone is known for {code}"):
        zone_of(code)


@pytest.mark.parametrize("code", ["", "7", "00001", "2C001", "Paris", "750566"])
def test_what_is_no_insee_code_is_refused(code):
    with pytest.raises(ValueError, match="not the INSEE code"):
        departement_of(code)


@pytest.mark.parametrize(("code", "departement"), [("75104", "75"), ("2A004", "2A"), ("97411", "974"), ("34", "34")])
def test_a_commune_lies_in_the_departement_its_code_begins_with(code, departement):
    assert departement_of(code) == departement
