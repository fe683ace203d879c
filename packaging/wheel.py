"""Makes a wheel that puts `th` on the path of a Python environment.

wheel.py TH VERSION GLIBC MACHINE ROOT OUT: GLIBC is the least version with an underscore (2_17). Nothing but Python is needed.
"""
import base64, hashlib, pathlib, sys, zipfile

NAME = "rekindle_torch7"


def main(th, version, glibc, machine, root, out):
    tag = f"py3-none-manylinux_{glibc}_{machine}"
    info = f"{NAME}-{version}.dist-info"
    readme = pathlib.Path(root, "README.md").read_text(encoding="utf-8")
    files = [
        (f"{NAME}-{version}.data/scripts/th", pathlib.Path(th).read_bytes(), 0o755),
        (f"{info}/METADATA", (
            f"Metadata-Version: 2.1\nName: {NAME.replace('_', '-')}\nVersion: {version}\n"
            "Summary: Torch7 in one binary: the command th\nLicense: BSD-3-Clause\n"
            f"Description-Content-Type: text/markdown\n\n{readme}").encode(), 0o644),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: rekindle\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(), 0o644),
        (f"{info}/licenses/LICENSE", pathlib.Path(root, "LICENSE").read_bytes(), 0o644),
    ]
    record = ""
    with zipfile.ZipFile(pathlib.Path(out, f"{NAME}-{version}-{tag}.whl"), "w", zipfile.ZIP_DEFLATED) as wheel:
        def add(name, data, mode):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr, entry.compress_type = (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)

        for name, data, mode in files:
            add(name, data, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(data)}\n"
        add(f"{info}/RECORD", (record + f"{info}/RECORD,,\n").encode(), 0o644)


main(*sys.argv[1:])
