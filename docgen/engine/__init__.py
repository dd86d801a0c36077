"""The engine: a document, an insurer and a record in, finished pages, verdicts and violations out."""

from docgen.engine.rendering import Engine, EngineSettings, FitReport, Options, Rendered, fit_reports, pushed_reports
from docgen.pdf.preflight import preflight

__all__ = ["Engine", "EngineSettings", "FitReport", "Options", "Rendered", "fit_reports", "preflight", "pushed_reports"]
