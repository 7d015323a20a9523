#!/usr/bin/env python3
"""Writes what the PyPI package wali-linux says about calls and structs into tables beside it.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install wali-linux==0.2.0
    /tmp/venv/bin/python tests/data/wali-linux/extract.py
"""

import contextlib
import importlib.metadata
import pathlib
import tempfile

from wali.spec import AUX_SYSCALLS, TypeRegistry
from wali.spec.syscalls import dump_syscalls_to_csv

FOLDER = pathlib.Path(__file__).parent
VERSION = importlib.metadata.version("wali-linux")
HEADER = f"# From the PyPI package wali-linux {VERSION} (MIT, see LICENSE), by extract.py.\n"


def wasm(type_name):
    """How a value crosses the boundary."""
    if type_name is None:
        return ""
    if type_name.startswith("fn("):
        type_name = "ptr_func"
    return "i64" if TypeRegistry.resolve_size(type_name) == 8 else "i32"


def signature(call, result):
    return "(" + ",".join(map(wasm, call.args)) + ")->" + wasm(result)


def calls():
    """The package's own table, which it writes into a folder `csvs` of the current one."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        pathlib.Path("csvs").mkdir()
        dump_syscalls_to_csv()
        [table] = pathlib.Path("csvs").iterdir()
        return table.read_bytes()


def auxiliary():
    yield "# import, type\n"
    for call in AUX_SYSCALLS.values():
        yield f"{call.name}\t{signature(call, call.result)}\n"


def fields(name, prefix="", at=0):
    """The fields with those of inner structs."""
    of = TypeRegistry.struct_defs[name]
    for field, offset, size in zip(of.fields, of.field_offsets, of.field_sizes):
        yield prefix + field.name, at + offset, size
        if field.type_name in TypeRegistry.struct_defs:
            yield from fields(field.type_name, f"{prefix}{field.name}.", at + offset)


def structs():
    yield "# struct, size, alignment; and for its fields: struct.field, offset, size\n"
    for name, of in TypeRegistry.struct_defs.items():
        name = name.removeprefix("struct ")
        yield f"{name}\t{of.total_size}\t{of.alignment}\n"
        for field, offset, size in fields(of.name):
            yield f"{name}.{field}\t{offset}\t{size}\n"


(FOLDER / "calls.csv").write_bytes(calls())
for name, rows in {"aux": auxiliary(), "structs": structs()}.items():
    (FOLDER / f"{name}.tsv").write_text(HEADER + "".join(rows))
