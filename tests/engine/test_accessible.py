"""The notice as an accessible file: it conforms, looks as the plain one does, and is read in the order of its sense."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from docgen.engine import Engine, Options, Rendered, preflight
from docgen.errors import RequestError
from docgen.pdf import raster as pdfium
from docgen.pdf.reader import TextRun, read_pages
from docgen.settings import Settings
from tests import samples, spoken, verapdf
from tests.spoken import Element

NOTICES = samples.names("notice")
NOTICE = pytest.mark.parametrize("name", NOTICES)
FLAVOURS = ("2a", "ua1")
HOUSEHOLD = "accountants-nine"


def render(engine: Engine, name: str, *, accessible: bool = True, specimen: bool | None = None) -> Rendered:
    options = Options(accessible=accessible, specimen=specimen)
    return engine.render("notice", samples.insurer(name), samples.record("notice", name), options)


def changed(folder: Path, old: str, new: str) -> Engine:
    """An engine whose notice has one thing changed."""
    layouts = folder / "layouts"
    shutil.copytree(Settings().layouts_dir, layouts)
    path = layouts / "notice.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Engine(Settings(layouts_dir=layouts))


def without_roles(folder: Path) -> Path:
    """The layouts as they would be if nobody had said how they are read."""
    layouts = folder / "layouts"
    shutil.copytree(Settings().layouts_dir, layouts)
    path = layouts / "notice.yaml"
    text = re.sub(r", *\n? *(role|after|under|alt): [a-z0-9_.]+", "", path.read_text(encoding="utf-8"))
    path.write_text(re.sub(r"  [a-z]+_alt: .*\n", "", text), encoding="utf-8")
    return layouts


def cells(table: Element) -> list[list[str]]:
    return [[cell.spoken for cell in row.kids] for row in table.kids]


def lines(found: Element) -> Iterator[str]:
    """What is read, one element of the document after the other; of a table its rows."""
    for element in found.kids:
        if element.kind == "Table":
            yield from (" | ".join(row) for row in cells(element))
        else:
            yield f"{element.kind} {element.alt or element.spoken}"


# ------------------------------------------------------------------------------------------------------- the file


@NOTICE
def test_verapdf_and_preflight_accept_it_and_the_same_record_gives_the_same_bytes(engine: Engine, name: str) -> None:
    made = render(engine, name)
    assert [verapdf.validate(made.pdf, flavour) for flavour in FLAVOURS] == [[], []]
    assert preflight(made.pdf) == []
    assert render(engine, name).pdf == made.pdf


def test_verapdf_refuses_the_plain_file_and_one_with_broken_tags(engine: Engine) -> None:
    name = "association-insured"
    plain, tagged = render(engine, name, accessible=False).pdf, render(engine, name).pdf
    unmarked = tagged.replace(b"/Marked true", b"/Marked null")  # of the same length: objects keep their places
    untitled = tagged.replace(b"/DisplayDocTitle true", b"/DisplayDocTitle null")
    silent = re.sub(rb"/Alt<[0-9a-f]+>", lambda found: b" " * len(found[0]), tagged)
    for flavour in FLAVOURS:
        assert verapdf.validate(plain, flavour) != []
        assert verapdf.validate(unmarked, flavour) != []
    assert verapdf.validate(untitled, "ua1") == ["7.1-10"]
    assert verapdf.validate(silent, "ua1") == ["7.3-1"]


@NOTICE
def test_it_looks_as_the_plain_file_does_to_the_pixel(engine: Engine, name: str) -> None:
    plain, tagged = (render(engine, name, accessible=each) for each in (False, True))
    assert len(plain.pages) == len(tagged.pages)
    for page in plain.pages:
        assert pdfium.render(plain.pdf, page.number, 96) == pdfium.render(tagged.pdf, page.number, 96)


@NOTICE
def test_our_reader_finds_the_same_runs_in_the_same_places(engine: Engine, name: str) -> None:
    def run(found: TextRun) -> tuple[object, ...]:
        places = (found.x, found.y, found.width, found.size, found.scale, found.angle)
        return found.text, found.font, *(round(place, 3) for place in places)

    plain, tagged = (render(engine, name, accessible=each) for each in (False, True))
    for one, other, written in zip(read_pages(plain.pdf), read_pages(tagged.pdf), tagged.pages, strict=True):
        assert [run(found) for found in one.runs] == [run(found) for found in other.runs]
        assert other.sha256 == written.sha256


def test_it_says_its_title_its_language_and_its_standards(engine: Engine) -> None:
    made = render(engine, HOUSEHOLD)
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        assert str(pdf.Root.Lang) == "ja-JP"
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        with pdf.open_metadata(set_pikepdf_as_editor=False) as xmp:
            assert xmp["dc:title"] == "資格情報のお知らせ"
            assert xmp["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
            assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("2", "A")
            assert xmp["{http://www.npes.org/pdfx/ns/id/}GTS_PDFXVersion"] == "PDF/X-4"


# ------------------------------------------------------------------------------------------------------ what is read


def test_a_persons_notice_is_read_title_addressee_facts_explanation_card(engine: Engine) -> None:
    found = spoken.document(render(engine, "society-last-four", specimen=False).pdf)
    assert list(lines(found)) == [
        "H1 資格情報のお知らせ",
        "P 健康保険の加入内容をお伝えする通知",
        "P 〒000-0001",
        "P 見本県例示市見本町1-2-3",
        "P 見本　太郎\xa0様",
        "Figure 郵便のバーコード",
        "P 令和7年8月20日",
        "P 見本工業健康保険組合",
        "P 〒000-0000 見本県見本市港町4-5-6 見本ビル",
        "P 電話 00-0000-0001",
        "P 当方に登録されている加入の内容をお知らせします。ご自分の内容と合っているか、お確かめください。",
        "P 管理番号S01-00000008V-1/1",
        "H2 この通知について",
        "P 加入している健康保険の記号・番号などをお知らせするものです。マイナ保険証と一緒に使う控えにもなります。"
        "大切に保管してください。",
        "H2 登録されている内容",
        "氏名 | 見本　花子ミホン　ハナコ",
        "生年月日 | 平成2年4月15日",
        "記号・番号・枝番 | 記号1024番号56789枝番01",
        "認定年月日 | 令和3年10月1日",
        "保険者番号・名称 | 06991012見本工業健康保険組合",
        "被保険者氏名 | 見本　太郎",
        "個人番号（下4桁） | ********4321下4桁のほかは伏せています",
        "P 一つでも違うときは、書き込まずに、管理番号をそえてお電話ください。",
        "H2 受診するとき",
        "P ふだんはマイナ保険証をお使いください。機械で読み取れないときは、マイナ保険証にこのお知らせをそえて"
        "お見せください。この紙だけでは受診できません。",
        "H2 保管と処分",
        "P 給付金の申請書に記号・番号を書くときにもお使いいただけます。資格を失ったときは、返す必要はありません。"
        "細かく切って捨ててください。",
        "H2 資格情報のお知らせ携帯用",
        "記号 | 1024",
        "番号 | 56789",
        "枝番 | 01",
        "氏名 | 見本　花子",
        "フリガナ | ミホン　ハナコ",
        "生年月日 | 平成2年4月15日",
        "認定年月日 | 令和3年10月1日",
        "保険者番号 | 06991012",
        "保険者名 | 見本工業健康保険組合",
        "P この紙だけでは受診できません。マイナ保険証の読み取りができないときに、マイナ保険証と一緒にお見せください。",
        "H2 切り取って持ち歩くとき",
        "P この横の枠を線に沿って切り取り、財布やカード入れに入れてお持ちください。",
        "H2 届け出が必要なとき",
        "P 氏名が変わったとき、加入をやめるときは、5日以内を目安に届け出てください。",
        "H2 お問い合わせ",
        "P 見本工業健康保険組合",
        "P 電話 00-0000-0001",
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 9, 23])
def test_a_household_is_one_table_over_all_pages_and_then_a_card_each(engine: Engine, count: int) -> None:
    record = samples.record("notice", "accountants-family")
    record["people"] = [{**record["people"][at % 4], "branch": f"{at:02d}"} for at in range(count)]
    del record["people"][0]["branch"]
    made = engine.render("notice", "accountants", record, Options(accessible=True, specimen=False))
    found = spoken.document(made.pdf)
    branches = [f"{at:02d}" for at in range(1, count)]
    _, people, *cards = found.find("Table")
    head, *rows = cells(people)
    assert head == ["枝番", "氏名（フリガナ）", "生年月日", "資格取得日／加入区分", "負担割合／発効期日", "有効期限"]
    assert [row[0] for row in rows] == ["－", *branches]  # one that is not there keeps its cell
    assert {len(row) for row in rows} == {6}
    assert [dict(cells(card)).get("枝番", "") for card in cards] == ["", *branches]  # type: ignore[arg-type]
    following = found.kids[found.kids.index(people) + 1]
    assert following.spoken.startswith("― 以上です。")
    said = [line.removeprefix("H2 ") for line in lines(found) if line.startswith("H")]
    assert said.count("H1 資格情報のお知らせ") == 1
    assert said[1:5] == ["この通知について", "世帯で登録されている内容", "受診するとき", "保管と処分"]
    assert said[5:] == ["資格情報のお知らせ携帯用"] * count


@NOTICE
def test_heads_have_a_scope_and_every_table_is_regular(engine: Engine, name: str) -> None:
    found = spoken.document(render(engine, name).pdf)
    for table in found.find("Table"):
        assert len({len(row.kids) for row in table.kids}) == 1
        assert all(cell.kind in ("TH", "TD") for row in table.kids for cell in row.kids)
    assert {head.scope for head in found.find("TH")} <= {"Row", "Column"}
    assert all(figure.alt for figure in found.find("Figure"))


@NOTICE
def test_everything_of_the_record_that_is_printed_is_read(engine: Engine, name: str) -> None:
    made, record = render(engine, name, specimen=False), samples.record("notice", name)
    said = spoken.document(made.pdf).spoken
    printed = {run.text for page in read_pages(made.pdf) for run in page.runs}
    unread = {text for text in printed if text not in said}
    running = {"2", "3", "／", "枚目", "資格情報のお知らせ（続き）", record.get("piece_id", "")}
    assert unread <= running | {"― 次の紙に続きます ―", "ほかの方の切り取り枠は、次の紙にあります。"} | {
        "この位置に切り取り枠はありません"
    }


def test_a_specimen_is_told_to_be_one(engine: Engine) -> None:
    for specimen in (True, False):
        found = spoken.document(render(engine, "association-insured", specimen=specimen).pdf)
        assert ("P 見本" in lines(found)) == specimen


# ------------------------------------------------------------------------------------------------------- the layout


def test_roles_do_not_change_a_byte_of_the_plain_file(engine: Engine, tmp_path: Path) -> None:
    other = Engine(Settings(layouts_dir=without_roles(tmp_path)))
    for name in (HOUSEHOLD, "association-everything", "publishers-insured", "society-last-four"):
        plain = render(engine, name, accessible=False).pdf
        assert render(other, name, accessible=False).pdf == plain
        assert not any(tag in plain for tag in (b"StructTreeRoot", b"StructParents", b"MarkInfo"))


def test_a_document_without_roles_is_refused_and_told_what_it_lacks(engine: Engine, tmp_path: Path) -> None:
    other = Engine(Settings(layouts_dir=without_roles(tmp_path)))
    name = "association-insured"
    for at, document in ((other, "notice"), (engine, "card")):
        with pytest.raises(RequestError) as refused:
            at.render(document, "association", samples.record(document, name), Options(accessible=True))
        (violation,) = refused.value.violations
        assert violation.code == "not_accessible"
        assert f"no text of {document}.yaml has a role" in violation.message


def test_a_text_that_was_forgotten_is_told_by_the_check_and_refused(tmp_path: Path) -> None:
    engine = changed(tmp_path, "style: subtitle, role: p}", "style: subtitle}")
    (found,) = [violation for violation in engine.check() if violation.severity == "error"]
    assert (found.code, found.element, found.file) == ("layout_role", "title.sub", "notice.yaml")
    with pytest.raises(RequestError, match=r"\[title.sub\]: a text without a role"):
        render(engine, "association-insured")
    assert render(engine, "association-insured", accessible=False).pdf


def test_a_figure_says_its_words_and_where_it_stands(tmp_path: Path) -> None:
    """The barcode, and the mark if the layout gives it words: its paths are drawn one by one, and are one figure."""
    mark = "image: insurer.mark,        box: [134, 25.6, 5, 5],"
    engine = changed(tmp_path, mark, f"{mark} alt: wording.about_head,")
    made = render(engine, "association-insured")
    figures = spoken.document(made.pdf).find("Figure")
    assert [figure.alt for figure in figures] == ["郵便のバーコード", "この通知について"]
    assert figures[0].box == pytest.approx((32.5, 55.6, 32.5 + 79.8 * 0.85, 55.6 + 3.5 * 0.85), abs=0.02)
    left, top, right, bottom = figures[1].box
    assert 133.99 <= left < right <= 139.01
    assert 25.59 <= top < bottom <= 30.61
    assert verapdf.validate(made.pdf, "ua1") == []


def test_a_label_without_a_value_keeps_an_empty_cell(tmp_path: Path) -> None:
    birth = "field: person.born_on, box: [50, 0, 128, 7.4],    style: date_value, role: "
    engine = changed(tmp_path, f"{birth}value", f"{birth}artifact")
    made = render(engine, "association-insured")
    assert ["生年月日", ""] in cells(spoken.document(made.pdf).find("Table")[0])
    assert verapdf.validate(made.pdf, "ua1") == []
