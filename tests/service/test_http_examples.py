"""The requests under http/ do what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

FOLDER = Path(__file__).parents[2] / "http"


class Example(NamedTuple):
    title: str
    expected: str
    method: str
    path: str
    headers: dict[str, str]
    body: str


def _examples() -> Iterator[Example]:
    for file in sorted(FOLDER.glob("*.http")):
        for block in file.read_text(encoding="utf-8").split("### ")[1:]:
            head, _, body = block.partition("\n\n")
            title, expected, request, *headers = head.splitlines()
            method, address = request.split(" ")
            fields = dict(line.split(": ", 1) for line in headers)
            path = address.removeprefix("{{host}}")
            yield Example(title, expected.removeprefix("# expect: "), method, path, fields, body.strip())


EXAMPLES = list(_examples())


def test_there_is_an_example_for_each_form_and_for_what_is_refused() -> None:
    expected = {example.expected for example in EXAMPLES}
    assert expected >= {"200 application/pdf", "200 image/png", "200 application/json", "422 invalid_date"}


@pytest.mark.parametrize("example", EXAMPLES, ids=[re.sub(r"\W+", "-", example.title) for example in EXAMPLES])
def test_an_example_gets_the_answer_that_it_tells(client: TestClient, example: Example) -> None:
    multipart = example.headers.get("Content-Type", "").startswith("multipart/")
    body = example.body.replace("\n", "\r\n") if multipart else example.body  # as editors send it
    answer = client.request(example.method, example.path, headers=example.headers, content=body.encode())
    told = answer.headers["content-type"]
    if told == "application/problem+json":
        told = answer.json()["code"]
    assert f"{answer.status_code} {told}" == example.expected
