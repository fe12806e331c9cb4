"""The bundled sample, imported once and asked over HTTP."""

from citizen_api.care import stocks, sync
from tests.care.makers import NOW


def test_the_nearest_pharmacy_of_rue_du_temple_is_found_at_a_few_metres(client, database, tmp_path):
    report = sync.run_import(database, stocks.sample_stock(), now=NOW, reports_dir=tmp_path)
    assert report.counts["created"] == 2990

    answer = client.get("/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=pharmacy&limit=3")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    items = answer.json["items"]
    assert items[0]["identifiers"]["finess"] == "750010597"
    assert items[0]["distance_m"] < 10
    assert [item["distance_m"] for item in items] == sorted(item["distance_m"] for item in items)
    assert all(item["sources"] and item["why"] for item in items)
    assert answer.json["emergency"][0]["number"] == "15"
