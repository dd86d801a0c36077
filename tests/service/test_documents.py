"""POST /v1/documents: one document in three forms, over the real engine."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from docgen.engine import Engine, Options, preflight

Order = dict[str, Any]


def test_a_record_comes_back_as_a_pdf_that_preflight_accepts(client: TestClient, order: Order) -> None:
    answer = client.post("/v1/documents", json=order)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["docgen-page-count"] == "2"
    assert list(preflight(answer.content)) == []


def test_the_service_gives_the_bytes_that_the_engine_makes(client: TestClient, order: Order, engine: Engine) -> None:
    answer = client.post("/v1/documents", json=order)
    assert answer.content == engine.render("card", "association", order["record"]).pdf


def test_json_tells_what_was_printed_and_how_it_fitted(client: TestClient, order: Order) -> None:
    report = client.post("/v1/documents", json=order, headers={"Accept": "application/json"}).json()
    pdf = client.post("/v1/documents", json=order).content
    assert report["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert [page["side"] for page in report["pages"]] == ["front", "back"]
    assert report["issued_on"] == order["record"]["issued_on"]
    assert report["expiry_reason"]
    assert {"element", "condensed", "size", "nominal", "lines", "omitted"} <= set(report["fits"][0])


@pytest.mark.parametrize("dpi", [36, 300, 600])
def test_a_page_comes_as_a_picture_of_the_size_asked_for(client: TestClient, order: Order, dpi: int) -> None:
    answer = client.post(f"/v1/documents?page=2&dpi={dpi}", json=order, headers={"Accept": "image/png"})
    assert answer.headers["docgen-page-count"] == "2"
    width, height = Image.open(io.BytesIO(answer.content)).size
    assert width == pytest.approx((86 + 6) / 25.4 * dpi, abs=1.5)
    assert height == pytest.approx((54 + 6) / 25.4 * dpi, abs=1.5)


def test_the_pages_of_a_document_are_different_pictures(client: TestClient, order: Order) -> None:
    front, back = (
        client.post(f"/v1/documents?page={page}&dpi=72", json=order, headers={"Accept": "image/png"}).content
        for page in (1, 2)
    )
    assert front != back


def test_each_overlay_changes_the_picture(client: TestClient, order: Order) -> None:
    pictures = {
        client.post(f"/v1/documents?dpi=72&overlay={overlay}", json=order, headers={"Accept": "image/png"}).content
        for overlay in ("", "trim", "safe", "trim,safe")
    }
    assert len(pictures) == 4


def test_an_accessible_notice_is_asked_for_by_an_option(client: TestClient, order: Order, engine: Engine) -> None:
    record = engine.samples("notice")["association-insured"]
    notice = {"insurer": "association", "document": "notice", "record": record, "options": {"accessible": True}}
    answer = client.post("/v1/documents", json=notice)
    assert answer.content == engine.render("notice", "association", record, Options(accessible=True)).pdf
    report = client.post("/v1/documents", json=notice, headers={"Accept": "application/json"}).json()
    assert report["sha256"] == hashlib.sha256(answer.content).hexdigest()
    refused = client.post("/v1/documents", json={**order, "options": {"accessible": True}})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_accessible")


def test_the_specimen_mark_is_switched_by_the_options(client: TestClient, order: Order) -> None:
    marked, as_recorded, plain = (
        client.post("/v1/documents", json={**order, "options": options}).content
        for options in ({"specimen": True}, {}, {"specimen": False})
    )
    assert order["record"]["specimen"] is True
    assert marked == as_recorded != plain


def test_the_jobs_date_of_issue_serves_a_record_without_one(client: TestClient, order: Order) -> None:
    del order["record"]["issued_on"]
    order["options"] = {"issued_on": "2025-08-01"}
    answer = client.post("/v1/documents", json=order, headers={"Accept": "application/json"})
    assert answer.json()["issued_on"] == "2025-08-01"


def test_nothing_between_caller_and_service_may_keep_a_persons_document(client: TestClient, order: Order) -> None:
    for accept in ("application/pdf", "image/png", "application/json"):
        answer = client.post("/v1/documents", json=order, headers={"Accept": accept})
        assert answer.headers["cache-control"] == "no-store"
    assert client.post("/v1/documents", json={}).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/pdf"),
        ("*/*", "application/pdf"),
        ("image/*", "image/png"),
        ("application/json, application/pdf;q=0.9", "application/json"),
        ("application/pdf;q=0.2, image/png;q=0.3, */*;q=0.1", "image/png"),
        ("application/pdf;q=0, application/*", "application/json"),
        ("text/html, */*;q=0.8", "application/pdf"),
        ("APPLICATION/JSON", "application/json"),
    ],
)
def test_the_accept_header_chooses_the_form(client: TestClient, order: Order, accept: str | None, media: str) -> None:
    request = client.build_request("POST", "/v1/documents", json=order)
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    assert client.send(request).headers["content-type"] == media


@pytest.mark.parametrize("accept", ["text/html", "application/pdf;q=0", "application/pdf;q=nonsense", "image/jpeg"])
def test_a_form_that_there_is_not_is_refused(client: TestClient, order: Order, accept: str) -> None:
    answer = client.post("/v1/documents", json=order, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
