"""How an issuance system's extract is read, and what is made of it: the section `bulk:` of an insurer's profile."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from docgen.issuance.base import Line, Model, as_tuple

Target = Literal[
    "household",
    "symbol",
    "number",
    "branch",
    "relationship",
    "membership",
    "person.family",
    "person.given",
    "person.family_kana",
    "person.given_kana",
    "person.full_name",
    "person.full_kana",
    "person.former_surname",
    "person.alias.name",
    "person.alias.kana",
    "person.sex",
    "person.sex_masked",
    "person.born_on",
    "acquired_on",
    "certified_on",
    "continuation_ends_on",
    "residence_until",
    "expires_by",
    "issued_on",
    "burden.ratio",
    "burden.effective_on",
    "burden.pending.ratio",
    "burden.pending.effective_on",
    "individual_number_last4",
    "address.postal_code",
    "address.area",
    "address.rest",
    "address.full",
    "address.building",
    "employer.symbol",
    "employer.name",
    "employer.address.postal_code",
    "employer.address.area",
    "employer.address.rest",
    "employer.address.full",
    "employer.address.building",
]
TARGETS: tuple[Target, ...] = get_args(Target)
DATES = frozenset(target for target in TARGETS if target.endswith(("_on", "_until", "_by")))
RATIOS = frozenset(target for target in TARGETS if target.endswith(".ratio"))
FLAGS = frozenset({"person.sex_masked"})
WHOLE_NAMES: dict[Target, Target] = {"person.given": "person.full_name", "person.given_kana": "person.full_kana"}

_NEEDED: tuple[Target, ...] = ("household", "number", "relationship", "person.born_on")
_DELIVERED_BY: dict[str, tuple[Target, ...]] = {
    "home": ("address.postal_code",),
    "employer": ("employer.symbol", "employer.name", "employer.address.postal_code", "address.postal_code"),
    "lists": ("employer.symbol", "employer.name"),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Column(Model):
    """One column: the value that it holds, written as `HEADER: target` where nothing else is to be said.

    `values` translates each text that may stand in the column; one that is not there is a violation, and null means
    that the value is absent. `holds_whole_name`: where the family name's column is empty, this one holds the whole name
    (of people without the split), so that it becomes `person.full_name`; and so with readings, whose family column may
    be empty by itself: `person.full_kana`.
    """

    to: Target
    values: Annotated[dict[str, Line | bool | None], Field(min_length=1)] | None = None
    holds_whole_name: bool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.holds_whole_name and self.to not in WHOLE_NAMES:
            raise ValueError(f"holds_whole_name goes with {' and '.join(WHOLE_NAMES)} only")
        flags = [isinstance(value, bool) for value in (self.values or {}).values() if value is not None]
        if self.to in FLAGS and (not flags or not all(flags)):
            raise ValueError(f"{self.to} needs values that are true or false")
        if self.to not in FLAGS and any(flags):
            raise ValueError(f"true and false are no values of {self.to}")
        return self


def _as_column(value: Any) -> Any:
    return {"to": value} if isinstance(value, str) else value


Enclosure = Literal["leaflet", "seal", "reply-envelope"]
MailDocument = Literal["card", "mount", "notice", "recipients-list"]


class Delivery(Model):
    """A delivery policy: to whom the pieces go, what is in them, and the targets by whose values they are sorted.

    `enclosures` are put into each envelope of people's besides, the same for all: the list of pieces names them to the
    vendor. Letters and lists to employers go without.
    `tracked`: the pieces go by 特定記録, and so without the barcode's discount: with the profile's
    `mail.customer_barcode: only_when_discounted` they have no barcode, and no address is refused for one. A delivery of
    lists says it of the mail that it runs ahead of.
    `returned` names the policy by which mail that came back is made again, as for the employer; else it is the same.

    `lists` makes a list of recipients for each employer and no mail to people: a run ahead of the other. Households
    stay together whatever the order; a household's place is that of its first member. People who continue voluntarily
    have no employer: they get theirs at home.
    """

    to: Literal["home", "employer", "lists"]
    documents: Annotated[tuple[MailDocument, ...], Field(min_length=1), BeforeValidator(as_tuple)]
    order: Annotated[tuple[Target, ...], BeforeValidator(as_tuple)] = ()
    enclosures: Annotated[tuple[Enclosure, ...], BeforeValidator(as_tuple)] = ()
    tracked: bool = False
    returned: str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.documents)) < len(self.documents):
            raise ValueError("a document is named twice")
        if (self.to == "lists") != (self.documents == ("recipients-list",)):
            raise ValueError("a delivery of lists has recipients-list as its only document, and no other has it")
        if ("card" in self.documents) != ("mount" in self.documents):
            raise ValueError("card and mount go together")
        if self.to != "home" and self.order[:1] != ("employer.symbol",):
            raise ValueError("what goes to employers is sorted by employer.symbol first")
        return self


class BulkSettings(Model):
    """An extract's columns, and what becomes of its people.

    `columns`: what each header of the extract holds; `ignored`: headers that are known and not used. A file with any
    other header, or without one of `columns`, is refused. `key` is the record's own key, put together from {headers}.
    `dates`: how the extract writes dates (YYYY-MM-DD is read besides). `hold_household`: one rejected member holds the
    others of the household back. `people_per_file`: about how many people one file of the package holds. `deliveries`:
    by name, the first is the default.
    """

    columns: dict[Line, Annotated[Column, BeforeValidator(_as_column, json_schema_input_type=Target | Column)]]
    ignored: Annotated[tuple[Line, ...], BeforeValidator(as_tuple)] = ()
    key: Line
    dates: Literal["YYYYMMDD", "YYYY-MM-DD", "YYYY/MM/DD"] = "YYYY-MM-DD"
    hold_household: bool = True
    people_per_file: Annotated[int, Field(ge=1, le=50_000)] = 5000
    deliveries: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], Delivery], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._column_problems(), *self._key_problems()]
        for name, delivery in self.deliveries.items():
            needed = dict.fromkeys((*delivery.order, *_DELIVERED_BY[delivery.to]))
            problems += [f"deliveries.{name}: no column holds {target}" for target in needed if not self.header(target)]
            again = self.deliveries.get(delivery.returned or name)
            if again is None or (delivery.returned is not None and again.to == "lists"):
                problems.append(f"deliveries.{name}: returned names another policy that sends mail")
        if problems:
            raise PydanticCustomError("bulk", "{problems}", {"problems": "; ".join(problems)})
        return self

    def _column_problems(self) -> list[str]:
        targets = Counter[str](column.to for column in self.columns.values())
        problems = [f"two columns hold {target}" for target, count in targets.items() if count > 1]
        problems += [f"no column holds {target}" for target in _NEEDED if target not in targets]
        if not {"person.given", "person.full_name"} & set(targets):
            problems.append("no column holds a name: person.family and person.given, or person.full_name")
        both = [header for header in self.columns if header in self.ignored]
        return problems + [f"{header} is both read and ignored" for header in both]

    def _key_problems(self) -> list[str]:
        headers = self.key_headers()
        unknown = [header for header in headers if header not in self.columns and header not in self.ignored]
        problems = [f"key: no column has the header {header}" for header in unknown]
        if not headers or re.search(r"[{}]", _PLACEHOLDER.sub("", self.key)):
            problems.append("key: a text with one {header} or more")
        return problems

    def header(self, target: Target) -> str | None:
        """The column that holds a value; None if no column does."""
        return next((header for header, column in self.columns.items() if column.to == target), None)

    def key_headers(self) -> tuple[str, ...]:
        """The headers that the key is made of."""
        return tuple(_PLACEHOLDER.findall(self.key))

    def key_parts(self) -> tuple[str, ...]:
        """The key as texts and headers in turn: text, header, text, ..., text."""
        return tuple(_PLACEHOLDER.split(self.key))
