"""Results as TAP (`pytest -p tap_lines`), for foldrank's own runner tests/run."""

from __future__ import annotations

from typing import Any

_results: dict[str, str] = {}


def pytest_runtest_logreport(report: Any) -> None:
    if report.failed:
        _results[report.nodeid] = "not ok {} - {}"
    elif report.skipped and report.nodeid not in _results:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        words = " ".join(str(reason).removeprefix("Skipped: ").split())
        _results[report.nodeid] = "ok {} - {} # SKIP " + words.replace("{", "(").replace(
            "}", ")"
        )
    elif report.when == "call":
        _results.setdefault(report.nodeid, "ok {} - {}")


def pytest_sessionfinish(session: Any) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    terminal.write_line("")
    for number, (name, line) in enumerate(_results.items(), start=1):
        terminal.write_line(line.format(number, name.replace("#", " ")))
    terminal.write_line(f"1..{len(_results)}")
