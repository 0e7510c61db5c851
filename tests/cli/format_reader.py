"""format_reader.py - a stranger's reader: written from data/FORMAT.md alone, knows nothing of foldrank.

    format_reader.py journal DIR                        trials and scores from journal.bin, as CSV (needs no library)
    format_reader.py predict RESULTS.h5 DATA.csv        predictions from /model, as CSV (needs h5py and numpy)
    format_reader.py ensemble RESULTS.h5 DATA.csv       the same from /ensemble
"""

import csv
import json
import math
import struct
import sys


def crc32c(data):
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Bytes:
    """Fields one after another."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, code):
        value = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value if len(value) > 1 else value[0]

    def text(self):
        n = self.take("I")
        self.at += n
        return self.data[self.at - n : self.at].decode()


def journal(directory):
    with open(f"{directory}/journal.bin", "rb") as file:
        data = file.read()
    assert crc32c(b"123456789") == 0xE3069283
    assert data[:8] == b"\x89FRJ\r\n\x1a\n"
    version, length = struct.unpack_from("<II", data, 8)
    assert version == 3
    assert struct.unpack_from("<I", data, 16 + length)[0] == crc32c(data[: 16 + length])
    body = Bytes(data[16 : 16 + length])
    body.take("QQd"), body.text(), body.text()
    assert body.text().startswith("study:")
    at, points, folds = 20 + length, [], {}
    while at < len(data):
        n, crc = struct.unpack_from("<II", data, at)
        payload = data[at + 8 : at + 8 + n]
        if len(payload) < n or crc32c(data[at : at + 4] + payload) != crc:
            break
        at += 8 + n
        record = Bytes(payload)
        kind = record.take("B")
        if kind == 1:
            trial, count = record.take("QI")
            assert trial == len(points)
            points.append(record.take(f"{count}d") if count != 1 else (record.take("d"),))
        elif kind == 2:
            trial, fold, state, score = record.take("QIBd")
            record.take("ddII"), record.take("dddI"), record.take("dd")
            n_curve = record.take("Q")
            record.at += 16 * n_curve
            record.text()
            assert record.at == len(payload)
            if state == 1:
                folds.setdefault(trial, []).append((fold, score))
    for trial in range(len(points)):
        scores = [score for _, score in sorted(folds.get(trial, []))]
        print(f"{trial},{sum(scores) / len(scores) if scores else math.nan!r}")


def outputs(path, data, model):
    """Classes, outputs and the second class's threshold of each row."""
    import h5py
    import numpy as np

    f32 = np.float32
    with h5py.File(path) as file:
        assert file.attrs["content"] == b"foldrank results" and file.attrs["format"] == 1
        m = file[model]
        text = lambda name: list(m[name].asstr()[:])
        word = lambda name: m[name].asstr()[()]
        options = dict(zip(text("options/name"), text("options/value")))
        family, classes = word("family"), text("classes")
        levels = {}
        for feature, name in zip(m["levels/feature"][:], text("levels/name")):
            levels.setdefault(int(feature), []).append(name)
        features = list(zip(text("features/name"), text("features/kind"), m["features/levels"][:]))
        p = {k: m["preprocessing/" + k][:] for k in ("first", "width", "fill", "shift", "factor", "places", "place")}
        treatment = text("preprocessing/kind")
        shift, factor = m["preprocessing/target_shift"][()], m["preprocessing/target_factor"][()]
        projection = {k: m["projection/" + k][()] for k in m["projection"]} if "projection" in m else None
        calibration = {k: m["calibration/" + k][()] for k in m["calibration"]} if "calibration" in m else {"method": b"none", "threshold": 0.5}
        trees = {k: m["trees/" + k][:] for k in m["trees"]} if family == "xgboost" else None
        names = [] if trees else list(m["parameters"])
        layers = [(m[f"parameters/layer{i}/weight"][:], m[f"parameters/layer{i}/bias"][:]) for i in range(sum(name.startswith("layer") for name in names))]
        convolutions = [{k: m[f"parameters/conv{i}/{k}"][:] for k in m[f"parameters/conv{i}"]}
                        for i in range(len(names) - len(layers))]
        assert m["outputs"][()] == max(len(classes), 1) and word("task") == ("classification" if classes else "regression")

    def value_of(cell, c):
        """Of a cell as the network's features want it; NaN where it is missing."""
        if cell in ("", "?", "NA", "N/A") or cell.lower() in ("nan", "null"):
            return math.nan
        if features[c][1] == "numeric":
            return float(cell)
        for number, level in enumerate(levels[c]):
            try:
                same = float(level) == float(cell)
            except ValueError:
                same = level == cell
            if same:
                return number
        return math.nan

    def inputs_of(row):
        x, place_at = np.zeros(int(sum(p["width"])), f32), 0
        for c, (name, _, _) in enumerate(features):
            value, first, fill = f32(value_of(row[name], c)), p["first"][c], p["fill"][c]
            if treatment[c] in ("numeric", "ordinal"):
                x[first] = ((fill if np.isnan(value) else value) - p["shift"][c]) * p["factor"][c]
            elif treatment[c] == "onehot":
                level = int(fill if np.isnan(value) else value)
                place = p["place"][place_at + level] if level >= 0 else -1
                if place >= 0:
                    x[first + place] = 1
            place_at += p["places"][c]
        if not projection:
            return x
        x = x @ projection["weight"] + projection["bias"]
        return projection["amplitude"] * np.cos(x) if projection["amplitude"] > 0 else x

    def scores_of(x):
        score = trees["base"].copy()
        if options["missing"] == "zero":
            x = np.where(x == 0, f32(np.nan), x)
        for t, at in enumerate(trees["root"]):
            while trees["input"][at] >= 0:
                value = x[trees["input"][at]]
                at = trees["missing"][at] if np.isnan(value) else trees["child"][at] + (not value < trees["value"][at])
            score[t % len(score)] += trees["value"][at]
        return np.array([0, score[0]]) if len(classes) == 2 else score

    def activation(x):
        kind = options["activation"]
        if kind == "relu":
            return np.maximum(x, 0)
        if kind == "leaky_relu":
            return np.where(x < 0, x * f32(options["negative_slope"]), x)
        if kind == "tanh":
            return np.tanh(x)
        if kind == "sigmoid":
            return 1 / (1 + np.exp(-x))
        return x * np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in x], f32)

    def convolved(x):
        shape, pools = json.loads(options["shape"]), json.loads(options["pool"])
        side = math.isqrt(len(x))
        h, kernel = x.reshape(shape if len(shape) == 3 else [1, *shape] if shape else [side, side, 1]), int(options["kernel"])
        high = 1 if len(shape) == 2 else kernel
        for i, c in enumerate(convolutions):
            y, pool = np.zeros((*h.shape[:2], c["weight"].shape[1]), f32), pools[min(i, len(pools) - 1)]
            padded = np.pad(h, ((high // 2,) * 2, (kernel // 2,) * 2, (0, 0)))
            for a, b in np.ndindex(y.shape[:2]):
                y[a, b] = padded[a:a + high, b:b + kernel].ravel() @ c["weight"]
            if options["batch_norm"] == "true":
                y = (y - c["mean"]) / np.sqrt(c["variance"] + f32(1e-5)) * c["gain"]
            y = y + c["bias"]
            if options["residual"] == "true" and y.shape[2] == h.shape[2]:
                y = y + h
            y, pool, kind = activation(y), (1 if len(shape) == 2 else pool, pool), options["pooling"]
            if i + 1 == len(convolutions) and options["global_pool"] != "none":
                pool, kind = y.shape[:2], options["global_pool"]
            n, m = y.shape[0] // pool[0], y.shape[1] // pool[1]
            windows = y[:n * pool[0], :m * pool[1]].reshape(n, pool[0], m, pool[1], -1)
            h = windows.max((1, 3)) if kind == "max" else windows.mean((1, 3))
        return h.ravel()

    def probabilities(s):
        method = calibration["method"].decode()
        s = s.astype(float) if method != "none" else s
        if method == "platt":
            lines = zip(calibration["slope"], calibration["intercept"])
            if len(s) == 2:
                x = [s[1] - s[0]]
            elif family in ("svm", "kernel"):
                x = s
            else:
                s = s - s.max()
                x = [v - math.log(1e-12 + sum(math.exp(o) for j, o in enumerate(s) if j != k)) for k, v in enumerate(s)]
            p = np.array([1 / (1 + math.exp(-(slope * v + intercept))) for v, (slope, intercept) in zip(x, lines)])
            return np.array([1 - p[0], p[0]]) if len(p) == 1 else p / p.sum()
        if method == "none" and family in ("svm", "kernel"):
            return s
        h = np.exp((s - s.max()) / (calibration["temperature"] if method == "temperature" else 1))
        return h / h.sum()

    with open(data, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            h = convolved(inputs_of(row)) if convolutions else scores_of(inputs_of(row)) if trees else inputs_of(row)
            for i, (weight, bias) in enumerate(layers):
                h = h @ weight + bias
                if i + 1 < len(layers):
                    h = activation(h)
            if not classes:
                yield classes, [float(h[0]) / factor + shift], 0
                continue
            yield classes, probabilities(h), calibration["threshold"]


def show(classes, h, threshold):
    if classes:
        said = int(h[1] > threshold) if threshold != 0.5 else max(range(len(h)), key=lambda k: h[k])
        print(",".join([classes[said], *(f"{v:.9g}" for v in h)]))
    else:
        print(f"{h[0]:.9g}")


def predict(path, data):
    for said in outputs(path, data, "model"):
        show(*said)


def ensemble(path, data):
    import h5py

    with h5py.File(path) as file:
        weights = file["ensemble/weight"][:]
    members = [outputs(path, data, f"ensemble/members/{i}/model") for i in range(len(weights))]
    for said in zip(*members):
        show(said[0][0], sum(w * h.astype(float) for w, (_, h, _) in zip(weights, said)), 0.5)


if sys.argv[1] == "journal":
    journal(sys.argv[2])
elif sys.argv[1] == "ensemble":
    ensemble(sys.argv[2], sys.argv[3])
else:
    predict(sys.argv[2], sys.argv[3])
