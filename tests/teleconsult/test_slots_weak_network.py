"""What is told of slots to who says that the network is weak."""

from datetime import timedelta

import pytest

from tests.teleconsult.slot_answers import ANTONY, IN_ANTONY, IN_PARIS, NINE, PARIS, codes, modalities, text_of


def test_on_a_weak_network_video_stands_last_and_a_booth_or_a_phone_is_offered(ask, offer):
    offer("video")
    offer("booth", at=IN_PARIS, modality="assisted", start=NINE + timedelta(hours=5))
    answer = ask(network="weak", specialty="general-practice")
    assert modalities(answer) == ["assisted", "video"]
    assert "booth" in text_of(answer, "slots_weak_network")
    assert "phone" in text_of(answer, "slots_weak_network")
    assert {item["why"]["code"] for item in answer.json["items"]} == {"weak_network"}


@pytest.mark.parametrize("place", [{}, PARIS], ids=["anywhere", "near"])
def test_on_a_weak_network_booths_and_practices_of_later_days_fill_the_answer_before_video(ask, offer, place):
    for number in range(4):
        offer(f"video-{number}", start=NINE + timedelta(minutes=number))
    offer("booth", at=IN_PARIS, modality="assisted", start=NINE + timedelta(days=3))
    offer("practice", at=IN_PARIS, modality="practice", start=NINE + timedelta(days=4))
    asked = {"network": "weak", "specialty": "general-practice", **place}
    assert modalities(ask(**asked, limit=3)) == ["assisted", "practice", "video"]
    assert modalities(ask(**asked, limit=2)) == ["assisted", "practice"]


@pytest.mark.parametrize("place", [{}, PARIS], ids=["anywhere", "near"])
def test_on_a_weak_network_where_only_video_is_found_it_is_said_and_the_phone_is_offered(ask, offer, place):
    offer("video")
    answer = ask(network="weak", specialty="general-practice", **place)
    assert "slots_weak_network" not in codes(answer)
    assert "no booth that meets this request is known in these days" in text_of(answer, "slots_weak_no_booth")
    assert "116 117" in text_of(answer, "slots_weak_no_booth")


def test_no_booth_is_said_to_be_missing_where_none_was_looked_for(ask, offer):
    offer("video")
    offer("booth", at=IN_PARIS, modality="assisted")
    answer = ask(network="weak", specialty="general-practice", modality="video")
    assert "slots_weak_no_booth" not in codes(answer)
    assert "booth" in text_of(answer, "slots_weak_network")


@pytest.mark.parametrize(
    ("network", "first"), [({}, "booths and video"), ({"network": "weak"}, "booths")], ids=["usual", "weak"]
)
def test_where_doctors_are_short_only_what_does_rise_is_said_to(ask, offer, network, first):
    offer("booth", at=IN_ANTONY, modality="assisted")
    answer = ask(**ANTONY, **network, specialty="general-practice")
    assert text_of(answer, "slots_few_doctors").endswith(f"So each day, {first} are shown first.")
    assert f"By day, {first} first, then by time" in answer.json["items"][0]["why"]["text"]


def test_on_a_weak_network_where_doctors_are_short_each_item_says_its_own_reason(ask, offer):
    offer("video")
    offer("booth", at=IN_ANTONY, modality="assisted")
    answer = ask(**ANTONY, network="weak", specialty="general-practice")
    assert [item["why"]["code"] for item in answer.json["items"]] == ["few_doctors", "weak_network"]
