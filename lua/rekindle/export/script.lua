-- The Python script that compares a file with the expected results of a network.
local TEXT = [==[
"""Compares %(file)s with what the network gave in Torch7 (Rekindle), layer by layer.

Needs numpy and %(needs)s:  python %(script)s [-tolerance 1e-5]
"""
import argparse
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
INPUT = %(input)s
OUTPUTS = %(outputs)s
# place in the network, class, arrays, values in ONNX, module in PyTorch, number of the call
LAYERS = [
%(layers)s]


def run_onnx(expected):
    import onnxruntime

    path = os.path.join(HERE, FILE)
    names = [name for layer in LAYERS for name in layer[3]]
    keys = [key for layer in LAYERS for key in layer[2]]
    try:
        import onnx

        model = onnx.load(path)
        made = {output for node in model.graph.node for output in node.output}
        known = [value.name for value in model.graph.output]
        for name in dict.fromkeys(names):
            if name in made and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except (ImportError, ValueError) as error:
        print("outputs alone are compared:", error)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {value.name: expected[value.name] for value in session.get_inputs()}
    wanted = [value.name for value in session.get_outputs()]
    results = dict(zip(wanted, session.run(wanted, given)))
    found = {key: results[name] for key, name in zip(keys, names) if name in results}
    found.update({name: results[name] for name in OUTPUTS})
    return found


def flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for entry in value for leaf in flat(entry)]
    return [value]


def run_pytorch(expected):
    import importlib.util

    import torch

    spec = importlib.util.spec_from_file_location("network", os.path.join(HERE, PYTHON))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.load(os.path.join(HERE, FILE))
    calls, found, wanted = {}, {}, {}
    for place, _, keys, _, path, call in LAYERS:
        wanted.setdefault(path, {})[call] = keys

    def watch(path):
        def hook(_, given, result):
            calls[path] = calls.get(path, 0) + 1
            for key, value in zip(wanted[path].get(calls[path], []), flat(result)):
                found[key] = value.numpy().copy()

        return hook

    for path in wanted:
        net.get_submodule(path).register_forward_hook(watch(path))

    def given(value):
        return [given(entry) for entry in value] if isinstance(value, list) else torch.from_numpy(expected[value])

    with torch.no_grad():
        result = net(given(INPUT))
    found.update({name: value.numpy() for name, value in zip(OUTPUTS, flat(result))})
    return found


def difference(found, wanted):
    """The largest difference, and relative to the largest absolute value."""
    if found is None:
        return None
    if found.shape != wanted.shape:
        if found.size != wanted.size:
            return float("inf"), float("inf")
        found = found.reshape(wanted.shape)
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    worst = np.where(same, 0.0, np.abs(a - b)).max(initial=0.0)
    worst = float("inf") if np.isnan(worst) else float(worst)
    finite = np.abs(b[np.isfinite(b)])
    return worst, worst / max(float(finite.max(initial=0.0)), 1e-30) if worst else 0.0


def main(arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("-tolerance", type=float, default=%(tolerance)s, help="largest relative difference")
    options = parser.parse_args(arguments)
    with np.load(os.path.join(HERE, ARRAYS)) as arrays:
        expected = {name: arrays[name] for name in arrays.files}
    found = %(run)s(expected)
    rows = [(place, name, key) for place, name, keys, *_ in LAYERS for key in keys] + [(name, "", name) for name in OUTPUTS]
    worst, first = 0.0, None
    print(f"{'layer':<16} {'class':<36} {'difference':>12} {'relative':>12}")
    for place, name, key in rows:
        result = difference(found.get(key), expected[key])
        if result is None:
            continue
        print(f"{place:<16} {name:<36} {result[0]:>12.3g} {result[1]:>12.3g}")
        if result[1] > options.tolerance and first is None:
            first = place
        worst = max(worst, result[1])
    if first is None:
        print(f"agrees: the largest relative difference is {worst:.3g}")
    else:
        print(f"differs: the largest relative difference is {worst:.3g}, first at {first}")
    return worst, first is None


if __name__ == "__main__":
    try:
        agrees = main()[1]
    except Exception as error:
        text = str(error).strip()
        print(f"cannot compare {FILE}: {type(error).__name__}: {text}", file=sys.stderr)
        print("it is perhaps damaged, or made of another model", file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if agrees else 1)
]==]

local function quoted(text) return string.format('%q', text) end
local function list(texts)
   local parts = {}
   for i, text in ipairs(texts) do parts[i] = quoted(text) end
   return '[' .. table.concat(parts, ', ') .. ']'
end
local function name_of(path) return path:match('[^/\\]*$') end

return function(format, path, arrays, python, input, outputs, layers)
   local lines = {}
   for i, l in ipairs(layers) do
      lines[i] = string.format('    (%s, %s, %s, %s, %s, %d),\n', quoted(l.place), quoted(l.class), list(l.keys), list(l.onnx),
         quoted(l.path), l.call)
   end
   local pytorch = format == 'pth'
   local values = {
      file = name_of(path):gsub('[\\"%c]', '_'), needs = pytorch and 'torch' or 'onnx, onnxruntime', script = name_of(arrays):gsub('%.npz$', '.py'),
      input = input, outputs = list(outputs), layers = table.concat(lines), tolerance = '1e-5',
      run = pytorch and 'run_pytorch' or 'run_onnx',
   }
   local text = TEXT:gsub('%%%((%a+)%)s', values)
   -- what runs the other program is left out
   local other = pytorch and '\n\ndef run_onnx.-\n\n\ndef flat' or '\n\ndef flat.-\n\n\ndef difference'
   text = text:gsub(other, pytorch and '\n\ndef flat' or '\n\ndef difference', 1)
   local constants = string.format('FILE = %s\nARRAYS = %s\n%s', quoted(name_of(path)), quoted(name_of(arrays)),
      pytorch and 'PYTHON = ' .. quoted(name_of(python)) .. '\n' or '')
   return (text:gsub('INPUT = ', function() return constants .. 'INPUT = ' end, 1))
end
