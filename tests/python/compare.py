"""Runs the scripts that `export.verify` writes, all in one process: each line of the standard input is NAME, FORMAT and
the script's path, and each line of the output NAME, FORMAT and the largest relative difference, or what went wrong."""
import contextlib
import io
import runpy
import sys
import traceback

import onnx

for line in sys.stdin:
    if line.count("\t") != 2:  # what a class prints
        continue
    name, kind, path = line.rstrip("\n").split("\t")
    try:
        with contextlib.redirect_stdout(io.StringIO()) as told:
            worst, agrees = runpy.run_path(path)["main"]([])
        if kind.startswith("onnx"):
            onnx.checker.check_model(path.replace(".verify.py", ".onnx"), full_check=True)
        first = "" if agrees else told.getvalue().splitlines()[-1]
        print(name, kind, repr(worst), first, sep="\t", flush=True)
    except Exception as error:  # what a converted model does wrong is a line of the report
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(name, kind, "failed", f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})".replace("\n", " "), sep="\t", flush=True)
