"""What the sample insurers offer together is what docgen promises: each document, and a sample of it to look at."""

from __future__ import annotations

import pytest

from docgen.engine import Engine
from tests import samples

CERTIFICATES = {
    "limit-certificate",
    "limit-standard-burden-certificate",
    "specified-disease-certificate",
    "elderly-certificate",
}
FORMS = {
    "card-application",
    "notice-application",
    "former-surname-request",
    "sex-alias-request",
    "uncollectable-report",
}
POSTED = {"mount", "mount-employer", "seal", "envelope", "reply-envelope", "leaflet"}
LISTED = {"recipients-list", "employer-letter"}
OFFER = {
    "association": {"card", "notice", *CERTIFICATES, *POSTED, *LISTED, *FORMS},
    "society": {"card", "notice", "mount", "seal", "recipients-list", "employer-letter", "envelope"},
    "publishers": {"card", "notice", "mount", "elderly-certificate", "card-application", "notice-application"},
    "accountants": {"card", "notice", "mount", "limit-certificate", "elderly-certificate", *LISTED},
}


def test_the_offer_names_nineteen_documents() -> None:
    assert len(set().union(*OFFER.values())) == 19


def test_all_documents_are_offered_by_some_insurer(engine: Engine) -> None:
    assert set(engine.documents) == set().union(*OFFER.values())


def test_there_are_no_insurers_but_those_of_the_offer(engine: Engine) -> None:
    assert set(engine.insurers) == set(OFFER)


@pytest.mark.parametrize("insurer", OFFER)
def test_an_insurer_issues_what_it_offers(engine: Engine, insurer: str) -> None:
    assert set(engine.documents_of(insurer)) == OFFER[insurer]


@pytest.mark.parametrize("insurer", OFFER)
def test_every_document_of_an_insurer_has_a_sample(insurer: str) -> None:
    sampled = {
        document for document in OFFER[insurer] for name in samples.names(document) if samples.insurer(name) == insurer
    }
    assert sampled == OFFER[insurer]
