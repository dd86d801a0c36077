"""What can go wrong, in one list, and the exceptions that carry it.

DocgenError
├── RecordError    the caller's record breaks a rule, or does not fit the layout (HTTP 422)
├── RequestError   the request itself is malformed, too large, or names something unknown (HTTP 400, 404, 413, 415, 503)
├── BatchError     a batch cannot go on: its store, its ledger or one of its shards (HTTP 409, 500, 503)
├── PackageError   a finished package cannot be opened, searched or reprinted (HTTP 404, 422)
├── LayoutError    a layout or an insurer's profile is wrong (file and line)
└── AssetError     a font, colour profile or the postal data are missing or altered on this machine
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# code -> (HTTP status, what it means). The reference page in the docs is generated from this table.
CODES: dict[str, tuple[int, str]] = {}


def _declare(status: int, codes: dict[str, str]) -> None:
    CODES.update({code: (status, meaning) for code, meaning in codes.items()})


# --- the record: what it says (issuance) ---
_declare(
    422,
    {
        "unknown_key": "A key that records of this document, or requests of this kind, do not have.",
        "wrong_type": "A value has another JSON type than the schema asks for.",
        "missing_value": "A required value is absent or blank.",
        "not_allowed": "A value is none of those that the schema lists, or has another form.",
        "too_long": "A text is longer than the schema allows.",
        "invalid_date": "A date is not a day of the calendar, written YYYY-MM-DD.",
        "date_too_early": "A date lies before 1873-01-01, the first day of the Gregorian calendar in Japan.",
        "dates_out_of_order": "Two dates are in an order that cannot be.",
        "birth_in_future": "The birth date lies after the date of issue.",
        "issued_on_missing": "Neither the record nor the job names the date of issue.",
        "control_character": "A control character, a broken character (U+FFFD, half a surrogate) or a noncharacter.",
        "bidi_override": "A character that changes the direction of the text around it.",
        "zero_width_character": "An invisible character without width.",
        "outer_space": "A name or a household begins or ends with a space, as padded fields do.",
        "misplaced_mark": "A variation selector or combining mark without a base character before it.",
        "damaged_name": "A name holds a sign that conversions leave in the place of a lost character.",
        "reading_not_katakana": "A reading holds a letter or digit that is no katakana.",
        "mixed_width": "A symbol or number mixes half-width and full-width characters.",
        "identifier_character": "A symbol or number holds a character that it may not have.",
        "identifier_too_long": "Symbol and number are longer than the national format allows.",
        "invalid_branch": "A branch is not two half-width digits.",
        "name_conflict": "A name is given both split and as one.",
        "name_split_required": "A former surname needs family and given name apart.",
        "former_surname_with_alias": "A former surname and an alias at once: only one of them can stand on the front.",
        "unknown_code": "A code that the insurer's tables do not have.",
        "value_not_applicable": "A value that this person's document cannot have.",
        "expired_at_issue": "The document would expire before it is issued.",
        "age_75_reached": "The person is 75 or older on the date of issue: another insurer's document.",
        "issued_too_early": "The date of issue lies before the law knew such a document.",
        "continuation_too_long": "A voluntarily continued membership ends later than the law's two years allow.",
        "ratio_required": "The burden ratio is required from 70.",
        "ratio_before_70": "A burden ratio would be in effect before the person's 70 allows it.",
        "ratio_not_in_force": "No burden ratio would be in effect when the document begins to hold.",
        "not_month_start": "A certificate takes effect neither on the first of a month nor on the day of acquisition.",
        "not_month_end": "A certificate's last day is not the end of a month.",
        "expires_too_late": "A certificate outlasts what the holder's age or the insurer's rule allows.",
        "category_age": "A category of people below 70 on a certificate from 70, or the other way round.",
        "pending_ratio": "The pending change of the burden ratio is no change to come.",
        "individual_number_too_long": "More than the last four digits of an individual number: it must not be sent.",
        "empty_list": "A list, of recipients or of undelivered mail, names nobody: there is nothing to print.",
        "too_many_people": "A notice for one person has several, or a form more than it has places for.",
        "too_many_cards": "A mount has more cards than an envelope takes.",
        "cards_out_of_place": "A mount's cards do not take its places 1, 2, ... one after the other.",
        "match_code_twice": "Two cards of one mount have the same match code: the machine could swap them.",
        "piece_out_of_range": "A piece is numbered beyond the number of its pieces.",
        "match_code_missing": "The cards are glued by machine, and the record has no match code.",
        "invalid_postal_code": "A postal code is not seven half-width digits, with or without the hyphen.",
        "address_form": "An address is given neither or both as area and rest and in one line.",
        "address_not_split": "An address in one line does not begin with a town of its postal code.",
        "post_office_box_code": "A box number without the collective postal code of a post office's boxes.",
        "comb_character": "A form's cells, one for each character, do not take this character.",
        "contradictory_choices": "Two choices on a form exclude each other, or one is made twice.",
        "era_not_on_form": "A date lies in an era that the form has no box for.",
        "barcode_unencodable": "An address has a number that the customer barcode cannot take.",
    },
)
# --- the record: what cannot be printed (text, symbols, compose) ---
_declare(
    422,
    {
        "missing_glyph": "No face of the stack has this character, and the insurer's profile names no substitute.",
        "private_use_character": "A private-use character (外字) has no glyph and no substitute.",
        "unknown_sequence": "No face has this base character with this variation selector.",
        "does_not_fit": "A text does not fit its box, even after every step of its fit policy.",
        "qr_too_long": "The QR payload needs modules smaller than the layout allows.",
        "too_many_rows": "A list has more rows than the layout has places, and no side to go on to.",
        "required_item_empty": "An element that the layout requires has nothing to print.",
    },
)
# --- the request and the command line (service, cli) ---
_declare(
    400,
    {
        "malformed_form": "The body is no multipart form, or has a field that is no text, no file, or twice.",
        "malformed_json": "The body or file is not one JSON text in UTF-8.",
        "duplicate_key": "A key stands twice in one JSON object.",
        "invalid_parameter": "A query parameter is unknown, or has a value that it cannot have.",
        "not_accessible": "An accessible file of a document whose layout does not say how it is read aloud.",
        "unreadable_file": "A file named on the command line cannot be read.",
        "unwritable_file": "A file or folder named on the command line cannot be written.",
        "unusable_place": "A folder or file that a setting names cannot be made or written.",
        "location_form": "The place of a package is neither a folder nor s3://BUCKET/PREFIX.",
    },
)
_declare(
    404,
    {
        "unknown_insurer": "There is no insurer's profile of this name.",
        "unknown_document": "There is no such document, or this insurer does not issue it.",
        "no_such_page": "The document has fewer pages than the one asked for.",
        "not_found": "There is nothing at this address.",
    },
)
_declare(405, {"method_not_allowed": "The address does not answer this method."})
_declare(406, {"not_acceptable": "The Accept header allows none of the forms that the answer can take."})
_declare(413, {"body_too_large": "The request body is larger than the service reads."})
_declare(
    415,
    {"unsupported_media_type": "The request body is not declared as what is read here, or is compressed."},
)
_declare(500, {"internal": "The service failed in a way that nobody expected; its log has the place."})
_declare(
    503,
    {
        "queue_full": "More requests are waiting than the service takes in.",
        "timed_out": "The request was not finished in the time that the service allows.",
    },
)
# --- bulk issuance: rows that are not printed (bulk) ---
_declare(
    422,
    {
        "duplicate_person": "Several rows of the extract have one number and branch; all of them are rejected.",
        "already_issued": "Another batch has issued this document with this date to the same person.",
        "claimed_by_unfinished": "A batch that has not finished is to issue this document to the same person.",
        "identity_conflict": "An earlier batch has another birth date or name under this number and branch.",
        "withdrawn_before": "The person was taken out of an earlier batch of this document and date.",
        "never_issued": "The list of undelivered mail names somebody whom no batch has issued anything.",
        "malformed_row": "A row of the extract has more or fewer fields than its header, or is quoted wrongly.",
        "household_too_large": "More rows name one household than a household can have people.",
        "household_contradictory": "The rows of one household contradict each other; all of them are rejected.",
        "household_missing": "A row of the extract does not say which household it belongs to.",
        "issue_date_differs": "A row's date of issue is not the job's.",
        "household_held": "The person is held back, since another of the household was rejected for a mistake.",
        "withdrawn": "The person was taken out between extract and release.",
    },
)
# --- bulk issuance: jobs (bulk) ---
_declare(
    422,
    {
        "no_bulk_settings": "The insurer's profile has no section on bulk issuance.",
        "unknown_delivery": "The insurer's profile has no delivery policy of this name.",
    },
)
# --- bulk issuance: extracts (bulk) ---
_declare(
    400,
    {
        "source_not_allowed": "An extract's address is not on the list of those that may be read.",
        "source_missing": "There is no extract at this address.",
        "unknown_format": "An extract is neither CSV, JSON Lines nor Parquet, going by its name.",
        "undecodable_input": "An extract's bytes are no text, neither in UTF-8 nor, as CSV, in CP932.",
        "malformed_input": "An extract cannot be read at all in its format.",
        "unclosed_quote": "A quotation mark of a CSV file is not closed: the rows behind it would be lost.",
        "row_too_long": "A row of an extract is longer than any row can be.",
        "empty_input": "An extract has no row.",
        "rows_differ": "An extract has not as many rows as were expected of it: it may be cut off, or another one.",
        "duplicate_header": "Two columns of an extract have the same header, or one has a name that docgen needs.",
        "columns_not_mapped": "An extract's headers are not those that the insurer's profile reads or ignores.",
        "column_type": "A column of Parquet or JSON Lines has a type that texts cannot be read from without doubt.",
        "unknown_person": "A list names people who are not in the extract.",
    },
)
# --- batches (bulk) ---
_declare(
    503,
    {
        "store_unavailable": "What a batch lives in cannot be written (a full disk, say), or did not answer any retry.",
        "ledger_unavailable": "The ledger's database did not answer, after all retries.",
        "cluster_unavailable": "The scheduler that runs shards cannot be reached or was lost, or no worker starts.",
        "worker_differs": "A worker has another version, layout, font or colour profile than the coordinator.",
    },
)
_declare(
    500,
    {
        "ledger_version": "The ledger's tables were made by another version of docgen.",
        "counts_differ": "The counts of a package do not add up; nothing was released.",
        "shard_failed": "A shard failed at every attempt; the service's log has the place.",
    },
)
_declare(404, {"unknown_batch": "There is no batch of this id."})
_declare(
    409,
    {
        "batch_running": "The batch is being run, and cannot be deleted or run a second time.",
        "job_number_taken": "Another batch has this job number.",
    },
)
_declare(
    409,
    {
        "too_late_to_withdraw": "The package is being released, was handed out, or the batch has ended without one.",
        "too_late_to_cancel": "The package is being released, or was released: it stays.",
        "not_released": "The batch has no package yet, or none any more.",
        "out_not_empty": "The folder for a package holds something else already, or a batch that is not finished.",
        "input_changed": "The extract, or a list, is not the one that the batch was begun with.",
        "batch_deleted": "The batch that was submitted with this idempotency key has been deleted.",
        "batch_ended": "The batch has ended, and what is asked of it needs one that has not.",
    },
)
_declare(
    503, {"batches_full": "As many batches are waiting as the service lets wait; it takes the next one when one ends."}
)
_declare(403, {"foreign_page": "A page of another site asked, through somebody's browser."})
_declare(416, {"range_not_satisfiable": "The range lies outside of the file."})
_declare(
    422,
    {
        "webhook_not_allowed": "Messages are not sent to this address, or the service has no secret to sign them with.",
        "job_number_form": "A job's number is one to six capitals and digits, and none that Windows keeps (CON, COM1).",
        "issue_date_unknown": "Neither the first row of the extract nor the request says when the batch is issued.",
        "nobody_printed": "Nobody of a batch could be printed: the package's table of rejects says why.",
        "list_form": "A list of people is no UTF-8 text with a key on each line, or an entry of one is no single line.",
    },
)
_declare(422, {"idempotency_mismatch": "The idempotency key was used for another request."})
# --- finished packages (bulk.reconcile, bulk.reprint, bulk.find) ---
_declare(
    422,
    {
        "package_manifest": "A package's manifest is missing, or is none.",
        "package_table": "A table of a package is missing, has other columns, or a row that is none.",
        "package_file_missing": "The manifest names a file that the package does not have.",
        "package_file_unknown": "The package has a file that the manifest does not name.",
        "package_file_stray": "A file that a file manager has left in a package (.DS_Store): no difference.",
        "package_file_changed": "A file of a package is not the one that the manifest names: another size or hash.",
        "package_file_unreadable": "A file of a package is no PDF, or is damaged.",
        "package_counts": "A package's counts do not add up, or are not those of its tables and files.",
        "package_page_missing": "A page of the table is not in its file.",
        "package_page_unlisted": "A file has a page that the table does not name, or has it twice.",
        "package_page_changed": "A page is not the one that the table names.",
        "package_order": "Pages, cards or pieces do not stand in the order in which they were planned.",
        "package_place": "An envelope's cards do not take its places 1, 2, ..., or are more than it takes.",
        "package_person": "A person's document is printed twice or not at all, or nobody has this key.",
        "package_piece": "Two pieces of a package have the same id.",
        "package_name_differs": "A card does not bear the name that its place on the mount says.",
        "package_code_differs": "A card, its place on the mount, or another page does not bear the code of its piece.",
        "package_specimen": "A page of a trial does not bear the mark of a specimen, or another page does.",
        "package_bundle": "An envelope is not in the bundle of the letter that names it.",
        "package_text_differs": "A page does not say what the input and the insurer's rules ask for.",
        "package_row_differs": "What became of a row of the input is not what the package says.",
        "reason_missing": "A reprint, or a second issue, was asked for without a reason.",
        "package_in_the_way": "There is a package already where another is to be written.",
        "reprint_damaged": "What is to be printed again cannot be trusted: its page or file is not the original one.",
    },
)
_declare(404, {"not_in_package": "The package has no such piece, person or page."})
# --- finished files (pdf.preflight) ---
_declare(
    422,
    {
        "pdf_unreadable": "The file is no PDF, or is damaged.",
        "pdf_stream_damaged": "A stream's compressed data is damaged or cut off: pages may look otherwise.",
        "x4_header": "The file's version is later than PDF 1.6, or its binary comment is missing.",
        "x4_no_id": "The trailer has no file identifier.",
        "x4_encrypted": "The file is encrypted.",
        "x4_output_intent": "There is not exactly one GTS_PDFX output intent, or it does not name its condition.",
        "x4_output_profile": "The output intent's profile is missing or is no CMYK printer profile.",
        "x4_no_xmp": "There is no XMP metadata that can be read.",
        "x4_xmp_filtered": "The XMP metadata is compressed.",
        "x4_xmp_key": "The XMP lacks a property that PDF/X-4 asks for, or names another standard.",
        "x4_info_mismatch": "The document information and the XMP differ.",
        "x4_trapped": "Trapped is not stated as True or False, or the document information and the XMP differ on it.",
        "x4_no_trim_box": "A page has no trim box, or an art box beside it.",
        "x4_box_nesting": "A page's trim box, bleed box and media box do not stand inside each other.",
        "x4_page_key": "A page has a key that a print page may not have.",
        "x4_group_space": "A page or form has a blending space other than the output intent's, DeviceCMYK.",
        "x4_rgb": "A colour, colour space or image is RGB.",
        "x4_icc_is_intent": "A colour space is based on the output intent's own profile.",
        "x4_spot_differs": "One spot colour's name stands for two colours.",
        "x4_font_not_embedded": "A font is not embedded.",
        "x4_font_widths": "A font has no widths.",
        "x4_font_encoding": "A composite font's encoding is neither Identity nor embedded.",
        "x4_transfer": "A graphics state has a transfer function or a halftone phase.",
        "x4_halftone": "A halftone is not of type 1 or 5, or has a name.",
        "x4_blend_mode": "A blend mode is none of the standard ones.",
        "x4_xobject": "An XObject is PostScript, a proxy, a reference, has alternates, or has its data elsewhere.",
        "x4_filter": "A stream is compressed with LZW or encrypted.",
        "x4_action": "The file has actions or scripts.",
        "x4_viewer_preferences": "The viewer preferences name an area other than the media box or bleed box.",
        "x4_content": "A content stream has unknown operators, lacks resources, or cannot be read.",
        "a2u_output_intent": "There is no GTS_PDFA1 output intent, or it has another profile object.",
        "a2u_identification": "The XMP says neither PDF/A-2u nor PDF/A-2a, which includes it.",
        "a2u_to_unicode": "A glyph that is shown has no text.",
        "a2u_notdef": "The glyph .notdef, the empty box for a missing character, is shown.",
        "press_bleed": "A page's bleed is less than 3 mm, or not stated.",
        "press_grey": "A colour, colour space or image is grey instead of the black ink of CMYK.",
        "press_colour_space": "A colour space is neither DeviceCMYK nor a spot colour.",
        "press_text_overprint": "Text in 100 K does not overprint.",
        "press_white_overprint": "Something white overprints, so that the press leaves it out.",
        "press_hairline": "A line is too thin for a press to hold.",
        "press_total_ink": "A colour lays more ink on one place than a press dries.",
        "press_hidden_text": "Text is invisible or has no size.",
        "press_image_resolution": "An image is too coarse for the size it is placed in.",
        "press_annotation": "The file has annotations or form fields.",
        "press_optional_content": "The file has layers that can be switched.",
        "press_attachment": "The file has another file embedded.",
    },
)
# --- layouts and profiles ---
_declare(
    500,
    {
        "layout_unknown_field": "A layout names a print item that the document's catalogue does not have.",
        "layout_unknown_flag": "A layout's condition names a flag that the document's catalogue does not have.",
        "layout_missing_item": "A layout does not print, or not always, an item that its document is for.",
        "layout_never_filled": "A field or symbol that no variant of the document can fill, or that no sample fills.",
        "profile_unknown_wording": "A profile words a key that the layout does not have.",
        "layout_seal_too_small": "A privacy seal does not cover, with its margin, the box that it is for.",
        "layout_unknown_element": "A seal or a window names an element or a layout that is not there.",
        "layout_hidden_in_window": "What an envelope's window is to show is hidden when the sheet slides.",
        "layout_seen_in_window": "What is not for all to see stands where an envelope's window may show it.",
        "layout_beside_window": "A folded sheet does not fill the window of its envelope wherever it slides.",
        "layout_artwork": "An artwork file cannot be read, or uses what a press cannot show.",
        "layout_undeclared": "A layout names an ink, spot colour, stack, wording or artwork that nothing declares.",
        "layout_wording_does_not_fit": "A text that is the same on every document does not fit its box.",
        "layout_wording_missing_glyph": "A text that is the same on every document has a character that no face has.",
        "layout_trim_not_allowed": "A profile asks for a trim size that the layout is not drawn for.",
        "layouts_folder": "The folder of layouts, profiles and samples is not there.",
        "layouts_wrong": "A batch is refused, since layouts that it would be printed from have errors.",
        "layouts_unread": "A file that looks like a layout, a profile or a sample, and that nobody reads.",
        "layout_syntax": "The YAML file cannot be read.",
        "layout_unknown_key": "A key that the layout language does not know.",
        "layout_value": "A value of the wrong kind, or outside what is allowed.",
        "layout_unknown_flow": "A flow or side is named that is not there, or where the flow has no place.",
        "layout_duplicate_id": "Two elements of one layout have the same id.",
        "layout_unknown_style": "An element names a style that the layout does not declare.",
        "layout_unknown_wording": "An element names wording that the layout does not declare.",
        "layout_unused": "A style, wording or spot colour that nothing uses: most often a misspelt name.",
        "layout_fit_policy": "A fit policy's steps are out of range, out of order, or against the element's nature.",
        "layout_vertical": "A vertical text is rotated, has a gap or a comb, or stands in a row that grows.",
        "layout_off_page": "An element stands outside the page with its bleed.",
        "layout_outside_safe_area": "A text, symbol or artwork stands outside the safe area.",
        "layout_type_too_small": "Type that is, or may be shrunk, below the insurer's floor.",
        "layout_role": "A layout that says how it is read aloud leaves something out, or names what is not there.",
        "layout_covered": "A shape lies over a text, or something dark lies in a symbol or its clear space.",
        "layout_contrast": "A text whose ink hardly differs from the ground beneath it.",
        "layout_bleed": "A ground ends at the trim or short of the bleed: where the cut is off, an edge stays white.",
        "layout_total_ink": "An ink of a layout or a profile lays more on one place than the insurer's `total_ink`.",
        "layout_collision": "Two texts or symbols that can be visible together overlap.",
        "insurer_check_digit": "The insurer number's check digit is wrong.",
        "insurer_prefecture": "The insurer number's prefecture is none of 01 to 47 (warning).",
        "insurer_scheme": "The insurer number's scheme (法別番号) is not known (warning).",
    },
)
# --- fonts, colour profiles, postal data ---
_declare(
    503,
    {
        "font_missing": "A font file named in fonts.toml is not installed.",
        "font_altered": "A font file's SHA-256 is none of those that fonts.toml accepts.",
        "postal_data_missing": "The package with the towns of Japan's postal codes is not installed.",
        "icc_missing": "No CMYK output profile was found.",
        "icc_invalid": "The output profile is not a CMYK printer profile.",
        "icc_stand_in": "A printing condition is named, but the output profile is Ghostscript's stand-in.",
    },
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong, where, and what to do about it.

    `pointer` is a JSON pointer into the record, `item` the print item that its value became, where one is at fault;
    `file` and `line` point into a layout or profile, `line` alone into what was sent. `message` and `hint` may quote
    the caller's data: they go back to the caller and never into a log (see `public`).
    """

    code: str
    message: str
    hint: str = ""
    pointer: str | None = None
    element: str | None = None
    file: str | None = None
    line: int | None = None
    severity: str = "error"
    item: str | None = None

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"undeclared error code: {self.code}")

    def as_dict(self) -> dict[str, Any]:
        """The violation as JSON, without the parts that are not set."""
        parts = ("code", "message", "hint", "pointer", "element", "file", "line", "severity")
        return {name: value for name in parts if (value := getattr(self, name)) not in (None, "")}

    def public(self) -> str:
        """What may be logged: code and place, never a value of the record."""
        return " ".join(filter(None, (self.code, self.pointer, self.element)))

    def __str__(self) -> str:
        place = self.pointer or ""
        if self.file:
            place = self.file if self.line is None else f"{self.file}:{self.line}"
        if self.element:
            place = f"{place} [{self.element}]" if place else f"[{self.element}]"
        head = f"{place}: " if place else ""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}{self.message}{tail} <{self.code}>"


class DocgenError(Exception):
    """Base of every error that docgen raises on purpose; `violations` holds all of them, not the first only."""

    def __init__(self, violations: Violation | Iterable[Violation]) -> None:
        self.violations = (violations,) if isinstance(violations, Violation) else tuple(violations)
        super().__init__("\n".join(map(str, self.violations)))

    @property
    def status(self) -> int:
        """The HTTP status of the gravest violation."""
        return max(CODES[v.code][0] for v in self.violations)


class RecordError(DocgenError):
    """The record breaks a rule or does not fit."""


class RequestError(DocgenError):
    """The request is malformed, too large or names something unknown."""


class BatchError(DocgenError):
    """A batch cannot go on: its store, its ledger or one of its shards."""


class PackageError(DocgenError):
    """A finished package cannot be opened, searched or reprinted."""


class LayoutError(DocgenError):
    """A layout or profile is wrong."""


class AssetError(DocgenError):
    """A font, colour profile or the postal data are missing or altered."""


def several(count: int, noun: str, nouns: str = "") -> str:
    """A number of things: `1 shard`, `2,400 shards`."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"
