"""Synthetic people, the same on every machine. Names and places are put together by chance from tables of kana and
kanji: whoever they seem to name does not exist.
"""

from __future__ import annotations

import random

_SURNAMES = (
    "青木 アオキ|石田 イシダ|上野 ウエノ|遠藤 エンドウ|大塚 オオツカ|川村 カワムラ|"
    "北川 キタガワ|熊谷 クマガイ|小松 コマツ|斉藤 サイトウ|島田 シマダ|杉本 スギモト|"
    "関口 セキグチ|高野 タカノ|土屋 ツチヤ|富田 トミタ|中西 ナカニシ|西川 ニシカワ|"
    "野口 ノグチ|橋爪 ハシヅメ|平野 ヒラノ|福島 フクシマ|星野 ホシノ|松尾 マツオ|"
    "宮本 ミヤモト|村上 ムラカミ|森田 モリタ|山内 ヤマウチ|吉岡 ヨシオカ|和田 ワダ"
)
_GIVEN_NAMES = (
    "明子 アキコ|勇 イサム|恵理 エリ|修 オサム|和也 カズヤ|京子 キョウコ|"
    "健太 ケンタ|早苗 サナエ|重雄 シゲオ|純 ジュン|澄江 スミエ|孝 タカシ|"
    "千尋 チヒロ|努 ツトム|徹 トオル|直樹 ナオキ|望 ノゾミ|春香 ハルカ|"
    "久美 クミ|洋 ヒロシ|文雄 フミオ|誠 マコト|実 ミノル|睦 ムツミ|"
    "恵 メグミ|康夫 ヤスオ|由美 ユミ|義則 ヨシノリ|里奈 リナ|渉 ワタル"
)
_PREFECTURES = (
    "北海道 宮城県 新潟県 東京都 神奈川県 静岡県 愛知県 京都府 大阪府 兵庫県 広島県 愛媛県 福岡県 鹿児島県".split()
)
_TRADES = "電機 鉄道 薬品 食品 建設 印刷 情報 機械 繊維 運輸".split()
_REMARKS = "限度額区分の届出あり|旧姓の併記あり|特定疾病の届出あり|住所の変更あり|負担割合は三割|負担割合は二割".split(
    "|"
)
_ERAS = ((2019, "令和"), (1989, "平成"), (1926, "昭和"))
_KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"


def _level_1_kanji() -> str:
    """The 2,965 kanji of JIS X 0208's first level: rows 16 to 47 of the code table."""
    raw = (bytes((row, cell)) for row in range(0xB0, 0xD0) for cell in range(0xA1, 0xFF))
    return "".join(pair.decode("euc_jp", "ignore") for pair in raw)


class RecordMaker:
    """Makes records one after another; the n-th is always the same."""

    def __init__(self) -> None:
        self._random = random.Random(20261122)
        self._kanji = _level_1_kanji()
        self._made = 0
        self._names: set[str] = set()

    def make(self) -> tuple[dict[str, str], str]:
        """The next person: the fields' texts and the symbol's payload of 42 bytes. No two have the same name."""
        chance = self._random
        self._made += 1
        name, kana = self._name()
        while name in self._names:
            name, kana = self._name()
        self._names.add(name)
        number, insurer_number = f"{chance.randrange(10**7):07d}", f"{chance.randrange(10**6, 10**7):08d}"
        texts = {
            "name": name,
            "kana": kana,
            "born_on": self._date(1940, 2024),
            "sex": chance.choice("男女"),
            "symbol": str(chance.randrange(10, 99_999)),
            "number": number,
            "branch": f"{chance.randrange(10):02d}",
            "acquired_on": self._date(2000, 2025),
            "issued_on": self._date(2025, 2026),
            "expires_on": self._date(2027, 2030),
            "insurer_number": insurer_number,
            "insurer_name": f"{self._kanji_word(2)}{chance.choice(_TRADES)}健康保険組合",
            "insurer_address": self._address(),
            "remarks": f"{chance.choice(_REMARKS)}　整理番号{self._made:07d}　{chance.choice(_REMARKS)}",
        }
        return texts, f"b1:{insurer_number}:{number}:{chance.getrandbits(88):022x}"

    def _name(self) -> tuple[str, str]:
        """Two names of three from the tables, the others of any two kanji and two: as many glyphs as a large batch."""
        if self._random.random() < 0.3:
            kana = "　".join("".join(self._random.choices(_KANA, k=4)) for _ in range(2))
            return f"{self._kanji_word(2)}　{self._kanji_word(2)}", kana
        surname, surname_kana = self._random.choice(_SURNAMES.split("|")).split()
        given, given_kana = self._random.choice(_GIVEN_NAMES.split("|")).split()
        if self._random.random() < 0.5:
            given, given_kana = given[:1] + self._kanji_word(1), given_kana[:2] + self._random.choice(_KANA)
        return f"{surname}　{given}", f"{surname_kana}　{given_kana}"

    def _address(self) -> str:
        chance = self._random
        block = f"{chance.randrange(1, 9)}丁目{chance.randrange(1, 30)}番{chance.randrange(1, 20)}号"
        building = f"　{self._kanji_word(2)}ビル{chance.randrange(2, 12)}階" if chance.random() < 0.5 else ""
        return f"{chance.choice(_PREFECTURES)}{self._kanji_word(2)}市{self._kanji_word(2)}町{block}{building}"

    def _kanji_word(self, length: int) -> str:
        return "".join(self._random.choices(self._kanji, k=length))

    def _date(self, first: int, last: int) -> str:
        year, month, day = (self._random.randint(*span) for span in ((first, last), (1, 12), (1, 28)))
        begins, era = next((begins, era) for begins, era in _ERAS if year >= begins)
        in_era = "元" if year == begins else str(year - begins + 1)
        return f"{era}{in_era}年{month}月{day}日"
