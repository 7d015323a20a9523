#!/usr/bin/env python3
"""Writes what the PyPI package wali-linux says about calls and structs into tables beside it.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install wali-linux==0.2.0
    /tmp/venv/bin/python tests/data/wali-linux/extract.py
"""

import importlib.metadata
import pathlib

from wali.spec import AUX_SYSCALLS, SYSCALLS, TypeRegistry

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
    yield "# import, numbers on x86_64, aarch64, riscv64 (- where there is none), type (- if unknown)\n"
    for call in SYSCALLS.values():
        numbers = [call.nrs.x86_64, call.nrs.arm64, call.nrs.rv64]
        row = ["SYS_" + call.name] + ["-" if n < 0 else str(n) for n in numbers]
        row.append(signature(call, "syscall_result") if call.implemented else "-")
        yield "\t".join(row) + "\n"
    for call in AUX_SYSCALLS.values():
        yield "\t".join([call.name, "-", "-", "-", signature(call, call.result)]) + "\n"


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


for name, rows in {"calls": calls(), "structs": structs()}.items():
    (FOLDER / f"{name}.tsv").write_text(HEADER + "".join(rows))
