"""The report: one file, drawn by headless Chromium without a complaint."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import browser
import h5py
import numpy as np
import pytest
import studies

import foldrank
from foldrank import findings, report, words

CANCER = studies.ROOT / "data/breast_cancer.csv.gz"
BIN = Path(sys.executable).parent
needs_chromium = pytest.mark.skipif(
    browser.CHROMIUM is None, reason="chromium is not installed"
)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    text = studies.CANCER + studies.TWO_FAMILIES
    text += "search: {method: random, trials: 1000, concurrency: 64}\npruning: asha\n"
    return studies.run(tmp_path_factory.mktemp("thousand"), "thousand", text, 2)


@pytest.fixture(scope="module")
def page(thousand):
    return report.write(thousand, thousand / "report.html", data=CANCER)


@pytest.fixture(scope="module")
def chromium():
    with browser.Browser() as opened:
        yield opened


def part(text, key):
    found = re.search(rf'<script type="application/json" id="{key}">(.*?)</script>', text, re.S)
    return json.loads(found.group(1))


def test_it_is_one_small_file_that_needs_nothing_else(page):
    text = page.read_text()
    assert page.stat().st_size < 10e6
    plotly = part_of_plotly(text)
    assert "Licensed under the MIT license" in plotly[:300]
    assert "module.exports = factory()" not in plotly  # read by the browser once, not twice
    outside = text.replace(plotly, "")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", outside)
    assert "@import" not in outside and "url(" not in outside
    print(f"1,000 trials: {page.stat().st_size / 1e6:.2f} MB")


def part_of_plotly(text):
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    return max(scripts, key=len)


def test_what_it_says_is_what_the_results_say(results, tmp_path):
    r = results("pruned")
    text = report.write(r, tmp_path / "report.html").read_text()
    for sentence in words.sentences(r):
        assert html.escape(sentence) in text
    rows = part(text, "rows")
    assert rows["columns"][:4] == ["trial", "state", "accuracy", "se"]
    assert len(rows["rows"]) == 40
    assert [row[0] for row in rows["rows"]][:3] == list(r.complete.index[:3])
    for row in rows["rows"]:
        score = r.trials.at[row[0], "score_mean"]
        assert row[2] is None if np.isnan(score) else row[2] == pytest.approx(score, rel=1e-5)
    for fact in ("git", "command", "hosts", "created"):
        assert html.escape(str(r.attributes[fact])) in text
    assert html.escape(r.study) in text


def test_honest_figures_in_words(results):
    told = words.sentences(results("pruned"))
    r = results("pruned")
    assert f"chose trial {r.best.trial}" in told[1]
    assert f"{r.best.test_score:.4g}" in told[2] and "95 % interval" in told[2]
    assert "no test score" in words.sentences(results("function"))[-1]


@needs_chromium
@pytest.mark.parametrize("study", ["failed", "function", "regression", "diverged", "dice"])
def test_every_kind_of_study_gets_a_report(chromium, results, tmp_path, study):
    r = results(study)
    path = report.write(r, tmp_path / "report.html")
    text = path.read_text()
    assert len(part(text, "figures")) >= 7
    for found in findings.check(r):
        assert f'data-code="{found.code}"' in text
        assert html.escape(found.title) in text
    if not findings.check(r):
        assert 'class="good"' in text
    before = len(chromium.complaints)
    chromium.open(path, 1366)
    assert chromium.complaints[before:] == []


def test_hostile_texts_stay_texts(output, tmp_path):
    path = tmp_path / "results.h5"
    shutil.copy(output("failed") / "results.h5", path)
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    with h5py.File(path, "r+") as file:
        message = file["trials/message"][:]
        del file["trials/message"]
        file["trials/message"] = np.array([evil] * len(message), dtype="S")
        file["study"].attrs["name"] = np.bytes_(evil)
        file.attrs["command"] = np.bytes_(evil)
    text = report.write(path, tmp_path / "report.html").read_text()
    assert "<img src=x" not in text and "<script>alert" not in text
    assert part(text, "rows")["rows"][0][-1] == evil


def test_the_commands(output, tmp_path):
    target = tmp_path / "a report.html"
    command = [
        sys.executable,
        "-m",
        "foldrank",
        "report",
        str(output("grid")),
        "-o",
        str(target),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(target) and target.stat().st_size > 4e6
    wrong = subprocess.run(
        [*command[:4], "nowhere"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2 and "nowhere: there is no such file" in wrong.stderr
    script = shutil.which("foldrank-report", path=str(BIN))
    if script is None:
        pytest.skip("foldrank-report is not installed here")
    target.unlink()
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    command = [studies.FOLDRANK, "report", str(output("grid")), "-o", str(target)]
    subprocess.run(command, capture_output=True, check=True, env=environment)
    assert target.exists()


@needs_chromium
@pytest.mark.parametrize("width", [1366, 390])
def test_chromium_draws_it_without_a_complaint(chromium, page, tmp_path, width):
    before = len(chromium.complaints), len(chromium.requests)
    milliseconds = chromium.open(page, width)
    complete = chromium.complete_ms
    print(f"{width} pixels: drawn after {milliseconds:.0f} ms, all after {complete:.0f} ms")
    assert milliseconds <= complete
    assert chromium.complaints[before[0] :] == []
    asked = [url for url in chromium.requests[before[1] :] if url.startswith(("http", "//"))]
    assert asked == []
    assert chromium.evaluate("document.documentElement.scrollWidth") == width
    plots = "document.querySelectorAll('.plot').length"
    drawn = "document.querySelectorAll('.plot .main-svg').length > 0 && "
    drawn += (
        "[...document.querySelectorAll('.plot')].every((p) => p.querySelector('.main-svg'))"
    )
    assert chromium.evaluate(plots) >= 15
    assert chromium.evaluate(drawn)
    picture = tmp_path / "page.png"
    chromium.screenshot(picture)
    assert picture.stat().st_size > 100_000


@needs_chromium
def test_chromium_draws_several_objectives_and_scaling(chromium, results, tmp_path):
    others = [results("one_standard_error")]
    path = report.write(results("objectives"), tmp_path / "report.html", others)
    before = len(chromium.complaints)
    chromium.open(path, 1366)
    titles = chromium.evaluate("[...document.querySelectorAll('h3')].map((h) => h.textContent)")
    assert {"Pareto front", "Hypervolume", "Scaling", "Confusion matrix"} <= set(titles)
    assert chromium.complaints[before:] == []


@needs_chromium
def test_the_table_sorts_filters_and_exports(chromium, thousand, page):
    chromium.open(page, 1366)
    r = foldrank.open(thousand)
    cell = "document.querySelector('#table tbody tr').cells[{}].textContent"
    count = "document.getElementById('count').textContent"
    assert chromium.evaluate(cell.format(0)) == str(r.complete.index[0])
    assert chromium.evaluate(count) == "1000 trials"

    chromium.evaluate("document.querySelectorAll('#table th button')[0].click()")
    assert chromium.evaluate(cell.format(0)) == "0"
    chromium.evaluate("document.querySelectorAll('#table th button')[0].click()")
    assert chromium.evaluate(cell.format(0)) == "999"

    def filtered(text):
        chromium.evaluate(
            f"(() => {{ const f = document.getElementById('filter'); f.value = '{text}';"
            "f.dispatchEvent(new Event('input')); })()"
        )
        return int(chromium.evaluate(count).split()[0])

    t = r.trials
    assert filtered("state=complete") == len(r.complete)
    wanted = (t["params/learning_rate"] < 0.01) & (t["params/optimizer"] == "adam")
    assert filtered("learning_rate<0.01 adam") == wanted.sum()
    assert filtered("momentum>=0") == (t["params/optimizer"] == "sgd").sum()
    assert (
        filtered("batch_size=64 state=complete")
        == ((t["params/batch_size"] == 64) & (t["state"] == "complete")).sum()
    )

    csv = chromium.evaluate(
        "new Promise((done) => {"
        "  const make = URL.createObjectURL;"
        "  URL.createObjectURL = (blob) => { blob.text().then(done); return make(blob); };"
        "  HTMLAnchorElement.prototype.click = () => {};"
        "  document.getElementById('csv').click(); })"
    )
    lines = csv.strip().split("\n")
    assert lines[0].startswith("trial,state,accuracy,se,folds,epochs,seconds,model")
    assert len(lines) == 1 + ((t["params/batch_size"] == 64) & (t["state"] == "complete")).sum()


@needs_chromium
def test_other_pairs_of_parameters_can_be_picked(chromium, page):
    chromium.open(page, 1366)
    chromium.evaluate(
        "(() => { const s = document.querySelector('.card select'); s.value = '1';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    picked = chromium.evaluate("document.querySelector('.card select').selectedOptions[0].text")
    shown = chromium.evaluate(
        "new Promise((done) => setTimeout(() => { const c ="
        "document.querySelector('.card select').closest('.card');"
        "done([c.querySelector('.xtitle').textContent, c.querySelector('.ytitle').textContent]);"
        "}, 300))"
    )
    assert [name.replace(" (log scale)", "") for name in shown] == picked.split(" and ")
