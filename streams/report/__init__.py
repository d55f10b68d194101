"""`report.html` of a scan: one file for a person to read, print or pass on; no script, nothing fetched."""

from streams.report.page import page
from streams.report.report import Report
from streams.report.sample import Named, Sample, Wanted
from streams.report.timelines import Timelines

__all__ = ["Named", "Report", "Sample", "Timelines", "Wanted", "page"]
