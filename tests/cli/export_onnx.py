"""export_onnx.py DIR - compare exported ONNX models with what `foldrank predict` says.

DIR has a file `cases`: a line for each case with its name, the ONNX file, the data and the
predictions, separated by tabs. One line of TAP without a number comes out for each.
"""

import csv
import json
import sys

import numpy
import onnx
import onnxruntime


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(cell):
    return numpy.float32(float(cell)) if cell != "" else numpy.float32("nan")


def feeds_of(session, rows):
    """What a user who has only the data and the model would give to it."""
    names = [port.name for port in session.get_inputs()]
    if names == ["X"]:
        columns = json.loads(session.get_modelmeta().custom_metadata_map["columns"])
        matrix = [[number(row[c]) for c in columns] for row in rows]
        return {"X": numpy.array(matrix, dtype=numpy.float32)}
    feeds = {}
    for port in session.get_inputs():
        cells = [row[port.name] for row in rows]
        if port.type == "tensor(string)":
            feeds[port.name] = numpy.array(cells, dtype=object).reshape(-1, 1)
        else:
            feeds[port.name] = numpy.array([number(c) for c in cells], numpy.float32).reshape(-1, 1)
    return feeds


def compare(model_path, data_path, predicted_path):
    """The worst difference, relative where above 1; an AssertionError says what does not fit."""
    model = onnx.load(model_path)
    onnx.checker.check_model(model, full_check=True)
    said = {entry.key: entry.value for entry in model.metadata_props}
    for key in ("study", "metric", "trial", "validation_score", "search_seed", "version", "git", "columns"):
        assert said.get(key), f"no metadata {key}"
    assert model.producer_name == "foldrank"
    opsets = {o.domain: o.version for o in model.opset_import}
    cuts = {"com.microsoft": 1} if any(node.op_type == "Tokenizer" for node in model.graph.node) else {}
    assert opsets == {"": 13, "ai.onnx.ml": 2} | cuts and model.ir_version == 7, opsets

    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    wanted = read(predicted_path)
    names = [port.name for port in session.get_outputs()]
    got = session.run(None, feeds_of(session, read(data_path)))
    assert len(got[0]) == len(wanted) > 0
    if names[0].startswith("prediction"):
        values = numpy.array([[float(row["prediction"])] for row in wanted])
        output = got[0]
    else:
        columns = [c for c in wanted[0] if c.startswith(("prob_", "decision_"))]
        kind = "probabilities" if columns[0].startswith("prob_") else "decision_values"
        assert names[0].startswith("label") and names[1].startswith(kind), names
        assert json.loads(said["classes"]) == [c.split("_", 1)[1] for c in columns]
        values = numpy.array([[float(row[c]) for c in columns] for row in wanted])
        output = got[1]
        ordered = numpy.sort(values, axis=1)
        clear = ordered[:, -1] - ordered[:, -2] > 1e-5
        labels = [str(label) for label in got[0]]
        wrong = [i for i, row in enumerate(wanted) if clear[i] and labels[i] != row["prediction"]]
        assert not wrong, f"other labels in rows {wrong[:5]}"
    assert output.shape == values.shape and output.dtype == numpy.float32
    assert numpy.isfinite(output).all()
    return float(numpy.max(numpy.abs(output - values) / numpy.maximum(1, numpy.abs(values))))


def main():
    directory = sys.argv[1]
    worst = 0.0
    with open(f"{directory}/cases", encoding="utf-8") as file:
        for line in file:
            name, *paths = line.rstrip("\n").split("\t")
            try:
                difference = compare(*paths)
                good, detail = difference <= 1e-5, f"{difference:.2g}"
                worst = max(worst, difference)
            except Exception as error:  # pylint: disable=broad-except
                good, detail = False, f"{type(error).__name__}: {error}".replace("\n", " ")
            print(f"{'ok' if good else 'not ok'}\t{name}\t{detail}")
    print(f"worst\t{worst:.3g}")


main()
