"""The names that the card's layouts, and the payload of its QR, may use."""

from __future__ import annotations

from docgen.issuance.items import Catalogue, ItemSpec, Need, always

INSURER_TEXTS = {
    "insurer.number": ItemSpec("保険者番号, 8 or 6 digits", constant=True),
    "insurer.name": ItemSpec("保険者名称", constant=True),
    "insurer.address": ItemSpec("保険者所在地", constant=True),
    "insurer.tel": ItemSpec("保険者の電話番号", constant=True),
}

CARD = Catalogue(
    texts={
        **INSURER_TEXTS,
        "card.role": ItemSpec("本人・家族の別, as the profile's relationship table words it"),
        "membership": ItemSpec("加入区分, as the profile's membership table words it"),
        "holder.name": ItemSpec("氏名 as on the front: the alias if there is one, a former surname in brackets"),
        "holder.kana": ItemSpec("氏名のフリガナ, the alias's if there is one"),
        "holder.sex": ItemSpec("性別, or the word that sends the reader to the back"),
        "holder.born_on": ItemSpec("生年月日"),
        "symbol": ItemSpec("記号"),
        "number": ItemSpec("番号"),
        "branch": ItemSpec("枝番, empty if there is none (never 00 by default)", when="holder.has_branch"),
        "dates.acquired_label": ItemSpec("資格取得年月日 or 認定年月日, as the profile's tables word it"),
        "dates.acquired_on": ItemSpec("the date under that label"),
        "dates.issued_on": ItemSpec("交付年月日"),
        "validity.expires_label": ItemSpec("有効期限, as the profile words it"),
        "validity.expires_on": ItemSpec("the last day on which the card is valid"),
        "insured.name": ItemSpec("被保険者氏名 on a dependent's card", when="holder.is_dependent"),
        "burden.text": ItemSpec("一部負担金の割合, with a pending change", when="burden.is_printed"),
        "burden.effective_on": ItemSpec("発効年月日 of the ratio", when="burden.has_effective_date"),
        "remarks": ItemSpec("備考: lines on the former surname, registered name and sex", when="document.has_remarks"),
        "card.serial": ItemSpec("the card's readable serial", when="card.has_serial"),
        "card.qr": ItemSpec("the payload of the QR on the back", when="card.has_qr"),
    },
    flags={
        "holder.is_dependent": "The card is a dependent's (被扶養者).",
        "holder.has_symbol": "The record has a symbol.",
        "holder.has_branch": "The record has a branch.",
        "holder.sex_on_back": "The registered sex stands on the back.",
        "burden.is_printed": "The field of the burden ratio has a text.",
        "burden.has_effective_date": "That text has a date of effect.",
        "card.has_qr": "The profile puts a QR on the card.",
        "card.has_serial": "The card has a readable serial.",
        "document.has_remarks": "There is something to say under remarks.",
        "document.is_specimen": "見本 stands across the page.",
        "insurer.has_mark": "The profile has artwork named mark.",
        "insurer.has_seal": "The profile has artwork named seal.",
        "insurer.has_die_line": "The card is die-cut by a line in the file.",
    },
    # The form has mandatory and optional items (https://wic-net.com/material/document/19109/169). Mandatory at one
    # insurer: https://www.city.otsu.lg.jp/apply/hn/e/u/4436.html with https://www.city.uonuma.lg.jp/page/1027242.html;
    # sex, insurer: https://www.pmac.shigaku.go.jp/annai/shikaku/detail/shohaishi_02.html; branch and the insured
    # person's name: https://bonsan.net/column/z9tt1j865; what the front leaves out of registered name and sex:
    # https://www.kyoukaikenpo.or.jp/g2/cat298
    needed=(
        *always("holder.name", "holder.born_on", "holder.sex", "symbol", "number", "branch", "insured.name"),
        *always("dates.acquired_on", "dates.issued_on", "validity.expires_on"),
        *always("insurer.number", "insurer.name", "burden.text", "remarks"),
        Need("burden.effective_on", when=("burden.is_printed",)),
    ),
)

# What only the payload of a symbol may name, beside the texts above.
PAYLOAD_ONLY = frozenset({"match_code"})

CERTIFICATE = Catalogue(
    texts={
        "insurer.number": ItemSpec("保険者番号, 8 or 6 digits", constant=True),
        "insurer.name": ItemSpec("保険者名称", constant=True),
        "insurer.address": ItemSpec("保険者所在地", constant=True),
        "insurer.tel": ItemSpec("保険者の電話番号", constant=True),
        "certificate.title": ItemSpec("the certificate's full name, as the profile words it", constant=True),
        "holder.name": ItemSpec("氏名 as on the card's front; a former surname only where it was asked for"),
        "holder.born_on": ItemSpec("生年月日"),
        "holder.address": ItemSpec("住所 with its postal code, in one line", when="holder.has_address"),
        "symbol": ItemSpec("記号"),
        "number": ItemSpec("番号"),
        "branch": ItemSpec("枝番, empty if there is none (never 00 by default)", when="holder.has_branch"),
        "insured.name": ItemSpec("被保険者氏名 on a dependent's certificate", when="holder.is_dependent"),
        "dates.issued_on": ItemSpec("交付年月日"),
        "validity.effective_on": ItemSpec("発効年月日"),
        "validity.expires_label": ItemSpec("有効期限, as the profile words it"),
        "validity.expires_on": ItemSpec("the last day on which the certificate is valid"),
        "category.text": ItemSpec("適用区分", when="certificate.has_category"),
        "long_stay.on": ItemSpec("長期入院該当年月日, or nothing yet", when="certificate.has_category"),
        "burden.text": ItemSpec("一部負担金の割合, with a pending change", when="certificate.has_burden"),
        "remarks": ItemSpec("備考: lines on the former surname or the registered name", when="document.has_remarks"),
    },
    flags={
        "holder.is_dependent": "The certificate is a dependent's (被扶養者).",
        "holder.has_symbol": "The record has a symbol.",
        "holder.has_branch": "The record has a branch.",
        "holder.has_address": "The record has the holder's address.",
        "certificate.has_category": "It states a category (適用区分).",
        "certificate.reduces_meals": "It reduces the standard burden of meals too (標準負担額減額).",
        "certificate.has_burden": "It states the burden ratio (高齢受給者証).",
        "burden.is_pending": "The burden ratio has a pending change.",
        "document.has_remarks": "There is something to say under remarks.",
        "document.is_specimen": "見本 stands across the page.",
        "insurer.has_mark": "The profile has artwork named mark.",
        "insurer.has_seal": "The profile has artwork named seal.",
    },
    lists={
        "diseases": Catalogue(
            texts={
                "disease.name": ItemSpec("認定疾病名"),
                "disease.limit": ItemSpec("自己負担限度額 of a month"),
                "disease.effective_on": ItemSpec("発効年月日"),
                "disease.expires_on": ItemSpec("有効期限"),
            },
            flags={},
            needed=tuple(
                Need(f"disease.{part}", when=("not certificate.has_category", "not certificate.has_burden"))
                for part in ("name", "limit", "effective_on", "expires_on")
            ),
        )
    },
    # What the national system holds of each certificate, and of whom (sample: which of it must be on paper).
    needed=(
        *always("certificate.title", "holder.name", "holder.born_on", "symbol", "number", "branch", "insured.name"),
        *always("dates.issued_on", "insurer.number", "insurer.name", "category.text", "remarks"),
        Need("burden.text", when=("not certificate.has_category",)),
        # A certificate of diseases has these dates in its rows.
        Need("validity.effective_on", when=("certificate.has_category",)),
        Need("validity.effective_on", when=("certificate.has_burden",)),
        Need("validity.expires_on", when=("certificate.has_category",)),
        Need("validity.expires_on", when=("certificate.has_burden",)),
    ),
)
