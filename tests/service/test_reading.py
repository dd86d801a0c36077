"""The routes that read: what there is to make, and what an operator asks."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

import docgen
from docgen.engine import Engine

INSURERS = {"association", "society", "publishers", "accountants"}


def test_the_insurers_are_listed_with_the_documents_they_issue(client: TestClient) -> None:
    listed = client.get("/v1/insurers").json()
    assert {insurer["id"] for insurer in listed} >= INSURERS
    assert all("card" in insurer["documents"] for insurer in listed)
    assert all(insurer["name"] and insurer["number"] for insurer in listed)


def test_the_samples_are_valid_by_the_schema_that_the_service_gives(client: TestClient) -> None:
    schema = client.get("/v1/documents/card/schema")
    assert schema.headers["content-type"] == "application/schema+json"
    samples: dict[str, Any] = client.get("/v1/documents/card/samples").json()
    assert {name.partition("-")[0] for name in samples} == INSURERS
    validator = jsonschema.Draft202012Validator(schema.json())
    for name, record in samples.items():
        assert not list(validator.iter_errors(record)), name


@pytest.mark.parametrize("part", ["schema", "samples"])
def test_an_unknown_document_has_neither_schema_nor_samples(client: TestClient, part: str) -> None:
    answer = client.get(f"/v1/documents/passport/{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_document")


def test_the_layouts_are_listed_with_their_size(client: TestClient) -> None:
    card = next(layout for layout in client.get("/v1/layouts").json() if layout["layout"] == "card")
    assert card["sides"] == ["front", "back"]
    assert (card["page"]["width"], card["page"]["height"], card["page"]["bleed"]) == (86, 54, 3)


def test_documents_that_share_a_layout_are_listed_by_their_own_titles(client: TestClient) -> None:
    titles = {layout["layout"]: layout["title"] for layout in client.get("/v1/layouts").json()}
    assert titles["card"] == "資格確認書"
    assert titles["elderly-certificate"] == "高齢受給者証"


def test_the_schema_of_layouts_is_a_json_schema(client: TestClient) -> None:
    jsonschema.Draft202012Validator.check_schema(client.get("/v1/layouts/schema").json())


def test_the_service_is_alive_and_ready(client: TestClient, engine: Engine) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = {"status": "ready", "version": docgen.__version__, "insurers": len(engine.insurers)}
    assert client.get("/readyz").json() == ready


@pytest.mark.parametrize("address", ["/", "/livez", "/readyz", "/v1/insurers", "/v1/documents/card/schema"])
def test_what_can_be_got_can_be_asked_for_without_its_content(client: TestClient, address: str) -> None:
    got, asked = client.get(address), client.head(address)
    assert (asked.status_code, asked.headers["content-type"]) == (200, got.headers["content-type"])
    assert asked.headers["content-length"] == got.headers["content-length"]


def test_a_document_is_not_made_for_its_head(client: TestClient) -> None:
    answer = client.head("/v1/documents")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_a_page_loads_everything_it_needs_from_the_service_itself(client: TestClient, page: str) -> None:
    html = client.get(page).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert assets
    for address in assets:
        assert address.startswith("/")
        assert client.get(address).status_code == 200


def test_every_element_that_the_pages_script_uses_stands_on_the_page(client: TestClient) -> None:
    html, script = client.get("/").text, client.get("/static/page.js").text
    used = set(re.findall(r'\$\("([a-z-]+)"\)', script))
    assert len(used) > 10
    assert used <= set(re.findall(r'id="([a-z-]+)"', html))


def test_every_control_of_the_page_has_a_label(client: TestClient) -> None:
    html = client.get("/").text
    labelled = set(re.findall(r'<label for="([a-z-]+)"', html))
    for label in re.findall(r"<label(?! for).*?</label>", html, re.DOTALL):
        labelled |= set(re.findall(r'<(?:input|select)[^>]* id="([a-z-]+)"', label))
    assert labelled >= set(re.findall(r'<(?:input|select|textarea)[^>]* id="([a-z-]+)"', html))


def test_the_description_of_the_api_tells_the_body_the_forms_and_the_problems(client: TestClient) -> None:
    issue = client.get("/openapi.json").json()["paths"]["/v1/documents"]["post"]
    body = issue["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"insurer", "document", "record", "options"}
    assert "$ref" not in str(body)
    assert set(issue["responses"]["200"]["content"]) == {"application/pdf", "image/png", "application/json"}
    assert all(
        set(answer["content"]) == {"application/problem+json"}
        for status, answer in issue["responses"].items()
        if status != "200"
    )
    assert {parameter["name"] for parameter in issue["parameters"]} == {"page", "dpi", "overlay"}
