from __future__ import annotations

from pathlib import Path

import pytest

from docgen.errors import LayoutError
from docgen.issuance.profile import load_profile

ASSOCIATION = (Path(__file__).parents[2] / "layouts/insurers/association.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "line_has", "message"),
    [
        ("    記号: symbol", "    記号: symbl", "記号", "'symbol'"),
        ("    番号: number", "    番号: symbol", "columns", "two columns hold symbol; no column holds number"),
        ("{世帯番号}-{枝番}", "{世帯番号}-{枝}", "columns", "key: no column has the header 枝"),
        ("{世帯番号}-{枝番}", "世帯番号", "columns", "key: a text with one {header} or more"),
        ("  dates: YYYYMMDD", "  ignored: [旧姓]", "columns", "旧姓 is both read and ignored"),
        ("  dates: YYYYMMDD", "  dates: YYMMDD", "dates", "YYYYMMDD"),
        ('{"0": false, "1": true}', '{"0": "no"}', "性別裏面記載", "needs values that are true or false"),
        ('任意継続: "2"}}', '任意継続: "9"}}', "資格区分", "unknown membership: 9"),
        (
            "    氏: person.family",
            "    氏: {to: symbol, holds_whole_name: true}",
            "氏",
            "holds_whole_name goes with",
        ),
        ("documents: [card, mount], order: [employer.symbol]", "documents: [card]", "regular", "card and mount go"),
        (
            "to: employer, documents: [card, mount], order: [employer.symbol]",
            "to: employer, documents: [notice]",
            "regular",
            "sorted by employer.symbol first",
        ),
        (
            "order: [address.postal_code]",
            "order: [expires_by]",
            "columns",
            "deliveries.bulk: no column holds expires_by",
        ),
        ("  recipients-list: {}", "  # none", "lists", "this insurer does not issue recipients-list"),
        ("  employer-letter: {}", "  # none", "regular", "this insurer does not issue employer-letter"),
        ("returned: regular", "returned: elsewhere", "columns", "deliveries.bulk: returned names another policy"),
        ("returned: regular", "returned: lists", "columns", "deliveries.bulk: returned names another policy"),
    ],
)
def test_a_wrong_column_map_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line_has: str, message: str
) -> None:
    assert old in ASSOCIATION
    path = tmp_path / "association.yaml"
    path.write_text(ASSOCIATION.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        load_profile(path)
    told = [v for v in caught.value.violations if message in v.message]
    assert told, caught.value
    line = told[0].line
    assert line is not None
    assert line_has in path.read_text(encoding="utf-8").splitlines()[line - 1] or line_has == "columns"
