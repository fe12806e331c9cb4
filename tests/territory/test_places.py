"""Which place comes first: what is known here, what the outside geocoder knows, mere communes."""

from citizen_api.sources.ban import FoundAddress
from citizen_api.territory.geocoding import GeocoderState, GuardedGeocoder
from citizen_api.territory.places import Place, Places, communes_gazetteer, mentioned_communes, merged


def make_place(label="Pharmacie du Temple", **facts):
    return Place(**({"kind": "facility", "source": "facilities", "lat": 48.86, "lon": 2.35} | facts), label=label)


def make_address(label="26 Rue du Temple 75004 Paris", **facts):
    return FoundAddress(
        **(
            {
                "kind": "address", "lat": 48.8589, "lon": 2.3539, "postcode": "75004", "city": "Paris",
                "commune_code": "75104", "score": 0.9,
            }
            | facts
        ),
        label=label,
    )  # fmt: skip


class Outside:
    def __init__(self, *addresses):
        self.addresses = list(addresses)
        self.asked = []

    def search(self, text):
        self.asked.append(text)
        return self.addresses


def labels(places):
    return [place.label for place in places]


def test_whole_names_come_first_then_beginnings_then_addresses():
    here = [make_place("begins so"), make_place("whole name", exact=True)]
    assert labels(merged(here, [make_address()], limit=10)) == [
        "whole name",
        "begins so",
        "26 Rue du Temple 75004 Paris",
    ]


def test_a_mere_commune_gives_way_to_an_address():
    commune = make_place("Paris", source="communes", only_commune=True)
    assert labels(merged([commune], [make_address()], limit=10)) == ["26 Rue du Temple 75004 Paris"]
    assert labels(merged([commune], [], limit=10)) == ["Paris"]


def test_a_commune_known_here_is_not_repeated_by_the_geocoder():
    here = [make_place("Paris (Paris)", source="communes", commune_code="75056")]
    outside = [make_address("Paris", kind="commune", commune_code="75056")]
    assert labels(merged(here, outside, limit=10)) == ["Paris (Paris)"]


def test_among_equals_the_nearer_comes_first():
    here = [make_place("far", lat=43.3, lon=5.4), make_place("near", lat=48.85, lon=2.35)]
    near = merged(here, [], limit=10, near=(48.86, 2.35))
    assert labels(near) == ["near", "far"]
    assert 1_000 < near[0].distance_m < 1_200
    assert labels(merged(here, [], limit=10)) == ["far", "near"]


def test_nearness_does_not_beat_a_much_better_score():
    outside = [
        make_address("far and alike", lat=43.3, lon=5.4, score=0.95),
        make_address("near and unlike", score=0.4),
        make_address("near and alike", score=0.94),
    ]
    assert labels(merged([], outside, limit=10, near=(48.86, 2.35))) == [
        "near and alike",
        "far and alike",
        "near and unlike",
    ]


def test_a_commune_of_unknown_centre_comes_before_one_across_the_ocean():
    here = [make_place("mainland"), make_place("here, perhaps", lat=None, lon=None)]
    assert labels(merged(here, [], limit=10, near=(-20.9, 55.5))) == ["here, perhaps", "mainland"]


def test_no_more_than_asked_for():
    assert len(merged([make_place()] * 5, [make_address()] * 5, limit=3)) == 3


def test_a_commune_is_known_by_its_name_and_by_its_postcode(territory):
    [first, *_] = communes_gazetteer(territory, "saint-denis", limit=3)
    assert (first.commune_code, first.exact, first.approximate) == ("97411", True, False)
    [arrondissement, *_] = communes_gazetteer(territory, "75004", limit=3)
    assert arrondissement.approximate
    assert (arrondissement.kind, arrondissement.postcode) == ("arrondissement", "75004")


def test_an_unknown_address_gives_the_commune_it_mentions(territory):
    def mentioned(text):
        return [place.commune_code for place in mentioned_communes(territory, text, limit=5)]

    assert mentioned("12 rue de la paix, L'Haÿ-les-Roses") == ["94038"]
    assert mentioned("26 rue du temple 75004 paris")[0] == "75104"
    assert mentioned("1 grande rue 01400 sulignat") == ["01412"]
    assert len(mentioned("1 grande rue 01400")) == 5
    assert mentioned("somewhere over the rainbow") == []
    assert mentioned("!") == []


def test_every_gazetteer_is_asked(territory):
    def facilities(_session, text, *, limit):
        return [make_place(f"Pharmacie {text}, at most {limit}")]

    places = Places(geocoder=GuardedGeocoder(None), gazetteers=[communes_gazetteer, facilities])
    assert labels(places.known_here(territory, "temple", limit=4))[-1] == "Pharmacie temple, at most 4"


def test_the_communes_mentioned_are_offered_only_when_nothing_else_is_known(territory):
    places = Places(geocoder=GuardedGeocoder(None))
    [only] = places.known_here(territory, "12 quai inconnu rennes", limit=4)
    assert (only.commune_code, only.only_commune) == ("35238", True)
    assert not any(place.only_commune for place in places.known_here(territory, "rennes", limit=4))


def test_a_name_known_here_does_not_leave_the_installation():
    outside = Outside(make_address())
    places = Places(geocoder=GuardedGeocoder(outside))
    assert places.known_outside("paris", [make_place(exact=True)]).addresses == ()
    assert outside.asked == []
    assert places.known_outside("rue du temple", [make_place()]).addresses == (make_address(),)


def test_off_is_said_even_for_a_name_known_here():
    places = Places(geocoder=GuardedGeocoder(None))
    assert places.known_outside("paris", [make_place(exact=True)]).state is GeocoderState.OFF
