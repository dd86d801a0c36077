"""Invented people in an extract's columns, as many as asked for: `python -m bench.people 100000 extract.parquet`.

The same number gives the same people. Families follow sizes as households have them (1 to 9, on average 2.3); nobody's
row breaks a rule. Towns are not real.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ISSUED_ON = date(2025, 8, 1)
_FAMILY = "見本 例示 試験 仮名 架空 雛形 凡例 標本 作例 空想".split()
_FAMILY_KANA = "ミホン レイジ シケン カメイ カクウ ヒナガタ ハンレイ ヒョウホン サクレイ クウソウ".split()
_GIVEN = "太郎 花子 一郎 さくら 次郎 桃子 健一 直美 翔太 結衣 大輔 千代 修平 里佳 明美 学".split()
_GIVEN_KANA = (
    *"タロウ ハナコ イチロウ サクラ ジロウ モモコ ケンイチ ナオミ".split(),
    *"ショウタ ユイ ダイスケ チヨ シュウヘイ リカ アケミ マナブ".split(),
)
_SIZES = (1, 2, 3, 4, 5, 6, 9)
_WEIGHTS = (42, 24, 15, 12, 4, 2, 1)
COLUMNS = (
    "世帯番号,記号,番号,枝番,本人家族区分,資格区分,氏,名,氏カナ,名カナ,旧姓,通称名,通称名カナ,性別,性別裏面記載,生年月日,"
    "資格取得年月日,認定年月日,資格喪失予定年月日,在留期限,負担割合,負担割合発効年月日,個人番号下4桁,郵便番号,住所,番地等,方書,"
    "事業所番号,事業所名称,事業所郵便番号,事業所所在地,交付年月日"
).split(",")


def people(count: int, seed: int = 1) -> Iterator[dict[str, str]]:
    """`count` rows, household by household."""
    rng, made, household = random.Random(seed), 0, 0
    while made < count:
        household += 1
        size = min(rng.choices(_SIZES, _WEIGHTS)[0], count - made)
        yield from _household(rng, household, size)
        made += size


def _household(rng: random.Random, household: int, size: int) -> Iterator[dict[str, str]]:
    name, employer = rng.randrange(len(_FAMILY)), rng.randrange(1, 5000)
    shared = {
        "世帯番号": f"{household:08d}",
        "記号": str(10000000 + employer),
        "番号": str(household),
        "資格区分": "一般",
        "氏": _FAMILY[name],
        "氏カナ": _FAMILY_KANA[name],
        "性別裏面記載": "0",
        "郵便番号": f"{rng.randrange(1000):03d}-{rng.randrange(1, 99) * 100 + rng.randrange(1, 99):04d}",
        "住所": "見本県見本市例示町",
        "番地等": f"{rng.randrange(1, 9)}丁目{rng.randrange(1, 99)}番{rng.randrange(1, 30)}号",
        "方書": rng.choice(("", "", f"見本ハイツ{rng.randrange(101, 999)}号室")),
        "事業所番号": f"{employer:04d}",
        "事業所名称": f"株式会社見本製作所第{employer}工場",
        "事業所郵便番号": "100-0000",
        "事業所所在地": f"見本県見本市工場町{employer}-1",
        "交付年月日": f"{ISSUED_ON:%Y%m%d}",
    }
    for member in range(size):
        yield {**dict.fromkeys(COLUMNS, ""), **shared, **_member(rng, member)}


def _member(rng: random.Random, member: int) -> dict[str, str]:
    given = rng.randrange(len(_GIVEN))
    age = rng.randrange(20, 75) if member == 0 else rng.randrange(0, 75)
    born = ISSUED_ON - timedelta(days=age * 365 + rng.randrange(1, 250))
    acquired = max(born, date(2010, 4, 1)) + timedelta(days=rng.randrange(0, 300) if born < date(2024, 1, 1) else 0)
    from_70 = (ISSUED_ON - born).days >= 70 * 365.25 + 32
    if not from_70 and (ISSUED_ON - born).days >= 69.9 * 365.25:
        born += timedelta(days=800)  # away from the birthday, where the month decides
    return {
        "枝番": f"{member:02d}",
        "本人家族区分": "1" if member == 0 else "2",
        "名": _GIVEN[given],
        "名カナ": _GIVEN_KANA[given],
        "性別": rng.choice("12"),
        "生年月日": f"{born:%Y%m%d}",
        "資格取得年月日": f"{acquired:%Y%m%d}",
        "認定年月日": f"{acquired:%Y%m%d}" if member else "",
        "負担割合": rng.choice("23") if from_70 else "",
        "負担割合発効年月日": f"{ISSUED_ON:%Y%m%d}" if from_70 else "",
        "個人番号下4桁": f"{rng.randrange(10000):04d}",
    }


def write(count: int, path: Path, batch: int = 20_000) -> None:
    """Write them as Parquet, in bounded memory."""
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    rows: list[dict[str, str]] = []
    with pq.ParquetWriter(path, schema) as writer:
        for row in people(count):
            rows.append(row)
            if len(rows) == batch:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.people")
    parser.add_argument("people", type=int)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    write(arguments.people, arguments.out)


if __name__ == "__main__":
    main()
