"""`report.html` of a scan: one file for a person to read, print or pass on; no script, nothing fetched."""

from streams.report.page import Report, page
from streams.report.timelines import Timelines

__all__ = ["Report", "Timelines", "page"]
