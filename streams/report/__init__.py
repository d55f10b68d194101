"""`report.html` of a scan: one file for a person to read, print or pass on; no script, nothing fetched."""

from streams.report.accounts import Accounts
from streams.report.page import page
from streams.report.report import Report, wanted
from streams.report.sample import Named, Sample, Wanted
from streams.report.second_look import look
from streams.report.timelines import Timelines

__all__ = ["Accounts", "Named", "Report", "Sample", "Timelines", "Wanted", "look", "page", "wanted"]
