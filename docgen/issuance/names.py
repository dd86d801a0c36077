"""How a person is named: on the front, on the back, and wherever somebody else reads it."""

from __future__ import annotations

from typing import TypeVar

from docgen.issuance.items import Substitution
from docgen.issuance.profile import InsurerProfile, Names
from docgen.issuance.record import AliasName, PersonName
from docgen.issuance.substitution import Substituter

REGISTERED = ("family", "given", "full_name")
KANA = ("family_kana", "given_kana", "full_kana")


def registered_name(name: PersonName, style: Names) -> str:
    """Family and given name with the profile's separator, or the full name, exactly as registered."""
    if name.full_name is not None:
        return name.full_name
    return f"{name.family}{style.separator}{name.given}"


def front_name(name: PersonName, style: Names) -> str:
    """The name field of the person's own card.

    The alias stands in its place (https://www.kyoukaikenpo.or.jp/g2/cat298); a former surname stands in brackets
    between family and given name (https://www.kyoukaikenpo.or.jp/g2/cat298/).
    """
    if name.alias is not None:
        return style.alias.front.format(alias=name.alias.name, registered=registered_name(name, style))
    if name.former_surname is not None:
        mark = style.former_surname
        return f"{name.family}{mark.open}{name.former_surname}{mark.close}{name.given}"
    return registered_name(name, style)


def public_name(name: PersonName, style: Names) -> str:
    """The name for every other place: the alias if there is one; never the former surname, never both names."""
    return name.alias.name if name.alias is not None else registered_name(name, style)


def front_kana(name: PersonName, style: Names) -> str:
    """The reading above the name field: the alias's own, if the alias is what stands there; empty if not given."""
    if name.alias is not None:
        return name.alias.kana or ""
    if name.full_kana is not None:
        return name.full_kana
    return style.separator.join(filter(None, (name.family_kana, name.given_kana)))


def named_in_public(name: PersonName, where: str, profile: InsurerProfile, used: list[Substitution]) -> str:
    """`public_name` in the insurer's characters; `where` is its JSON pointer, `used` gathers what was replaced."""
    fields = ("alias",) if name.alias is not None else REGISTERED
    return public_name(spelled(name, where, fields, profile.substituter, used), profile.names)


Named = TypeVar("Named", PersonName, AliasName)


def spelled(name: Named, where: str, fields: tuple[str, ...], table: Substituter, used: list[Substitution]) -> Named:
    """The name with the insurer's characters in these parts; the very same object if it has none of them."""
    if not table:
        return name
    changes: dict[str, object] = {}
    for field in fields:
        value = getattr(name, field)
        if isinstance(value, AliasName):
            new: object = spelled(value, f"{where}/{field}", ("name", "kana"), table, used)
        else:
            new = value and table.apply(value, f"{where}/{field}", used)
        if new != value:
            changes[field] = new
    return name.model_copy(update=changes) if changes else name
