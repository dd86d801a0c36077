"""Bad input over HTTP: each case has its code, says where it is, and all of them come at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from docgen.errors import CODES

Order = dict[str, Any]


def _set(record: dict[str, Any], pointer: str, value: Any) -> None:
    *parents, last = pointer.split("/")[1:]
    for parent in parents:
        record = record[parent]
    record[last] = value


def _problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == problem["status"] == status
    assert {"type", "title", "status", "detail", "code", "violations"} <= set(problem)
    assert problem["code"] in CODES
    assert problem["code"] == problem["violations"][0]["code"]
    return problem


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/nickname", "x", "unknown_key"),
        ("/person/nickname", "x", "unknown_key"),
        ("/number", 1234567, "wrong_type"),
        ("/person/born_on", "1999-13-31", "invalid_date"),
        ("/person/born_on", "1985-04-31", "invalid_date"),
        ("/person/born_on", "1985-4-1", "invalid_date"),
        ("/person/born_on", "1872-12-31", "date_too_early"),
        ("/person/born_on", "2031-01-01", "birth_in_future"),
        ("/acquired_on", "1980-01-01", "dates_out_of_order"),
        ("/number", "12３４567", "mixed_width"),
        ("/person/family", "", "missing_value"),
        ("/person/family", "\u3000", "missing_value"),
        ("/person/family", "見\n本", "control_character"),
        ("/person/family", "見\u202e本", "bidi_override"),
        ("/person/family", "見\u200b本", "zero_width_character"),
        ("/person/family", "\ue000本", "private_use_character"),
        ("/person/family", "見\U000e01ef本", "unknown_sequence"),
        ("/person/family", "見\U0001f600本", "missing_glyph"),
        ("/person/family", "見本" * 40, "does_not_fit"),
        ("/relationship", "99", "unknown_code"),
        ("/branch", "7", "invalid_branch"),
        ("/person/born_on", "1940-01-01", "age_75_reached"),
        ("/person/born_on", "1952-02-29", "ratio_required"),
    ],
)
def test_what_is_wrong_in_the_record_is_named_with_its_place(
    client: TestClient, order: Order, pointer: str, value: object, code: str
) -> None:
    _set(order["record"], pointer, value)
    problem = _problem(client.post("/v1/documents", json=order), 422)
    found = [violation for violation in problem["violations"] if violation["code"] == code]
    assert found, problem
    assert all(violation["pointer"].startswith("/") for violation in found)
    assert all(violation["message"] for violation in found)


def test_a_required_value_may_not_be_missing(client: TestClient, order: Order) -> None:
    del order["record"]["number"]
    problem = _problem(client.post("/v1/documents", json=order), 422)
    assert [(v["code"], v["pointer"]) for v in problem["violations"]] == [("missing_value", "/number")]


def test_all_violations_of_a_record_come_together(client: TestClient, order: Order) -> None:
    order["record"]["person"] |= {"family": "見\u202e本", "born_on": "1985-02-30"}
    order["record"]["nickname"] = "x"
    problem = _problem(client.post("/v1/documents", json=order), 422)
    assert {v["code"] for v in problem["violations"]} >= {"bidi_override", "invalid_date", "unknown_key"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"insurer": "nobody"}, 404, "unknown_insurer"),
        ({"document": "passport"}, 404, "unknown_document"),
        ({"insurer": 7}, 422, "wrong_type"),
        ({"record": []}, 422, "wrong_type"),
        ({"colour": "red"}, 422, "unknown_key"),
        ({"options": {"watermark": True}}, 422, "unknown_key"),
        ({"options": {"specimen": "yes"}}, 422, "wrong_type"),
        ({"options": {"accessible": 1}}, 422, "wrong_type"),
        ({"options": {"issued_on": "2025-02-30"}}, 422, "invalid_date"),
        ({"options": {"issued_on": "20250801"}}, 422, "invalid_date"),
        ({"options": {"issued_on": 1754006400}}, 422, "invalid_date"),
    ],
)
def test_what_is_wrong_around_the_record_is_named(
    client: TestClient, order: Order, change: dict[str, Any], status: int, code: str
) -> None:
    assert _problem(client.post("/v1/documents", json={**order, **change}), status)["code"] == code


def _post(client: TestClient, body: bytes, content_type: str = "application/json") -> Any:
    return client.post("/v1/documents", content=body, headers={"Content-Type": content_type})


def test_malformed_json_is_refused_with_line_and_column(client: TestClient) -> None:
    problem = _problem(_post(client, b'{\n  "insurer": association\n}'), 400)
    assert problem["code"] == "malformed_json"
    assert problem["detail"].startswith("line 2, column 14: ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"\xff\xfe{}", "malformed_json"),
        (b'{"insurer": NaN}', "malformed_json"),
        (b'{"insurer": -Infinity}', "malformed_json"),
        (b'{"insurer": 1e999}', "malformed_json"),
        (b'{"insurer": "\\ud800"}', "malformed_json"),
        (b"[" * 900 + b"]" * 900, "wrong_type"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"insurer": "a", "insurer": "b"}', "duplicate_key"),
        (b'{"record": {"person": {"family": "a", "family": "b"}}}', "duplicate_key"),
        (b'{"insurer": "a", "\\u0069nsurer": "b"}', "duplicate_key"),
    ],
)
def test_a_body_that_is_not_one_unambiguous_json_text_is_refused(client: TestClient, body: bytes, code: str) -> None:
    answer = _post(client, body)
    assert _problem(answer, CODES[code][0])["code"] == code


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "utf-16"])
def test_a_body_in_another_encoding_is_told_so(client: TestClient, order: Order, encoding: str) -> None:
    problem = _problem(_post(client, json.dumps(order, ensure_ascii=False).encode(encoding)), 400)
    (violation,) = problem["violations"]
    assert violation["code"] == "malformed_json"
    assert "is not UTF-8" in violation["message"]
    assert "Shift_JIS" in violation["hint"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"card"', b"7"])
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert _problem(_post(client, body), 422)["code"] == "wrong_type"


def test_a_byte_order_mark_before_the_json_does_no_harm(client: TestClient, order: Order) -> None:
    assert _post(client, b"\xef\xbb\xbf" + json.dumps(order).encode()).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(client: TestClient, order: Order, content_type: str) -> None:
    answer = _post(client, json.dumps(order).encode(), content_type)
    assert _problem(answer, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "query", ["dpi=35", "dpi=601", "dpi=x", "page=0", "overlay=bleed", "overlay=trim;safe", "dip=300"]
)
def test_a_query_parameter_out_of_bounds_is_refused(client: TestClient, order: Order, query: str) -> None:
    answer = client.post(f"/v1/documents?{query}", json=order, headers={"Accept": "image/png"})
    assert _problem(answer, 400)["code"] == "invalid_parameter"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("?limit=0", "limit: 1 to 200. How many at the most."),
        ("?before=abc", "before: Older ones than this batch: see `next`."),
        ("/abc", "batch: The batch's id, as GET /v1/batches lists it."),
        (f"/{'0' * 32}/package?side=both", "side: vendor or issuer"),
        (f"/{'0' * 32}/package/both/cards-0001.pdf", "side: vendor or issuer"),
    ],
)
def test_the_hint_at_a_wrong_parameter_is_of_its_own_route(client: TestClient, path: str, hint: str) -> None:
    (violation,) = _problem(client.get(f"/v1/batches{path}"), 400)["violations"]
    assert (violation["code"], violation["hint"]) == ("invalid_parameter", hint)


def test_the_hint_at_a_wrong_header_is_the_headers(client: TestClient) -> None:
    answer = client.post("/v1/batches", headers={"Idempotency-Key": "a" * 256})
    (violation,) = _problem(answer, 400)["violations"]
    assert violation["hint"].startswith("idempotency-key: ")


def test_the_hint_at_a_parameter_of_a_picture_says_its_limits_and_names(client: TestClient, order: Order) -> None:
    def told(query: str) -> tuple[str, str]:
        answer = client.post(f"/v1/documents?{query}", json=order, headers={"Accept": "image/png"})
        (violation,) = _problem(answer, 400)["violations"]
        return violation["message"], violation["hint"]

    assert told("dpi=35") == ("must be 36 or more", "dpi: 36 to 600. Dots per inch.")
    assert told("dip=300") == ("unknown key: dip", "allowed: page, dpi, overlay")


@pytest.mark.parametrize("accept", ["application/pdf", "application/json", "*/*"])
def test_a_page_is_picked_for_pictures_alone(client: TestClient, order: Order, accept: str) -> None:
    answer = client.post("/v1/documents?page=5&dpi=72", json=order, headers={"Accept": accept})
    problem = _problem(answer, 400)
    assert [(v["code"], v["pointer"]) for v in problem["violations"]] == [
        ("invalid_parameter", "/query/dpi"),
        ("invalid_parameter", "/query/page"),
    ]
    assert "image/png" in problem["violations"][0]["hint"]


def test_an_unknown_key_is_named_in_the_message(client: TestClient, order: Order) -> None:
    problem = _problem(client.post("/v1/documents", json={**order, "options": {"watermark": True}}), 422)
    assert problem["detail"] == "unknown key: watermark"


def test_a_page_that_there_is_not_is_refused(client: TestClient, order: Order) -> None:
    answer = client.post("/v1/documents?page=3", json=order, headers={"Accept": "image/png"})
    assert _problem(answer, 404)["code"] == "no_such_page"


def test_an_address_that_there_is_not_and_a_method_that_it_does_not_answer(client: TestClient) -> None:
    assert _problem(client.get("/v2/documents"), 404)["code"] == "not_found"
    assert _problem(client.get("/static/nothing.css"), 404)["code"] == "not_found"
    answer = client.get("/v1/documents")
    assert _problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"
