"""The HTML report: one file that needs no network."""

from foldrank.report.page import write

__all__ = ["write"]
