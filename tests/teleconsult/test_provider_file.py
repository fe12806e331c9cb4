"""The registry's files: what is loaded, what is rejected and why, what staff keeps."""

import json
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from citizen_api.core.settings import Settings, SettingsError
from citizen_api.teleconsult import provider_rules as rules
from citizen_api.teleconsult.models import Provider, Service
from citizen_api.teleconsult.provider_file import (
    BUNDLED,
    RegistryFileError,
    load_registry,
    read_registry,
)
from content.catalogue import LANGUAGES, catalogue
from tests.conftest import SUNDAY_NIGHT
from tests.shared_data import shared_file
from tests.teleconsult.provider_makers import audited, make_entry, write_registry
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule

BUNDLED_IDS = [
    "doctolib",
    "keldoc",
    "maiia",
    "medecin-de-garde-116117",
    "ordoclic",
    "samu-15",
    "urgences-112",
    "urgences-114",
]
PLATFORMS = {"Doctolib": "doctolib", "Maiia": "maiia", "Keldoc": "keldoc", "Ordoclic": "ordoclic"}
SPOILT = {
    "no id": ({"id": None}, "entry 1", "id: Missing data for required field."),
    "an id with a space": ({"id": "a b"}, "entry 1", "id: String does not match expected pattern."),
    "an id with a line's end": ({"id": "ab\n"}, "entry 1", "id: String does not match expected pattern."),
    "an id that is a number": ({"id": 15}, "entry 1", "id: Not a valid string."),
    "no name": ({"name": None}, "spoilt", "name: Missing data for required field."),
    "a name on two lines": ({"name": "a\nb"}, "spoilt", "name: String does not match expected pattern."),
    "a name that turns around": ({"name": "a\u202eb"}, "spoilt", "name: String does not match expected pattern."),
    "a blank name": ({"name": " "}, "spoilt", "name: String does not match expected pattern."),
    "an unknown kind": ({"kind": "shop"}, "spoilt", "kind: Must be one of: platform, practice, booth, public_service."),
    "an unknown modality": ({"modalities": ["fax"]}, "spoilt", "modalities.0: Must be one of"),
    "no modality": ({"modalities": []}, "spoilt", f"modalities: {rules.NOTHING}"),
    "no specialty": ({"specialties": []}, "spoilt", f"specialties: {rules.NOTHING}"),
    "a specialty twice": ({"specialties": ["nursing", "nursing"]}, "spoilt", "specialties: Given more than once."),
    "Norwegian as YAML reads it": ({"languages": [False]}, "spoilt", "languages.0: Not a valid string."),
    "an unknown language": ({"languages": ["xx"]}, "spoilt", f"languages.0: {rules.NO_LANGUAGE}"),
    "a sector that is a number": ({"sector": 1}, "spoilt", "sector: Not a valid string."),
    "an unknown audience": ({"audience": "cats"}, "spoilt", "audience: Must be one of"),
    "a link elsewhere": ({"link_template": "https://evil.example/"}, "spoilt", f"link_template: {rules.NO_LINK}"),
    "an IP address": ({"allowed_domains": ["10.0.0.1"]}, "spoilt", f"allowed_domains.0: {rules.NO_DOMAIN}"),
    "a shared domain": ({"allowed_domains": ["github.io"]}, "spoilt", f"allowed_domains.0: {rules.SHARED_DOMAIN}"),
    "an unknown granularity": ({"granularity": "page"}, "spoilt", "granularity: Must be one of: slot, practice, home."),
    "a phone that is a number": ({"phone": 145425959}, "spoilt", "phone: Not a valid string."),
    "a short phone": ({"phone": "3237"}, "spoilt", f"phone: {rules.NO_SHORT_PHONE}"),
    "an unknown thing to have": ({"have_ready": ["dog"]}, "spoilt", "have_ready.0: Must be one of"),
    "a territory without code": ({"territory": "commune"}, "spoilt", "territory: String does not match"),
    "a territory that is none": ({"territory": "departement:99"}, "spoilt", "territory: No such territory."),
    "a commune that is none": ({"commune": "99999"}, "spoilt", "commune: No commune has this INSEE code."),
    "half a position": ({"lat": None}, "spoilt", "lat: lat and lon go together."),
    "no source": ({"source": None}, "spoilt", "source: Missing data for required field."),
    "no date": ({"as_of": None}, "spoilt", "as_of: Missing data for required field."),
    "a date to come": ({"as_of": date(2026, 12, 24)}, "spoilt", "as_of: Not in the future."),
    "a moment": ({"as_of": datetime(2026, 11, 20, 9, tzinfo=UTC)}, "spoilt", "as_of: Not a valid date."),
    "a word that nobody knows": ({"colour": "blue"}, "spoilt", "colour: Unknown field."),
}


@pytest.fixture
def load(database, tmp_path):
    def run(*entries, setting="", own=True):
        own_file = write_registry(tmp_path, *entries) if own else None
        chosen = Settings(data_dir=tmp_path, teleconsult_providers=setting)
        return load_registry(database, now=SUNDAY_NIGHT, settings=chosen, own_file=own_file)

    return run


def offered(session):
    session.expire_all()
    return sorted(session.scalars(select(Provider.id).where(Provider.retired_at.is_(None))))


def test_the_file_that_comes_with_alentours_is_loaded_whole(load, session):
    loaded = load(own=False)
    assert (loaded.added, loaded.rejected) == (BUNDLED_IDS, [])
    assert offered(session) == BUNDLED_IDS


def test_the_numbers_of_public_services_are_those_of_the_emergency_block():
    numbers = {number.tel: number for number in catalogue().emergency}
    services = [facts for _, facts in read_registry([BUNDLED]).providers.values() if facts.kind == rules.PUBLIC_SERVICE]
    assert [facts.phone for facts in services] == ["15", "112", "114", "116117"]
    for facts in services:
        number = numbers[facts.phone]
        assert (facts.name, facts.source) == (number.name.say("fr"), number.source)
        assert facts.as_of.isoformat() == number.checked_on


def test_nothing_is_invented_of_a_platform():
    for _, facts in read_registry([BUNDLED]).providers.values():
        if facts.kind == "platform":
            assert (facts.sector, facts.third_party, facts.phone, facts.granularity) == (None, None, None, "home")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_real_booking_address_of_a_platform_lies_on_its_allowed_domains(platform):
    hosts = set()
    for file in shared_file("vaccination").rglob("*.json"):
        feed = json.loads(file.read_text(encoding="utf-8"))
        for place in [*feed["centres_disponibles"], *feed["centres_indisponibles"]]:
            if place.get("plateforme") == platform and place["url"]:
                hosts.add(urlsplit(place["url"]).hostname)
    assert hosts
    assert hosts <= set(read_registry([BUNDLED]).providers[PLATFORMS[platform]][1].allowed_domains)


def test_a_citys_file_adds_to_what_comes_with_alentours(load, session):
    assert load(make_entry()).added == [*BUNDLED_IDS[:6], "synthetic-centre", *BUNDLED_IDS[6:]]
    row = session.get(Provider, "synthetic-centre")
    assert (row.origin, row.phone, row.territory_kind, row.territory_code) == (
        "file",
        "+33145425959",
        *("departement", "75"),
    )
    assert (row.as_of, row.commune_code, row.organisation_id) == (date(2026, 11, 20), "75104", None)


def test_the_file_of_the_setting_is_read_at_each_start(load, tmp_path):
    file = write_registry(tmp_path, make_entry("of-the-setting"), name="setting.yaml")
    assert "of-the-setting" in load(setting=str(file), own=False).added


def test_a_citys_entry_goes_before_the_one_of_the_same_id(load, session):
    load(make_entry("doctolib", name="Doctolib, dit par la ville"))
    assert session.get(Provider, "doctolib").name == "Doctolib, dit par la ville"


def test_loading_the_same_again_changes_and_audits_nothing(load, session):
    load(make_entry())
    before = len(audited(session, "providers"))
    loaded = load(make_entry())
    assert (loaded.added, loaded.changed, loaded.retired) == ([], [], [])
    assert len(audited(session, "providers")) == before == 1


def test_what_changed_in_the_file_changes_and_is_audited(load, session):
    load(make_entry())
    assert load(make_entry(name="Nouveau nom")).changed == ["synthetic-centre"]
    session.expire_all()
    assert session.get(Provider, "synthetic-centre").name == "Nouveau nom"
    assert audited(session, "providers")[-1] == (
        "provider.load",
        {"added": [], "changed": ["synthetic-centre"], "retired": []},
    )


def test_what_left_the_files_is_retired_and_comes_back_with_them(load, session):
    load(make_entry())
    assert load().retired == ["synthetic-centre"]
    assert offered(session) == BUNDLED_IDS
    assert load().retired == []
    assert load(make_entry()).changed == ["synthetic-centre"]
    assert "synthetic-centre" in offered(session)


def test_what_staff_keeps_is_neither_overwritten_nor_retired(load, session):
    make_provider(session, "synthetic-centre", name="Tenu par la clinique")
    make_provider(session, "of-staff-only")
    session.commit()
    loaded = load(make_entry())
    assert (loaded.of_staff, loaded.retired) == (["synthetic-centre"], [])
    session.expire_all()
    assert session.get(Provider, "synthetic-centre").name == "Tenu par la clinique"
    assert {"of-staff-only", "synthetic-centre"} <= set(offered(session))


@pytest.mark.parametrize(("spoiling", "entry", "reason"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_entry_is_rejected_with_its_id_and_field_and_the_rest_is_kept(load, session, spoiling, entry, reason):
    spoilt = {name: value for name, value in (make_entry("spoilt") | spoiling).items() if value is not None}
    loaded = load(spoilt, make_entry("good"))
    assert [(one.file, one.entry) for one in loaded.rejected] == [("city.yaml", entry)]
    (said,) = loaded.rejected[0].reasons
    assert said.startswith(reason)
    assert "\n" not in str(loaded.rejected[0])
    assert "good" in offered(session)
    assert "spoilt" not in offered(session)


@pytest.mark.parametrize("entry", [None, [], "text", 15])
def test_what_is_no_entry_is_rejected_by_its_number(load, entry):
    loaded = load(make_entry("good"), entry)
    assert [one.entry for one in loaded.rejected] == ["entry 2"]


def test_an_entry_that_spoils_later_stays_as_it_was(load, session):
    load(make_entry())
    loaded = load(make_entry(kind="shop"))
    assert ([one.entry for one in loaded.rejected], loaded.retired) == (["synthetic-centre"], [])
    assert session.get(Provider, "synthetic-centre").kind == "practice"


def test_an_id_that_stands_twice_in_a_file_is_rejected_the_second_time(load, session):
    loaded = load(make_entry(name="Premier"), make_entry(name="Second"))
    assert [str(one) for one in loaded.rejected] == ["city.yaml: synthetic-centre: stands twice in this file"]
    assert session.get(Provider, "synthetic-centre").name == "Premier"


@pytest.mark.parametrize(
    "text", ["providers: [", "- a", "providers: {}", "other: []", "", "providers: []\nother: 1", "a: !!python/none x"]
)
def test_a_file_that_is_no_registry_is_refused_in_one_line_and_nothing_changes(database, session, tmp_path, text):
    file = tmp_path / "city.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RegistryFileError, match=r"city\.yaml") as refused:
        load_registry(database, now=SUNDAY_NIGHT, settings=Settings(data_dir=tmp_path), own_file=file)
    assert "\n" not in str(refused.value)
    assert offered(session) == []


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "city.yaml").write_bytes(b"providers: \xff\xfe")
    with pytest.raises(RegistryFileError, match="not YAML"):
        read_registry([tmp_path / "city.yaml"])


def test_a_setting_that_names_no_file_is_told_as_a_setting(load, tmp_path):
    with pytest.raises(SettingsError, match=r"ALENTOURS_TELECONSULT_PROVIDERS: .*No such file"):
        load(setting=str(tmp_path / "absent.yaml"), own=False)


def test_a_provider_without_a_commune_has_that_of_its_position(load, session):
    load(make_entry(commune=None))
    assert session.get(Provider, "synthetic-centre").commune_code == "75104"


def test_slots_are_searched_by_what_their_provider_says_from_now_on(load, session):
    load(make_entry(sector="1", languages=["fr"], third_party=None, audience="adults"))
    feed = make_feed(session, session.get(Provider, "synthetic-centre"))
    open_calendar = make_schedule(session, feed, "open")
    own_calendar = make_schedule(
        session, feed, "own", sector="none", languages=["de"], third_party=False, audience="adults"
    )
    other = make_schedule(session, make_feed(session, make_provider(session), "other"), "other")
    session.commit()
    load(make_entry(sector="2", languages=["en", "fr"], third_party=True, audience="children"))
    session.expire_all()
    rows = {
        row.schedule_id: (row.languages, row.sector, row.third_party, row.audience)
        for row in session.scalars(select(Service))
    }
    assert rows == {
        open_calendar.id: (",en,fr,", "2", True, "children"),
        own_calendar.id: (",de,", "none", False, "adults"),
        other.id: (",fr,", "1", None, "everybody"),
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_its_words(lang):
    labels = catalogue().booking["providers"]
    wanted = [f"ready_{code}" for code in rules.HAVE_READY]
    wanted += [f"{what}_{kind}" for kind in rules.KINDS for what in ("kind", "what")]
    wanted += [f"granularity_{code}" for code in rules.GRANULARITIES]
    for code in wanted:
        assert labels[code].say(lang)
