"""An insurer's profile: everything in which one insurer's documents differ from another's, read from YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from docgen import located
from docgen.errors import LayoutError, Violation
from docgen.issuance import catalogue, numbers
from docgen.issuance.allowed import allowed_keys
from docgen.issuance.base import Line, Model, as_tuple
from docgen.issuance.categories import Category
from docgen.issuance.eras import FirstYear, LaterEra, anniversary
from docgen.issuance.extract import BulkSettings
from docgen.issuance.record import LostSign
from docgen.issuance.substitution import Substituter
from docgen.units import MOST_INK

Percent = Annotated[float, Field(ge=0, le=100)]
Cmyk = tuple[Percent, Percent, Percent, Percent]
PaletteRole = Literal["body", "motif", "band", "line", "on_band"]
_DEFAULT_ROLES = ("on_band",)  # black, if the palette does not have it
ArtworkName = Literal["mark", "seal"]
Writing = Literal["horizontal", "vertical"]
Endorsement = Literal["confidential", "important", "certificate_enclosed", "notice_enclosed"]


def _template(*names: str) -> BeforeValidator:
    """A text whose {placeholders} are among `names`."""
    return BeforeValidator(lambda value: _check_template(value, names))


def _check_template(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        unknown = [n for n in re.findall(r"\{([^{}]*)\}", value) if n not in names]
        if unknown or re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", value)):
            allowed = ", ".join("{" + n + "}" for n in names)
            raise PydanticCustomError(
                "placeholder", "unknown placeholder in {text}; allowed: {allowed}", {"text": value, "allowed": allowed}
            )
    return value


_CMYK = "four numbers C, M, Y, K in percent: [0, 34, 88, 8]"


def _cmyk(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        raise ValueError(f"no ink: {value}; an ink is {_CMYK}" if value is not None else f"an ink is {_CMYK}")
    return as_tuple(value)


def _role_or_cmyk(value: Any) -> Any:
    roles = get_args(PaletteRole)
    if not isinstance(value, str):
        return _cmyk(value)
    if value not in roles:
        raise ValueError(f"no ink: {value}; an ink is {', '.join(roles)} or {_CMYK}")
    return value


_ARTWORK = r"^[a-z0-9][a-z0-9_-]*\.svg$"


def _artwork_file(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(_ARTWORK, value):
        raise ValueError(
            f"no artwork: {value}; it is the name of an SVG in layouts/art, in lower case (mark.svg); PNG and JPEG are "
            "not taken"
        )
    return value


CmykInk = Annotated[Cmyk, BeforeValidator(_cmyk)]


class Artwork(Model):
    """Vector artwork of the insurer: an SVG file of the layouts' art, and an ink for each of its colours."""

    file: Annotated[str, Field(pattern=_ARTWORK), BeforeValidator(_artwork_file)]
    inks: dict[
        Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")], Annotated[PaletteRole | Cmyk, BeforeValidator(_role_or_cmyk)]
    ]


class Dates(Model):
    """How dates are worded.

    `first_year`: 元年 is the rule, 1年 tolerated. `later_era`: the era of a date after a change of era, as known at
    issue or the date's own. https://www.koukikourei-nagano.jp/www/contents/1100000000214/index.html
    """

    first_year: FirstYear = "元"
    later_era: LaterEra = "issue"


class FormerSurname(Model):
    """The registered former surname (旧姓), in brackets between family and given name.

    The remark says so on the back: https://www.kyoukaikenpo.or.jp/g2/cat298/
    """

    open: Line = "（"
    close: Line = "）"
    remark: Line = "氏名欄の括弧内は旧姓"


class Alias(Model):
    """The alias (通称名): what the name field of the front says, and what the back says about the registered name.

    The alias alone on the front with the registered name on the back (https://www.kyoukaikenpo.or.jp/g2/cat298), or
    both on the front (https://www.city.setagaya.lg.jp/02060/293.html): anything, if the whole card shows both
    (https://office-mori.biz/%e8%a2%ab%e4%bf%9d%e9%99%ba%e8%80%85%e8%a8%bc%e3%81%ae%e9%80%9a%e7%a7%b0%e5%90%8d%e3%81%ae%e8%a8%98%e8%bc%89/).
    """

    front: Annotated[Line, _template("alias", "registered")] = "{alias}"
    remark: Annotated[Line, _template("registered")] | None = "戸籍上の氏名　{registered}"

    @model_validator(mode="after")
    def _whole_card_shows_both(self) -> Alias:
        if "{alias}" not in self.front:
            raise ValueError("front must contain {alias}")
        if "{registered}" not in self.front + (self.remark or ""):
            raise ValueError("{registered} must stand on the front or in the remark")
        return self


class Names(Model):
    """How names are put together. `separator` stands between family and given name.

    `signs` are printed in names, though conversions leave them in the place of a lost character: for an insurer that
    writes one on purpose. No source fixes it.
    """

    separator: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,2}$")] = "\u3000"
    former_surname: FormerSurname = FormerSurname()
    alias: Alias = Alias()
    signs: Annotated[tuple[LostSign, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Signs of a lost character that names may have"
    )


class Sex(Model):
    """The words for sex. `unset` is for people whose sex is not set (code 3 of the online data).

    `masked` sends the reader to the back, where `remark` tells the registered sex: 裏面参照 or 裏面記載
    (https://www.city.gifu.lg.jp/32218.htm, https://www.city.setagaya.lg.jp/02060/293.html).
    """

    male: Line = "男"
    female: Line = "女"
    unset: Line = "－"
    masked: Line = "裏面参照"
    remark: Annotated[Line, _template("sex")] = "戸籍上の性別は{sex}"

    @model_validator(mode="after")
    def _remark_tells_the_sex(self) -> Sex:
        if "{sex}" not in self.remark:
            raise ValueError("remark must contain {sex}")
        return self


class BurdenWording(Model):
    """The words for the burden ratio (一部負担金の割合).

    `below_70` is printed without a date (法定負担割合のとおり: https://ishikokuho.okayama.jp/マイナ保険証-1/マイナ保険証にしていない方),
    or nothing is. `pending`: one field holds the coming ratio and the present one with its last day
    (https://www.saitama-koukikourei.org/news/post-5235-2). `months_ahead`: how many months before its ratio takes
    effect a card or notice may be issued without the present one (1: in July for 1 August). No source fixes it.
    """

    below_70: Line | None = None
    ratio: Annotated[Line, _template("ratio")] = "{ratio}割"
    pending: Annotated[Line, _template("ratio", "until", "before")] = "{ratio}割（{until}までは{before}割）"
    months_ahead: Annotated[int, Field(ge=0, le=3, description="0: the ratio of the day of issue, in any case")] = 1

    @model_validator(mode="after")
    def _says_the_ratio(self) -> BurdenWording:
        if "{ratio}" not in self.ratio:
            raise ValueError("ratio must contain {ratio}")
        if any("{" + name + "}" not in self.pending for name in ("ratio", "until", "before")):
            raise ValueError("pending must contain {ratio}, {until} and {before}")
        return self


class Relationship(Model):
    """One row of the relationship table: the role's wording, and which date the card shows under which label."""

    label: Line
    dependent: bool = False
    date: Literal["acquired", "certified"] = "acquired"
    date_label: Line = "資格取得年月日"


class Membership(Model):
    """One row of the membership table. A voluntarily continued member (任意継続) has a date on which that ends."""

    label: Line
    voluntary: bool = False
    date_label: Line | None = None


class YearDay(Model):
    """A day that every year has."""

    month: Annotated[int, Field(ge=1, le=12)] = 7
    day: Annotated[int, Field(ge=1, le=31)] = 31

    @model_validator(mode="after")
    def _comes_every_year(self) -> Self:
        try:
            date(2001, self.month, self.day)
        except ValueError:
            raise ValueError(f"{self.month}-{self.day} is not a day of every year") from None
        return self


class Rolling(YearDay):
    """The first `month`/`day` that comes after `years` from the issue (30 November after four years)."""

    rule: Literal["rolling"]
    years: Annotated[int, Field(ge=0, le=4, description="Years from the issue, before `month` and `day` come")]


class Fixed(Model):
    """The same day for all."""

    rule: Literal["fixed"]
    on: date


class WithinYears(Model):
    """`years` from the issue, the day before its anniversary."""

    rule: Literal["within_years"]
    years: Annotated[int, Field(ge=1, le=5, description="Years from the issue")]


class Fiscal(YearDay):
    """The end of the insurer's year (31 July): the first to come, or a later one; from 70 it may be earlier."""

    rule: Literal["fiscal"]
    years: Annotated[int, Field(ge=1, le=5, description="Which end of the year to come: 1, the next")] = 1
    years_from_70: Annotated[int, Field(ge=1, le=5)] | None = Field(default=None, description="The same from 70")


Base = Rolling | Fixed | WithinYears | Fiscal


class Validity(Model):
    """When documents expire: the earliest of the base rule and of everything else that is switched on.

    `residence_grace_days` after the residence limit (0; 1 at some: https://www.city.sagamihara.kanagawa.jp/kurashi/1026448/kokuho/1026464/shikaku/1007842.html).
    `ends_at_70`: the end of the month in which 70 is reached (same source). `short_term`: a record may ask for an
    earlier day of its own (`expires_by`), as for a lost card.
    """

    label: Line = "有効期限"
    base: Annotated[Base, Field(discriminator="rule")]
    residence_grace_days: Annotated[int, Field(ge=0, le=92, description="Days after the residence limit")] = 0
    ends_at_70: bool = False
    short_term: bool = False


class QrSettings(Model):
    """A symbol on the back. `payload` is a template: {name} of the card's items, or {match_code}."""

    payload: Annotated[Line, _template(*catalogue.CARD.texts, *sorted(catalogue.PAYLOAD_ONLY))]

    @model_validator(mode="after")
    def _does_not_hold_itself(self) -> QrSettings:
        if "{card.qr}" in self.payload:
            raise ValueError("payload cannot contain {card.qr}")
        return self


class Mail(Model):
    """The mailing. `customer_barcode`: on every piece, or only where it brings a discount.

    Mail with an option such as 特定記録 gets none: https://www.post.japanpost.jp/business/discount/barcode.html
    `inserter`: what the machine that fills envelopes reads on each sheet of notices, of letters to employers and of
    lists of recipients: `omr` marks, or a `code`. Mounts have the marks, and their envelope's code anyway. The layouts'
    marks are samples: ask the machine's maker.
    """

    customer_barcode: Literal["always", "only_when_discounted"] = "always"
    inserter: Literal["none", "omr", "code"] = "none"


_Mm = Annotated[float, Field(gt=0, le=2000)]


class CardSettings(Model):
    """The card: trim size [width, height] and corner radius in mm, what is printed beside the text.

    `trim` is one of the sizes that `page` of the card's layout has; left out, the one that it is drawn on. The layout
    that comes with docgen has 86 x 54, as issuers state it
    (https://www.kyoukaikenpo.or.jp/senpo/g3/cat320/sb3020/1/), and ID-1's 85.6 x 54
    (https://cardmarket.jp/article/knowledge/size). `match_code`: the cards are glued on their mounts by machine.
    `burden`: `separate` where a certificate of its own states the ratio from 70
    (https://www.kensetsukokuho.or.jp/asp/news/news.asp?articleid=166779&page=2). `insured_name`: the name of the
    insured on a dependent's card as on the insured person's own front, or registered.
    """

    trim: Annotated[tuple[_Mm, _Mm], BeforeValidator(as_tuple)] | None = Field(
        default=None, description="[width, height] in mm: one that the layout of the card has"
    )
    corner_radius: Annotated[float, Field(ge=0, le=10, description="mm")] = 3.0
    die_line: bool = Field(default=False, description="The card's outline on a plate of its own, for the die")
    match_code: bool = False
    qr: QrSettings | None = None
    burden: Literal["printed", "separate"] = "printed"
    insured_name: Literal["front", "registered"] = "front"

    @model_validator(mode="after")
    def _consistent(self) -> CardSettings:
        if self.match_code and "{match_code}" not in (self.qr.payload if self.qr else ""):
            raise PydanticCustomError(
                "match_code",
                "match_code needs a qr whose payload contains {placeholder}",
                {"placeholder": "{match_code}"},
            )
        return self


class CertificateSettings(Model):
    """A certificate. `title` is its full name on paper, with the insurance that it belongs to.

    `size`: `large` is 126 x 91 mm (measured: https://blog.goo.ne.jp./dankai-sedai/m/201808), `card` the card's 86 x 54.
    """

    title: Line
    size: Literal["large", "card"] = "large"


class LimitSettings(CertificateSettings):
    """A certificate of the limit on what people pay: the categories (適用区分) that it is issued for, and how long.

    `longest_months` counts from the month of effect (6 at some: https://www.keisan-kenpo.or.jp/asp/news/news.asp?articleid=129008&page=1);
    with `year_end` it ends by the first such day (31 July at national health insurances:
    https://www.kawaguchi-hp.jp/post/%E4%BF%9D%E9%99%BA%E8%A8%BC%E3%80%81%E5%8F%97%E7%B5%A6%E8%80%85%E8%A8%BC%E3%81%AE%E6%9C%89%E5%8A%B9%E6%9C%9F%E9%99%90).
    """

    categories: Annotated[tuple[Category, ...], Field(min_length=1), BeforeValidator(as_tuple)]
    longest_months: Annotated[int, Field(ge=1, le=12)] | None = Field(
        default=None, description="Months from that of effect"
    )
    year_end: YearDay | None = None


class NoticeExpiry(Model):
    """When a notice expires: by rules of its own, or by the profile's. `applies`: to all, or from 70 and to residents.

    https://www.city.wakayama.wakayama.jp/kurashi/kokuho_nenkin/1001090/1066216.html (from 70, to 31 July or the day
    before the 75th birthday)
    """

    applies: Literal["all", "from_70"] = "from_70"
    validity: Validity | None = None


class CutOut(Model):
    """The card to cut out: below on the left or on the right, with or without the burden ratio."""

    place: Literal["left", "right"] = "left"
    burden: bool = False


class NoticeSettings(Model):
    """The notice: one for a person or for a household (https://ichibakokuho.or.jp/kanyu), and what stands on it.

    `individual_number`: it prints the last four digits where the record has them.
    """

    per: Literal["person", "household"] = "person"
    individual_number: bool = False
    expiry: NoticeExpiry | None = None
    cut_out: CutOut = CutOut()


class MountSettings(Model):
    """The mount sheet. `cards`: `affixed` by a gluing machine, or `printed` on the sheet itself, with a die line.

    `glue_guide` gives the gluing machine's place a plate of its own, which is not printed.
    """

    cards: Literal["affixed", "printed"] = "affixed"
    glue_guide: bool = False


class SealSettings(Model):
    """The sheet of privacy seals: `small` ones hide the choice alone, `large` ones the signatures too.

    Both exist: https://www.city.hachioji.tokyo.jp/kurashi/nenkin/001/001/002/p003462.html
    """

    sizes: Literal["both", "large", "small"] = "both"


class ListSettings(Model):
    """The list of recipients that an employer gets: it has nothing to set."""


class LetterSettings(Model):
    """The letter to an employer with envelopes to hand on: it has nothing to set."""


class LeafletSettings(Model):
    """The leaflet. `url`: the insurer's page about the card, printed and as a QR."""

    url: Annotated[str, Field(max_length=100, pattern=r"^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]*)?$")]


class PostageMark(Model):
    """The mark of postage that is paid later or in cash (料金後納, 料金別納), with the office of posting."""

    kind: Literal["deferred", "separate"] = "deferred"
    office: Line


class EnvelopeSettings(Model):
    """The envelope. `size`: long-3 with a window (長形3号, 120 x 235) or square-2 without one (角形2号, 240 x 332).

    `forwarded`: mail follows people who moved; if not, 転送不要 is printed. `window_guide` gives the window's outline a
    plate of its own, which is not printed. Without `postage`, stamps are stuck on.
    """

    size: Literal["long-3", "square-2"]
    writing: Writing = "horizontal"
    postage: PostageMark | None = None
    endorsements: Annotated[tuple[Endorsement, ...], Field(max_length=3), BeforeValidator(as_tuple)] = ()
    forwarded: bool = False
    window_guide: bool = True


class ReplyPaid(Model):
    """The approval of reply-paid mail (料金受取人払): office, number, its day and its last, at most two years later.

    `deferred`: the insurer settles the postage later (後納). https://envelope.99print.com/?page_id=421
    """

    office: Line
    number: Annotated[str, Field(pattern=r"^[0-9]{1,5}$")]
    approved_on: date
    valid_until: date
    deferred: bool = True

    @model_validator(mode="after")
    def _holds_two_years_at_most(self) -> ReplyPaid:
        if not self.approved_on < self.valid_until <= anniversary(self.approved_on, 2):
            raise ValueError(f"valid_until must be within two years of {self.approved_on}")
        return self


class ReplySettings(Model):
    """The reply envelope (返信用封筒). `serial`: 整理番号 of a postal code that ends in 8790; with it, the barcode.

    https://post.japanpost.jp/zipcode/zipmanual/p23.html
    """

    writing: Writing = "horizontal"
    postal_code: Annotated[str, Field(pattern=r"^[0-9]{3}-[0-9]{4}$")]
    address: Line
    section: Line | None = None
    serial: Annotated[str, Field(pattern=r"^[0-9]{3}$")] | None = None
    paid: ReplyPaid

    @model_validator(mode="after")
    def _serial_has_its_code(self) -> ReplySettings:
        if self.serial is not None and not self.postal_code.endswith("8790"):
            raise ValueError("a serial number goes with a postal code that ends in 8790")
        return self


class Reason(Model):
    """One row of a form's table of reasons. `explain`: it has a space for an explanation (その他)."""

    label: Line
    explain: bool = False


# A code stands in one cell; the layouts have room for six reasons.
Reasons = Annotated[dict[Annotated[str, Field(pattern=r"^[1-9]$")], Reason], Field(min_length=1, max_length=6)]
# What a box to tick says, by the code that a record names; the layouts have room for four.
_TickCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Ticks = Annotated[dict[_TickCode, Line], Field(min_length=1, max_length=4)]


class FormSettings(Model):
    """A form. `version` tells the edition of the paper."""

    version: Line = "様式 第1版"


class ApplicationSettings(FormSettings):
    """An application: the reasons that people may give, by one digit, and what they may add to it."""

    reasons: Reasons
    attachments: Ticks


class RequestSettings(FormSettings):
    """A request about the name that documents show: what people add to it."""

    attachments: Ticks


class UncollectableSettings(FormSettings):
    """A report on cards that could not be collected: why, by one digit, and what was tried."""

    reasons: Reasons
    efforts: Ticks


class Documents(Model):
    """The documents that the insurer issues, each with its settings."""

    model_config = ConfigDict(alias_generator=lambda field: field.replace("_", "-"))

    card: CardSettings | None = None
    notice: NoticeSettings | None = None
    limit_certificate: LimitSettings | None = None
    limit_standard_burden_certificate: LimitSettings | None = None
    specified_disease_certificate: CertificateSettings | None = None
    elderly_certificate: CertificateSettings | None = None
    mount: MountSettings | None = None
    mount_employer: MountSettings | None = None
    seal: SealSettings | None = None
    recipients_list: ListSettings | None = None
    employer_letter: LetterSettings | None = None
    leaflet: LeafletSettings | None = None
    envelope: EnvelopeSettings | None = None
    reply_envelope: ReplySettings | None = None
    card_application: ApplicationSettings | None = None
    notice_application: ApplicationSettings | None = None
    former_surname_request: RequestSettings | None = None
    sex_alias_request: RequestSettings | None = None
    uncollectable_report: UncollectableSettings | None = None

    @model_validator(mode="after")
    def _cards_can_be_printed(self) -> Documents:
        if self.prints_cards_on_mounts and self.card is None:
            raise PydanticCustomError("mount", "cards printed on their mount need a card")
        return self

    @property
    def prints_cards_on_mounts(self) -> bool:
        """Whether cards stand on the sheets of their mounts, instead of being glued to them."""
        return any(mount is not None and mount.cards == "printed" for mount in (self.mount, self.mount_employer))


class InsurerProfile(Model):
    """One insurer. `palette` gives each ink role its [c, m, y, k] in %, `type_floor` is in points.

    `total_ink` is what the printer allows on the insurer's paper or plastic; by default what preflight lets pass, which
    is a sample: ask the printer.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    number: Annotated[str, Field(pattern=r"^([0-9]{6}|[0-9]{8})$")]
    name: Line
    address: Line
    tel: Line
    palette: dict[PaletteRole, CmykInk] = Field(description="The ink of each role: [c, m, y, k] in percent")
    images: dict[ArtworkName, Artwork] = Field(default={})
    wording: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")],
        Line | Annotated[tuple[Line, ...], BeforeValidator(as_tuple)],
    ] = Field(default={})
    type_floor: Annotated[float, Field(ge=4, le=12, description="The smallest type, in points")] = 5.0
    total_ink: Annotated[
        float, Field(ge=100, le=MOST_INK, description="The most ink on one place: C, M, Y and K together, in percent")
    ] = MOST_INK
    dates: Dates = Dates()
    names: Names = Names()
    sex: Sex = Sex()
    burden: BurdenWording = BurdenWording()
    relationships: Annotated[dict[str, Relationship], Field(min_length=1)]
    memberships: dict[str, Membership] = Field(default={})
    validity: Validity
    mail: Mail = Mail()
    substitutions: dict[Annotated[str, Field(pattern=r"^.[\ufe00-\ufe0f\U000e0100-\U000e01ef]?$")], Line] = Field(
        default={}
    )
    documents: Documents
    bulk: BulkSettings | None = None
    _source: located.Located | None = PrivateAttr(default=None)

    @property
    def source(self) -> located.Located:
        """The file that the profile was read from, for messages."""
        return self._source or located.Located(f"{self.id}.yaml", {}, {})

    @cached_property
    def substituter(self) -> Substituter:
        """The table of substitutions, compiled."""
        return Substituter(self.substitutions)

    def document_ids(self) -> tuple[str, ...]:
        """The documents that this insurer issues."""
        fields = (field for field in Documents.model_fields if getattr(self.documents, field) is not None)
        return tuple(field.replace("_", "-") for field in fields)


def load_profile(path: Path, shown_as: str | None = None) -> InsurerProfile:
    """Read and check one profile.

    Raises LayoutError with every violation, each with file, line and what is allowed (`layout_syntax`,
    `layout_unknown_key`, `layout_value`, `insurer_check_digit`).
    """
    source = located.load(path, shown_as)
    try:
        profile = InsurerProfile.model_validate(source.data)
    except ValidationError as error:
        errors = [(_path(detail["loc"], source.data), detail) for detail in located.faults(error)]
        found = dict(reversed(list(located.innermost(errors))))
        raise LayoutError(_violation(path, found[path], source) for path in reversed(found)) from None
    profile._source = source
    violations = list(_faults(profile, source))
    if violations:
        raise LayoutError(violations)
    return profile


def profile_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a profile, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "docgen profile of an insurer"}
    schema = located.without_nulls(InsurerProfile.model_json_schema())
    return {**schema, "properties": {key: _with_keys(part) for key, part in schema["properties"].items()}, **head}


def _with_keys(schema: dict[str, Any]) -> dict[str, Any]:
    """A mapping whose keys are fixed, with each of them spelled out: so that editors offer them."""
    keys = schema.get("propertyNames", {}).get("enum")
    if keys is None:
        return schema
    rest = {key: part for key, part in schema.items() if key not in ("propertyNames", "additionalProperties")}
    required = {} if "default" in schema else {"required": [key for key in keys if key not in _DEFAULT_ROLES]}
    return {
        **rest,
        **required,
        "properties": dict.fromkeys(keys, schema["additionalProperties"]),
        "additionalProperties": False,
    }


def profile_warnings(profile: InsurerProfile, file: str | None = None) -> list[Violation]:
    """What looks unusual but may be right: an unknown prefecture or scheme in the insurer's number.

    99 is no prefecture and kept for samples, so it passes without a warning.
    """
    found = []
    if numbers.prefecture(profile.number) not in numbers.PREFECTURES:
        found.append(
            Violation(
                "insurer_prefecture",
                f"unknown prefecture in {profile.number}",
                "01 to 47; 99 is kept for samples",
                file=file,
                severity="warning",
            )
        )
    scheme = numbers.scheme(profile.number)
    if scheme is not None and scheme not in numbers.SCHEMES:
        found.append(
            Violation(
                "insurer_scheme",
                f"unknown scheme (法別番号) in {profile.number}: {scheme}",
                f"known: {', '.join(numbers.SCHEMES)}",
                file=file,
                severity="warning",
            )
        )
    return found


def _faults(profile: InsurerProfile, source: located.Located) -> Iterator[Violation]:
    expected = numbers.check_digit(profile.number[:-1])
    if int(profile.number[-1]) != expected:
        yield Violation(
            "insurer_check_digit",
            f"wrong check digit in {profile.number}",
            f"it would be {expected}",
            file=source.file,
            line=source.line(["number"]),
        )
    missing = [role for role in get_args(PaletteRole) if role not in {*profile.palette, *_DEFAULT_ROLES}]
    if missing:
        yield Violation(
            "layout_value",
            f"palette lacks {', '.join(missing)}",
            "each role has its ink",
            file=source.file,
            line=source.line(["palette"]),
        )
    if profile.bulk is not None:
        yield from _bulk_faults(profile, profile.bulk, source)


def _bulk_faults(profile: InsurerProfile, bulk: BulkSettings, source: located.Located) -> Iterator[Violation]:
    """An extract's documents are among the insurer's own, and its codes among the insurer's tables."""
    issued = profile.document_ids()
    for name, delivery in bulk.deliveries.items():
        letters = ("employer-letter",) if delivery.to == "employer" else ()
        for document in (*delivery.documents, *delivery.enclosures, *letters):
            if document not in issued:
                where = ["bulk", "deliveries", name]
                message = f"{'.'.join(where)}: this insurer does not issue {document}"
                yield Violation("layout_value", message, "see documents", file=source.file, line=source.line(where))
    tables: dict[str, Mapping[str, Any]] = {"relationship": profile.relationships, "membership": profile.memberships}
    for header, column in bulk.columns.items():
        known = tables.get(column.to, ())
        unknown = [value for value in (column.values or {}).values() if value is not None and value not in known]
        if column.to in tables and unknown:
            where = ["bulk", "columns", header]
            message = f"{'.'.join(where)}: unknown {column.to}: {', '.join(map(str, unknown))}"
            hint = f"this insurer has: {', '.join(known) or 'none'}"
            yield Violation("layout_value", message, hint, file=source.file, line=source.line(where))


def _violation(path: located.Path_, detail: ErrorDetails, source: located.Located) -> Violation:
    """What is told once: a value that is none of several allowed kinds has an error for each of them."""
    where = ".".join(map(str, path)) or "the profile"
    line = source.line(path)
    if detail["type"] == "extra_forbidden":
        hint = located.suggest(str(path[-1]), allowed_keys(InsurerProfile.model_json_schema(), path[:-1]))
        return Violation("layout_unknown_key", f"unknown key: {where}", hint, file=source.file, line=line)
    return Violation("layout_value", f"{where}: {located.said(detail)}", file=source.file, line=line)


def _path(loc: tuple[int | str, ...], data: Any) -> tuple[int | str, ...]:
    """The part of a pydantic location that is in the file: tags of unions are not."""
    path: list[int | str] = []
    for i, part in enumerate(loc):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif i < len(loc) - 1 or not isinstance(data, Mapping):
            continue
        path.append(part)
    return tuple(path)
