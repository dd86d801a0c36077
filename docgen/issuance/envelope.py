"""Envelopes: the one with a window, the large one that is addressed itself, and the one for replies.

Postage marks are the profile's. That of deferred or separate payment (料金後納, 料金別納) is a circle or square of 2 to
3 cm with the office of posting in its upper part
(https://otayoripost.net/yubintokitte/kokunai/nai-short/betukonohyoji.html); that of a reply paid by the insurer
(料金受取人払) has the approving office, its number and the last day on which it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from docgen.errors import RecordError, Violation
from docgen.issuance import addressee, card
from docgen.issuance.addressee import Addressee, PieceNumber, address_block
from docgen.issuance.catalogue import INSURER_TEXTS
from docgen.issuance.eras import running
from docgen.issuance.items import PART, Catalogue, ItemSpec, PrintItems, Row, Substitution, always
from docgen.issuance.profile import Endorsement, EnvelopeSettings, InsurerProfile, ReplySettings, Writing
from docgen.issuance.record import Day, Key, Model
from docgen.issuance.rules import ISSUED_ON_MISSING

ENDORSEMENTS: dict[Endorsement, str] = {
    "confidential": "親展",
    "important": "重要",
    "certificate_enclosed": "資格確認書在中",
    "notice_enclosed": "資格情報のお知らせ在中",
}
_POSTAGE = {"deferred": "料金後納", "separate": "料金別納"}
_POSTAL_CODE = re.compile(r"〒?\s*([0-9]{3})-?([0-9]{4})\s+")

_SENDER = {
    **INSURER_TEXTS,
    "sender.postal_code": ItemSpec(
        "〒 and the postal code of the insurer's address, if it begins with one", constant=True
    ),
    "sender.address": ItemSpec("the insurer's address without its postal code", constant=True),
}
_WRITING = {
    "writing.is_vertical": "Vertical writing (縦書き): as the record says, or else the profile.",
    "document.is_specimen": "見本 stands across the page.",
}

CATALOGUE = Catalogue(
    texts={
        **addressee.TEXTS,
        **_SENDER,
        "postage.office": ItemSpec("差出局名 of the postage mark", when="postage.has_mark"),
        "postage.text": ItemSpec("料金後納郵便 or 料金別納郵便, in two parts", when="postage.has_mark"),
    },
    flags={
        **addressee.FLAGS,
        **_WRITING,
        "postage.has_mark": "The profile has a postage mark; without one, stamps are stuck on.",
        "mail.is_tracked": "The piece goes by 特定記録.",
        "mail.is_not_forwarded": "転送不要: the profile does not let mail follow people who moved.",
        "window.has_guide": "The window's outline has a plate of its own, which is not printed.",
    },
    lists={
        "endorsements": Catalogue(
            texts={"endorsement.text": ItemSpec("what the envelope says of itself: 親展, 重要, 資格確認書在中")},
            flags={"endorsement.is_short": "It has two characters."},
            needed=always("endorsement.text"),
        )
    },
    # To whom mail that cannot be delivered goes back, and what the post asks of a postage mark.
    needed=always("insurer.name", "sender.postal_code", "sender.address", "postage.office", "postage.text"),
)

REPLY_CATALOGUE = Catalogue(
    texts={
        **_SENDER,
        "reply.office": ItemSpec("the approving office with 承認"),
        "reply.number": ItemSpec("承認番号"),
        "reply.valid_until": ItemSpec("the last day on which the mark holds, with まで"),
        "reply.code_area": ItemSpec("the first three digits of the postal code, for their boxes"),
        "reply.code_rest": ItemSpec("its other four"),
        "reply.address": ItemSpec("the insurer's address, as the envelope says it"),
        "reply.name": ItemSpec("to whom: the insurer"),
        "reply.section": ItemSpec("the section with 行", when="reply.has_section"),
        "reply.serial": ItemSpec("整理番号, three digits under the barcode", when="reply.has_serial"),
        "reply.barcode": ItemSpec("the text of the customer barcode", when="reply.has_serial"),
    },
    flags={
        **_WRITING,
        "reply.is_deferred": "The insurer settles the postage later (後納): the mark's frame is double.",
        "reply.has_section": "A section is named.",
        "reply.has_serial": "The postal code has a serial number (整理番号), and so the customer barcode.",
    },
    # https://envelope.99print.com/?page_id=421, https://post.japanpost.jp/zipcode/zipmanual/p23.html
    needed=(
        *always("reply.office", "reply.number", "reply.valid_until", "reply.code_area", "reply.code_rest"),
        *always("reply.address", "reply.name", "reply.section", "reply.serial", "reply.barcode"),
    ),
)


class EnvelopeRecord(Model):
    """One envelope: of a run that is the same for all if it has a window, or addressed to one of them."""

    key: Key | None = Field(default=None, description="the caller's own key; never printed")
    specimen: bool = Field(default=False, description="見本 stands across the page")
    issued_on: Day | None = Field(default=None, description="the file's date; the job's date of issue if absent")
    writing: Writing | None = Field(default=None, description="instead of the profile's")
    endorsements: Annotated[tuple[Endorsement, ...], Field(max_length=3, strict=False)] | None = Field(
        default=None, description="instead of the profile's, in the order in which they are printed"
    )
    tracked: bool = Field(default=False, description="特定記録 is printed, and the label's place is kept free")
    piece_id: PieceNumber | None = Field(
        default=None, description="number of the piece of mail, on an addressed envelope: S0001-00000012M-1/2"
    )
    addressee: Addressee | None = Field(
        default=None, description="to whom it goes: required without a window, not allowed with one"
    )


class ReplyEnvelopeRecord(Model):
    """One run of reply envelopes (返信用封筒): the same for everybody, so it holds nothing of a person."""

    key: Key | None = Field(default=None, description="the caller's own key; never printed")
    specimen: bool = Field(default=False, description="見本 stands across the page")
    issued_on: Day | None = Field(default=None, description="the day of printing; the job's date of issue if absent")
    writing: Writing | None = Field(default=None, description="instead of the profile's")


def sender_constants(profile: InsurerProfile) -> dict[str, str]:
    """The insurer's constants on an envelope: the postal code stands apart from the address."""
    found = _POSTAL_CODE.match(profile.address)
    return {
        **card.constants(profile),
        "sender.postal_code": f"〒{found[1]}-{found[2]}" if found else "",
        "sender.address": (profile.address[found.end() :] if found else profile.address).replace(" ", f" {PART}"),
    }


def issue_envelope(record: EnvelopeRecord, profile: InsurerProfile, issued_on: date | None = None) -> PrintItems:
    """Everything that this envelope prints. Raises RecordError with every rule that the record breaks."""
    settings = profile.documents.envelope
    if settings is None:
        raise ValueError(f"{profile.id} issues no envelopes")
    used: list[Substitution] = []
    violations = list(_window_violations(record, settings))
    block = None
    if record.addressee is not None and not violations:
        # 特定記録 is an option, and mail with options has no discount.
        discounted = record.addressee.discounted and not record.tracked
        to = record.addressee.model_copy(update={"discounted": discounted})
        block = address_block(to, record.piece_id, profile, used, violations)
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError([ISSUED_ON_MISSING, *violations])
    if violations:
        raise RecordError(violations)
    postage = settings.postage
    endorsements = settings.endorsements if record.endorsements is None else record.endorsements
    return PrintItems(
        texts={
            **(block.texts if block else {}),
            "postage.office": postage.office if postage else "",
            "postage.text": f"{_POSTAGE[postage.kind]}\n郵便" if postage else "",
        },
        flags={
            **(block.flags if block else dict.fromkeys(addressee.FLAGS, False)),
            **_writing_flags(record, settings),
            "postage.has_mark": postage is not None,
            "mail.is_tracked": record.tracked,
            "mail.is_not_forwarded": not settings.forwarded,
            "window.has_guide": settings.window_guide,
        },
        pointers=block.pointers if block else {},
        issued_on=issued,
        lists={"endorsements": tuple(_endorsement(ENDORSEMENTS[kind]) for kind in endorsements)},
        omitted=block.omitted if block else {},
        substitutions=tuple(used),
    )


def _endorsement(text: str) -> Row:
    return Row({"endorsement.text": text}, {"endorsement.is_short": len(text) == 2})


def _window_violations(record: EnvelopeRecord, settings: EnvelopeSettings) -> Iterator[Violation]:
    """An addressee where there is no window, and nowhere else."""
    if settings.size == "long-3":
        for key in ("addressee", "piece_id"):
            if getattr(record, key) is not None:
                message = "an envelope with a window prints no addressee: what lies in it shows through"
                yield Violation("value_not_applicable", message, f"leave {key} out", pointer=f"/{key}")
    elif record.addressee is None:
        message, hint = "this envelope has no window", "give the addressee"
        yield Violation("missing_value", message, hint, pointer="/addressee")
    if record.endorsements is not None and len(set(record.endorsements)) < len(record.endorsements):
        message, hint = "an endorsement stands twice", "give each once"
        yield Violation("not_allowed", message, hint, pointer="/endorsements")


def reply_mark_violation(profile: InsurerProfile, issued_on: date) -> Violation | None:
    """Why the reply-paid mark does not hold on a day; None if it does, or if the insurer has none."""
    settings = profile.documents.reply_envelope
    if settings is None:
        return None
    paid = settings.paid
    if issued_on > paid.valid_until:
        message = f"the approval of the reply-paid mark ended on {paid.valid_until}"
        hint = "renew it, and change valid_until in the insurer's profile"
        return Violation("expired_at_issue", message, hint, pointer="/issued_on")
    if issued_on < paid.approved_on:
        message = f"the reply-paid mark was not approved before {paid.approved_on}"
        hint = "give a later issued_on, or mend approved_on in the insurer's profile"
        return Violation("dates_out_of_order", message, hint, pointer="/issued_on")
    return None


def issue_reply_envelope(
    record: ReplyEnvelopeRecord, profile: InsurerProfile, issued_on: date | None = None
) -> PrintItems:
    """Everything that the reply envelope prints. Raises RecordError if the mark does not hold on the day of issue."""
    settings = profile.documents.reply_envelope
    if settings is None:
        raise ValueError(f"{profile.id} issues no reply envelopes")
    issued = record.issued_on or issued_on
    if issued is None:
        raise RecordError(ISSUED_ON_MISSING)
    if violation := reply_mark_violation(profile, issued):
        raise RecordError(violation)
    paid = settings.paid
    digits = settings.postal_code.replace("-", "")
    return PrintItems(
        texts={
            "reply.office": f"{paid.office}承認",
            "reply.number": paid.number,
            "reply.valid_until": f"{running(paid.valid_until, None, profile.dates.first_year)}まで",
            "reply.code_area": digits[:3],
            "reply.code_rest": digits[3:],
            "reply.address": settings.address.replace(" ", f" {PART}"),
            "reply.name": profile.name,
            "reply.section": f"{settings.section}　行" if settings.section else "行",
            "reply.serial": settings.serial or "",
            "reply.barcode": digits + settings.serial if settings.serial else "",
        },
        flags={
            **_writing_flags(record, settings),
            "reply.is_deferred": paid.deferred,
            "reply.has_section": settings.section is not None,
            "reply.has_serial": settings.serial is not None,
        },
        pointers={},
        issued_on=issued,
    )


def _writing_flags(
    record: EnvelopeRecord | ReplyEnvelopeRecord, settings: EnvelopeSettings | ReplySettings
) -> dict[str, bool]:
    writing: Literal["horizontal", "vertical"] = record.writing or settings.writing
    return {"writing.is_vertical": writing == "vertical", "document.is_specimen": record.specimen}
