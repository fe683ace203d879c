"""What frontends of Jupyter do with the kernel of th: notebook.py what [notebook ...].

protocol    the kernel tests of jupyter_kernel_test
run         notebooks, each cell; texts of their outputs are printed
console     jupyter console in a pseudo-terminal

JUPYTER_PATH leads to the kernel `th`. Ends with 3 where a package is missing.
"""

import sys
import unittest


def missing(e):
    print(f"without {e.name}: nothing was tried")
    sys.exit(3)


def protocol():
    try:
        import jupyter_kernel_test
    except ImportError as e:
        missing(e)

    class Tests(jupyter_kernel_test.KernelTests):
        kernel_name = "th"
        language_name = "lua"
        file_extension = ".lua"
        code_hello_world = "print 'hello, world'"
        code_stderr = "io.stderr:write('told')"
        completion_samples = [
            {"text": "torch.manualS", "matches": {"manualSeed"}},
            {"text": "é = 1; nosuchname.", "matches": set()},
        ]
        complete_code_samples = ["x = 1", "print 'x'", "for i = 1, 3 do\n  print(i)\nend", "x + 1"]
        incomplete_code_samples = ["for i = 1, 3 do", "x = {", "print [[abc", "local function f("]
        invalid_code_samples = ["x = = 1", "end"]
        code_generate_error = "error 'no'"
        code_execute_result = [{"code": "1+2", "result": "3"}, {"code": '"é"', "result": "é"}]
        code_display_data = [
            {"code": "itorch.image(torch.rand(3, 8, 8))", "mime": "image/png"},
            {"code": "itorch.Plot():line({1, 2}, {3, 4}):draw()", "mime": "image/svg+xml"},
        ]
        code_history_pattern = "1?2*"
        supported_history_operations = ("tail", "range", "search")
        code_inspect_sample = "torch.add"
        code_clear_output = "itorch.clear()"

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Tests)
    return unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite).wasSuccessful()


def run(files):
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as e:
        missing(e)
    import os

    for name in files:
        notebook = nbformat.read(name, as_version=4)
        folder = os.path.dirname(os.path.abspath(name))
        NotebookClient(notebook, timeout=300, kernel_name="th", resources={"metadata": {"path": folder}}).execute()
        nbformat.validate(notebook)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                print(output.get("text") or "\n".join(sorted(data)) + "\n" + data.get("text/plain", ""))
    return True


def console():
    try:
        import jupyter_console  # noqa: F401
        import pexpect
    except ImportError as e:
        missing(e)
    child = pexpect.spawn(sys.executable, ["-m", "jupyter_console", "--kernel", "th", "--simple-prompt"], timeout=60, encoding="utf-8")
    child.setecho(False)
    # as they come through: what the kernel says of itself, a result, input, an error, and the end
    child.expect("Rekindle")
    child.expect(r"In \[\d+\]: ")
    for line, told in [
        ("'val' .. 'ue ' .. 6 * 7", "value 42"),
        ("io.write('name' .. '? ')", r"name\? "),
        ("print('hel' .. 'lo ' .. io.read())", None),
        ("error('no' .. 'pe')", "nope"),
    ]:
        child.sendline(line)
        if told is None:
            child.sendline("Jo")
            told = "hello Jo"
        child.expect(told)
        child.expect(r"In \[\d+\]: ")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    return True


if __name__ == "__main__":
    what = sys.argv[1]
    fine = {"protocol": protocol, "console": console, "run": lambda: run(sys.argv[2:])}[what]()
    sys.exit(0 if fine else 1)
