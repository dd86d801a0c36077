"""Ways to damage a finished package, and to hide it: tables and manifest made to agree with the files again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf

from docgen.bulk.job import shard_dir
from docgen.bulk.opened import MANIFEST, PAGES_TABLE, open_manifest
from docgen.bulk.store import Store
from docgen.bulk.tables import PAGES, header
from docgen.pdf.swift import glances

Rows = list[list[str]]


class Damaged:
    """A package in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def pages_table(self) -> str:
        """What its table of pages is called."""
        return open_manifest(Store.open(self.folder)).named(PAGES_TABLE)

    def pages_of(self, file: str, change: Callable[[pikepdf.Pdf], None]) -> None:
        """Change a file as another program would."""
        path = self.folder / file
        with pikepdf.open(io.BytesIO(path.read_bytes())) as pdf:
            change(pdf)
            pdf.save(path, fix_metadata_version=False)

    def swap_contents(self, file: str, one: int, other: int) -> None:
        """Let two pages, counted from 0, show what the other one did."""

        def change(pdf: pikepdf.Pdf) -> None:
            first, second = pdf.pages[one].obj, pdf.pages[other].obj
            first["/Contents"], second["/Contents"] = second["/Contents"], first["/Contents"]

        self.pages_of(file, change)

    def table(self, name: str, change: Callable[[Rows], Rows]) -> None:
        """Change the rows of a table, under its header."""
        path = self.folder / name
        first, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\r\n").writerows(change(rows))
        path.write_bytes(header(first) + out.getvalue().encode("utf-8"))

    def manifest(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the manifest."""
        path = self.folder / MANIFEST
        loaded = json.loads(path.read_text(encoding="utf-8"))
        change(loaded)
        path.write_text(json.dumps(loaded, ensure_ascii=False), encoding="utf-8")

    def hide(self) -> None:
        """Page hashes as the files now have them, as far as there are rows; then the manifest's hashes and sizes."""
        hashes: dict[str, list[str]] = {}

        def repaired(rows: Rows) -> Rows:
            for row in rows:
                file, page = row[PAGES.index("file")], int(row[PAGES.index("page")])
                if file not in hashes:
                    data = (self.folder / file).read_bytes()
                    hashes[file] = [glance.sha256 for glance in glances(data, contents=False)]
                if page <= len(hashes[file]):
                    row[PAGES.index("page_hash")] = hashes[file][page - 1]
            return rows

        self.table(self.pages_table, repaired)
        self.sign()

    def shard_tables(self, number: int) -> None:
        """A shard's own table of pages and its result as package and files now are."""
        text = (self.folder / self.pages_table).read_text(encoding="utf-8-sig")
        own = [line for line in text.splitlines()[1:] if f"-{number:04d}.pdf," in line]
        place = self.folder / shard_dir(number)
        (place / "pages.csv").write_bytes("".join(f"{line}\r\n" for line in own).encode("utf-8"))
        result = json.loads((place / "result.json").read_bytes())
        signed = {file["name"]: file for file in json.loads((self.folder / MANIFEST).read_bytes())["files"]}
        result["files"] = [signed[file["name"]] for file in result["files"]]
        (place / "result.json").write_text(json.dumps(result))

    def sign(self) -> None:
        """The manifest's hashes, sizes and pages as the files now are."""

        def signed(manifest: dict[str, Any]) -> None:
            for file in manifest["files"]:
                data = (self.folder / file["name"]).read_bytes()
                file["sha256"], file["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
                if file["name"].endswith(".pdf"):
                    file["pages"] = sum(1 for _ in glances(data, contents=False))

        self.manifest(signed)


def exchange(one: int, other: int) -> Callable[[pikepdf.Pdf], None]:
    """Two cards, by the numbers of their first pages."""

    def change(pdf: pikepdf.Pdf) -> None:
        for at in (0, 1):
            first, second = pdf.pages[one - 1 + at].obj, pdf.pages[other - 1 + at].obj
            for key in ("/Contents",):
                first[key], second[key] = second[key], first[key]

    return change


def lines(pdf: pikepdf.Pdf, page: int) -> list[bytes]:
    content = bytes(pdf.pages[page - 1].Contents.read_bytes())
    return content.split(b"\n")


def set_lines(pdf: pikepdf.Pdf, page: int, content: list[bytes]) -> None:
    pdf.pages[page - 1].Contents = pdf.make_stream(b"\n".join(content))
