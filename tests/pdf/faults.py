"""What can be wrong with a print file: for each code of the preflight, ways to break a good file."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

Change = Callable[[Pdf], None]


def rewritten(data: bytes, change: Change, **options: Any) -> bytes:
    """A file with a change, everything else as it was."""
    with Pdf.open(io.BytesIO(data)) as pdf:
        change(pdf)
        out = io.BytesIO()
        options = {"stream_decode_level": pikepdf.StreamDecodeLevel.none, "compress_streams": False} | options
        pdf.save(out, fix_metadata_version=False, **options)
        return out.getvalue()


def page(pdf: Pdf) -> Any:
    return pdf.pages[0].obj


def root(pdf: Pdf) -> Any:
    return pdf.Root


def info(pdf: Pdf) -> Any:
    return pdf.docinfo


def intent(pdf: Pdf) -> Any:
    return pdf.Root.OutputIntents[0]


def profile(pdf: Pdf) -> Any:
    return intent(pdf).DestOutputProfile


def font(pdf: Pdf) -> Any:
    """The font of the first page that has the first name."""
    fonts = pdf.pages[0].resources.Font
    return fonts[min(fonts.keys())]


def descendant(pdf: Pdf) -> Any:
    return font(pdf).DescendantFonts[0]


def fresh(value: Any) -> Any:
    """A copy that no file owns yet: the table below serves many files."""
    return pikepdf.Object.parse(value.unparse()) if isinstance(value, pikepdf.Object) else value


def put(holder: Callable[[Pdf], Any], key: str, value: Any) -> Change:
    return lambda pdf: holder(pdf).__setitem__(key, fresh(value))


def drop(holder: Callable[[Pdf], Any], *keys: str) -> Change:
    return lambda pdf: [holder(pdf).__delitem__(key) for key in keys if key in holder(pdf)] and None


def both(*changes: Change) -> Change:
    return lambda pdf: [change(pdf) for change in changes] and None


def show(content: str) -> Change:
    """Operators at the end of the first page."""
    return lambda pdf: pdf.pages[0].contents_add(f"q {content} Q".encode("latin-1"))


def resource(kind: str, value: Any, name: str = "/Xnew") -> Change:
    """One more resource for the first page, and for whatever shares its resources."""

    def change(pdf: Pdf) -> None:
        holder = pdf.pages[0].resources
        if kind not in holder:
            holder[kind] = Dictionary()
        holder[kind][name] = pdf.make_indirect(value(pdf) if callable(value) else fresh(value))

    return change


def state(**keys: Any) -> Change:
    return resource("/ExtGState", Dictionary(**keys))


def stream(data: bytes | Callable[[Pdf], bytes], **keys: Any) -> Callable[[Pdf], Stream]:
    def make(pdf: Pdf) -> Stream:
        made = Stream(pdf, data(pdf) if callable(data) else data)
        for key, value in keys.items():
            made[f"/{key}"] = fresh(value)
        return made

    return make


def form(content: bytes, **keys: Any) -> Change:
    """A form that the first page invokes; it has the page's resources."""

    def make(pdf: Pdf) -> Stream:
        made = stream(content, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]), **keys)(pdf)
        made.Resources = pdf.pages[0].resources
        return made

    return both(resource("/XObject", make, "/Xform"), show("/Xform Do"))


def image(space: Any, components: int, side_pt: float = 1, **keys: Any) -> Change:
    """An image of 10 x 10 samples on the first page."""
    size = {"Width": 10, "Height": 10, "BitsPerComponent": 8}
    made = stream(bytes(components * 100), Subtype=Name.Image, ColorSpace=space, **size, **keys)
    return both(resource("/XObject", made, "/Ximage"), show(f"{side_pt} 0 0 {side_pt} 9 9 cm /Ximage Do"))


def pattern(content: bytes) -> Change:
    keys = {"PatternType": 1, "PaintType": 1, "TilingType": 1, "BBox": Array([0, 0, 9, 9]), "XStep": 9, "YStep": 9}
    return resource("/Pattern", stream(content, Resources=Dictionary(), **keys))


def spot(name: str, space: Name, full: list[float], colorant: str = "/Gold") -> Change:
    tint = Dictionary(FunctionType=2, Domain=[0, 1], C0=[0] * len(full), C1=full, N=1)
    return resource("/ColorSpace", Array([Name.Separation, Name(colorant), space, tint]), name)


def icc(data: bytes | Callable[[Pdf], bytes], components: int) -> Change:
    def make(pdf: Pdf) -> Array:
        return Array([Name.ICCBased, pdf.make_indirect(stream(data, N=components)(pdf))])

    return resource("/ColorSpace", make)


def xmp(old: bytes, new: bytes) -> Change:
    def change(pdf: Pdf) -> None:
        data = pdf.Root.Metadata.read_bytes()
        assert old in data
        pdf.Root.Metadata.write(data.replace(old, new))

    return change


def patched_profile(place: int, new: bytes) -> Change:
    def change(pdf: Pdf) -> None:
        data = profile(pdf).read_bytes()
        profile(pdf).write(data[:place] + new + data[place + len(new) :])

    return change


def second_profile(pdf: Pdf) -> None:
    pdf.Root.OutputIntents[1].DestOutputProfile = pdf.make_indirect(stream(profile(pdf).read_bytes(), N=4)(pdf))


def a_code(pdf: Pdf) -> str:
    """A code that the font's ToUnicode names, in hexadecimal."""
    return font(pdf).ToUnicode.read_bytes().split(b"beginbfchar")[1].split(b"<")[1][:4].decode()


def text(operators: str, code: str | None = None) -> Change:
    """A character at the end of the first page, in black that overprints unless `operators` say otherwise."""

    def change(pdf: Pdf) -> None:
        name = min(pdf.pages[0].resources.Font.keys())
        shown = f"BT {name} 8 Tf 1 0 0 1 30 30 Tm <{code or a_code(pdf)}> Tj ET"
        state(OP=True, op=True, OPM=1)(pdf)
        resource("/ExtGState", Dictionary(OP=False, op=False, OPM=1), "/Xknockout")(pdf)
        resource("/ExtGState", Dictionary(OP=True, op=True, OPM=0), "/Xmode0")(pdf)
        show(f"/Xnew gs 0 0 0 1 k {operators} {shown}")(pdf)

    return change


def mute_glyph(pdf: Pdf) -> None:
    """A shown glyph's text becomes U+FEFF, which says nothing."""
    cmap, code = font(pdf).ToUnicode.read_bytes(), a_code(pdf).encode()
    start = cmap.index(b"<" + code + b">", cmap.index(b"beginbfchar"))
    end = cmap.index(b"\n", start)
    font(pdf).ToUnicode.write(cmap[:start] + b"<" + code + b"> <FEFF>" + cmap[end:])
    text("", code.decode())(pdf)


RGB, CMYK, GREY = Name.DeviceRGB, Name.DeviceCMYK, Name.DeviceGray
RGB_SHADING = Dictionary(ShadingType=2, ColorSpace=RGB)
INLINE = ".1 0 0 .1 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /{} ID abc EI"
NO_INTENT_WORDS = drop(intent, "/RegistryName", "/Info")
TWO_TINTS = show("/Xa cs 1 scn 0 0 9 9 re f /Xb cs 1 scn 0 0 9 9 re f")
OVERPRINTING = state(OP=True, op=True, OPM=1)
NO_TRAPPED = both(drop(info, "/Trapped"), xmp(b"pdf:Trapped>", b"pdf:Unheard>"))

FAULTS: dict[str, dict[str, Change]] = {
    "x4_header": {"catalog of 1.7": put(root, "/Version", Name("/1.7"))},
    "x4_output_intent": {
        "no GTS_PDFX": put(intent, "/S", Name.GTS_PDFA1),
        "two GTS_PDFX": lambda pdf: pdf.Root.OutputIntents.append(intent(pdf)),
        "no identifier": drop(intent, "/OutputConditionIdentifier"),
        "no registry or info": NO_INTENT_WORDS,
    },
    "x4_output_profile": {
        "none": drop(intent, "/DestOutputProfile"),
        "wrong N": put(profile, "/N", 3),
        "RGB": patched_profile(16, b"RGB "),
        "of a monitor": patched_profile(12, b"mntr"),
        "of ICC version 5": patched_profile(8, b"\5"),
        "no ICC": patched_profile(36, b"????"),
    },
    "a2u_output_intent": {
        "no GTS_PDFA1": lambda pdf: pdf.Root.OutputIntents.__delitem__(1),
        "another profile object": second_profile,
    },
    "x4_no_xmp": {
        "none": drop(root, "/Metadata"),
        "no XML": lambda pdf: pdf.Root.Metadata.write(b"not XML"),
        "no subtype": drop(lambda pdf: pdf.Root.Metadata, "/Subtype"),
    },
    "x4_xmp_key": {
        "PDF/X-3": xmp(b">PDF/X-4<", b">PDF/X-3<"),
        "no rendition class": xmp(b"xmpMM:RenditionClass>", b"xmpMM:Unheard>"),
        "blank version": xmp(b"xmpMM:VersionID>1", b"xmpMM:VersionID> "),
    },
    "a2u_identification": {
        "level B": xmp(b"pdfaid:conformance>U", b"pdfaid:conformance>B"),
        "part 3": xmp(b"pdfaid:part>2", b"pdfaid:part>3"),
    },
    "x4_info_mismatch": {
        "title": put(info, "/Title", String("another")),
        "another date": put(info, "/ModDate", String("D:20200101000000+09'00'")),
        "no date": put(info, "/CreationDate", String("yesterday")),
    },
    "x4_trapped": {
        "unknown": put(info, "/Trapped", Name.Unknown),
        "not as in XMP": put(info, "/Trapped", Name("/True")),
        "not stated": NO_TRAPPED,
    },
    "x4_no_trim_box": {
        "none": drop(page, "/TrimBox"),
        "art box too": put(page, "/ArtBox", [9, 9, 90, 90]),
    },
    "x4_box_nesting": {
        "bleed outside media": put(page, "/BleedBox", [-1, -1, 1000, 1000]),
        "empty trim": put(page, "/TrimBox", [9, 9, 9, 90]),
        "three numbers": put(page, "/TrimBox", [9, 9, 90]),
    },
    "press_bleed": {
        "not stated": drop(page, "/BleedBox"),
        "none": lambda pdf: page(pdf).__setitem__("/BleedBox", page(pdf).TrimBox),
        "none on the right": lambda pdf: page(pdf).BleedBox.__setitem__(2, page(pdf).TrimBox[2]),
    },
    "x4_page_key": {
        "Trans": put(page, "/Trans", Dictionary()),
        "PresSteps": put(page, "/PresSteps", Dictionary()),
        "SeparationInfo": put(page, "/SeparationInfo", Dictionary()),
        "UserUnit": put(page, "/UserUnit", 1),
        "turned": put(page, "/Rotate", 180),
        "turned by its node": put(lambda pdf: pdf.Root.Pages, "/Rotate", 90),
        "turned by no number": put(page, "/Rotate", Name("/Right")),
        "CropBox": put(page, "/CropBox", [0, 0, 90, 90]),
    },
    "x4_group_space": {
        "page": put(page, "/Group", Dictionary(S=Name.Transparency, CS=RGB)),
        "form": form(b"", Group=Dictionary(S=Name.Transparency)),
    },
    "x4_rgb": {
        "rg": show("1 0 0 rg"),
        "RG in a form": form(b"1 0 0 RG"),
        "cs": show("/DeviceRGB cs"),
        "rg in a pattern": pattern(b"1 0 0 rg"),
        "image": image(RGB, 3),
        "indexed image": image(Array([Name.Indexed, RGB, 0, String("abc")]), 1),
        "inline image": show(INLINE.format("RGB")),
        "alternate of a spot colour": spot("/Xnew", RGB, [1, 1, 0]),
        "shading": resource("/Shading", RGB_SHADING),
        "shading pattern": resource("/Pattern", Dictionary(PatternType=2, Shading=RGB_SHADING)),
        "ICC of three components": icc(b"", 3),
    },
    "x4_icc_is_intent": {"ICC": icc(lambda pdf: profile(pdf).read_bytes(), 4)},
    "press_colour_space": {
        "ICC of another CMYK": icc(b"", 4),
        "Lab": resource("/ColorSpace", Array([Name.Lab, Dictionary(WhitePoint=[1, 1, 1])])),
    },
    "press_grey": {
        "g": show("0 g"),
        "CS": show("/DeviceGray CS"),
        "image": image(GREY, 1),
        "inline image": show(INLINE.format("G")),
    },
    "x4_spot_differs": {"tints": both(spot("/Xa", CMYK, [0, 0, 1, 0]), spot("/Xb", CMYK, [0, 0.1, 1, 0]), TWO_TINTS)},
    "x4_font_not_embedded": {"no program": lambda pdf: descendant(pdf).FontDescriptor.__delitem__("/FontFile2")},
    "x4_font_widths": {"no W": drop(descendant, "/W")},
    "x4_font_encoding": {"foreign CMap": put(font, "/Encoding", Name("/UniJIS-UTF16-H"))},
    "x4_transfer": {
        "TR": state(TR=Name.Identity),
        "TR2": state(TR2=Name.Identity),
        "HTP": state(HTP=Array([0, 0])),
    },
    "x4_halftone": {
        "type 6": state(HT=Dictionary(HalftoneType=6)),
        "name": state(HT=Dictionary(HalftoneType=1, HalftoneName=String("a"))),
    },
    "x4_blend_mode": {"foreign": state(BM=Name.Foreign), "in a list": state(BM=Array([Name.Normal, Name.Foreign]))},
    "x4_xobject": {
        "PostScript": form(b"", Subtype2=Name.PS),
        "proxy": form(b"", OPI=Dictionary()),
        "reference": form(b"", Ref=Dictionary()),
        "alternates": image(CMYK, 4, Alternates=Array([])),
        "data elsewhere": form(b"", F=String("a")),
    },
    "x4_action": {
        "on opening": put(root, "/OpenAction", Array([0, Name.Fit])),
        "on a page": put(page, "/AA", Dictionary()),
        "script": put(root, "/Names", Dictionary(JavaScript=Dictionary(Names=Array([])))),
        "anywhere": put(root, "/Xnew", Dictionary(Type=Name.Action, S=Name.GoTo)),
    },
    "x4_viewer_preferences": {"trim box": put(root, "/ViewerPreferences", Dictionary(PrintClip=Name.TrimBox))},
    "x4_content": {
        "unknown operator": show("foreign"),
        "Q without q": show("Q Q q"),
        "q without Q": show("q"),
        "no such font": show("BT /Xnone 8 Tf ET"),
        "no such state": show("/Xnone gs"),
        "no such colour space": show("/Xnone cs"),
        "no such form": show("/Xnone Do"),
        "form in itself": form(b"/Xform Do"),
        "string not closed": show("(abc"),
        "wrong operands": show("1 2 cm"),
    },
    "a2u_to_unicode": {"none": drop(font, "/ToUnicode"), "text that says nothing": mute_glyph},
    "a2u_notdef": {"CID 0": text("", "0000")},
    "press_text_overprint": {
        "knocks out": text("/Xknockout gs"),
        "mode 0": text("/Xmode0 gs"),
        "outlined": text("/Xknockout gs 0 0 0 0 k 0 0 0 1 K 2 Tr"),
    },
    "press_white_overprint": {
        "a path": both(OVERPRINTING, show("/Xnew gs 0 0 0 0 k 0 0 9 9 re f")),
        "a line": both(OVERPRINTING, show("/Xnew gs 0 0 0 0 K 0 0 9 9 re S")),
        "text": text("0 0 0 0 k"),
    },
    "press_hairline": {
        "thin": show("0 0 0 1 K 0.2 w 0 0 9 9 re S"),
        "the thinnest that the device has": show("0 0 0 1 K 0 w 0 0 9 9 re S"),
        "made thin by its form": form(b"0 0 0 1 K 0.5 w 0 0 9 9 re b", Matrix=Array([0.4, 0, 0, 0.4, 0, 0])),
        "by its graphics state": both(state(LW=0.1), show("0 0 0 1 K /Xnew gs 0 0 9 9 re S")),
    },
    "press_total_ink": {
        "an area": show("1 0.8 0.7 0.6 k 0 0 9 9 re f"),
        "a line": show("1 1 1 1 K 0 0 9 9 re S"),
        "text": text("0.8 0.8 0.8 0.8 k"),
    },
    "press_hidden_text": {"mode 3": text("3 Tr"), "no width": text("0 Tz"), "no height": text("1 0 0 0 0 0 cm")},
    "press_image_resolution": {"10 samples to the inch": image(CMYK, 4, 72)},
    "press_annotation": {
        "annotation": put(page, "/Annots", Array([Dictionary(Subtype=Name.Square, Rect=[0, 0, 9, 9])])),
        "form fields": put(root, "/AcroForm", Dictionary(Fields=Array([]))),
    },
    "press_optional_content": {
        "catalog": put(root, "/OCProperties", Dictionary()),
        "form": form(b"", OC=Dictionary(Type=Name.OCG)),
        "marked content": show("/OC /Xnone BDC EMC"),
    },
    "press_attachment": {"file": put(root, "/Xnew", Dictionary(Type=Name.Filespec, EF=Dictionary()))},
}
