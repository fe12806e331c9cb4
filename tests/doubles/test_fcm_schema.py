import pytest

from tests.doubles.fcm_schema import MAX_TTL_S, discovery_document, limit_violations, schema_violations


def body(**parts):
    return {"message": {"token": "a-token", **parts}}


def field_of(request):
    (violation,) = schema_violations(request)
    return violation.field


def limit_of(request):
    assert schema_violations(request) == []
    (violation,) = limit_violations(request)
    return violation.field


def test_it_reads_googles_own_description():
    assert discovery_document()["name"] == "fcm"
    assert "SendMessageRequest" in discovery_document()["schemas"]


def test_a_whole_message_passes():
    request = {
        "validate_only": True,
        "message": {
            "fid": "an-installation",
            "notification": {"title": "Air", "body": "Mauvais", "image": None},
            "data": {"wave": "12"},
            "android": {
                "collapse_key": "air",
                "priority": "high",
                "ttl": "3600.5s",
                "notification": {
                    "tag": "air:75104",
                    "color": "#FF5050",
                    "notification_count": 1,
                    "event_time": "2026-11-22T21:40:00.000000Z",
                    "vibrate_timings": ["0.2s", "0.1s"],
                    "body_loc_args": ["a"],
                    "light_settings": {"color": {"red": 1, "green": 0.5}, "lightOnDuration": "1s"},
                },
            },
            "apns": {"headers": {"apns-priority": "10"}, "payload": {"aps": {"badge": 3, "nested": [1, None]}}},
            "webpush": {"headers": {"TTL": "60"}, "fcm_options": {"link": "https://ville.example/"}},
            "fcm_options": {"analytics_label": "alerts"},
        },
    }
    assert schema_violations(request) == []
    assert limit_violations(request) == []


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        ([], ""),
        ({"message": "text"}, "message"),
        ({"message": {}, "dry_run": True}, ""),
        ({"message": {}, "validate_only": "true"}, "validate_only"),
        (body(colour="red"), "message"),
        (body(token=12), "message.token"),
        (body(notification={"titre": "Air"}), "message.notification"),
        (body(notification={"title": 5}), "message.notification.title"),
        (body(data={"level": 4}), "message.data[0].value"),
        (body(data={"a": "1", "level": None}), "message.data[1].value"),
        (body(data=["a"]), "message.data"),
        (body(android={"priority": "urgent"}), "message.android.priority"),
        (body(android={"ttl": 3600}), "message.android.ttl"),
        (body(android={"ttl": "3600"}), "message.android.ttl"),
        (body(android={"notification": {"notificationCount": 1.5}}), "message.android.notification.notification_count"),
        (
            body(android={"notification": {"notificationCount": True}}),
            "message.android.notification.notification_count",
        ),
        (
            body(android={"notification": {"notificationCount": 2**31}}),
            "message.android.notification.notification_count",
        ),
        (body(android={"notification": {"sticky": "yes"}}), "message.android.notification.sticky"),
        (body(android={"notification": {"eventTime": "tomorrow"}}), "message.android.notification.event_time"),
        (
            body(android={"notification": {"eventTime": "2026-11-22T21:40:00"}}),
            "message.android.notification.event_time",
        ),
        (body(android={"notification": {"bodyLocArgs": "a"}}), "message.android.notification.body_loc_args"),
        (body(android={"notification": {"bodyLocArgs": ["a", 2]}}), "message.android.notification.body_loc_args[1]"),
        (
            body(android={"notification": {"lightSettings": {"color": {"red": "1"}}}}),
            "message.android.notification.light_settings.color.red",
        ),
        (body(apns={"payload": "x"}), "message.apns.payload"),
        (body(webpush={"notification": {"tag": "t"}, "ttl": "1"}), "message.webpush"),
    ],
)
def test_what_the_description_does_not_allow_is_named_by_its_path(request_body, field):
    assert field_of(request_body) == field


def test_every_schema_of_the_description_can_be_checked():
    message = {
        name: {}
        for name, schema in discovery_document()["schemas"]["Message"]["properties"].items()
        if "$ref" in schema
    }
    assert schema_violations({"message": message}) == []


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        ({}, "message"),
        ({"message": {"notification": {"title": "Air"}}}, "message"),
        (body(topic="everybody"), "message"),
        (body(token=""), "message.token"),
        (body(android={"ttl": f"{MAX_TTL_S + 1}s"}), "message.android.ttl"),
        (body(android={"ttl": "-1s"}), "message.android.ttl"),
        (body(android={"notification": {"color": "red"}}), "message.android.notification.color"),
        (body(data={"google.x": "1"}), "message.data"),
        (body(android={"data": {"from": "1"}}), "message.android.data"),
        (body(data={"text": "é" * 2_048}), "message"),
        (body(fcm_options={"analytics_label": "not a label"}), "message.fcm_options.analytics_label"),
        (body(webpush={"headers": {"TTL": "soon"}}), "message.webpush.headers[TTL]"),
        (body(webpush={"fcmOptions": {"link": "http://ville.example/"}}), "message.webpush.fcm_options.link"),
    ],
)
def test_what_stands_in_words_only_is_refused_too(request_body, field):
    assert limit_of(request_body) == field


def test_the_address_does_not_count_towards_the_size():
    assert limit_violations(body(token="t" * 5_000, data={"text": "a" * 4_000})) == []
