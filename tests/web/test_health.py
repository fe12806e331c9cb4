"""Health for load balancers: whether the process lives, and whether it can answer."""


def test_a_ready_process_says_how_its_database_and_directory_are(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    checks = answer.get_json()["checks"]
    assert checks["database"] == {"ok": True}
    assert checks["directory"]["ok"] is True
    assert {"facilities", "age_s"} <= set(checks["directory"])


def test_the_age_of_the_directory_grows_with_the_clock(client, clock):
    from datetime import timedelta  # noqa: PLC0415

    first = client.get("/readyz").get_json()["checks"]["directory"]["age_s"]
    clock.moment += timedelta(minutes=5)
    assert client.get("/readyz").get_json()["checks"]["directory"]["age_s"] == first + 300
