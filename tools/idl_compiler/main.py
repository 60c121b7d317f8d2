"""The command line of tools/idl and of the SDK's ferrous-idl."""

import argparse
import os
import sys

from idl_compiler import abi, c_client, c_server, c_types, compatible, tables
from idl_compiler.grammar import IdlErrors, parse


def read_interface(path, shown, known):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"{shown}: error: cannot be read: {error}") from error
    interface = parse(shown, text, known)
    expected = os.path.splitext(os.path.basename(path))[0]
    if interface.name != expected:
        raise IdlErrors([interface.place.error(f"the file is called {expected}.idl, so its interface is '{expected}'")])
    return interface


def read_all(paths, known):
    """All interfaces, or IdlErrors with the mistakes of all files."""
    interfaces, errors = [], []
    for path in paths:
        try:
            interfaces.append(read_interface(path, path, known))
        except IdlErrors as error:
            errors += error.errors
    owners = {}
    for interface in interfaces:
        for what in (interface.name, interface.number):
            if what in owners:
                errors.append(interface.place.error(f"'{interface.name}' ({interface.number}) and the interface of "
                                                    f"{owners[what]} have the same name or number"))
                break
        owners.update({interface.name: interface.place.path, interface.number: interface.place.path})
    if errors:
        raise IdlErrors(errors)
    return interfaces


def outputs(interfaces, paths, prefix, table):
    """Every file to write: name -> text."""
    files = {}
    for interface, path in zip(interfaces, paths):
        name = interface.name
        files[f"{name}.h"] = c_types.header(interface, path)
        files[f"{name}_client.h"] = c_client.header(interface, path, prefix)
        files[f"{name}_client.c"] = c_client.source(interface, path, prefix)
        files[f"{name}_server.h"] = c_server.header(interface, path, prefix)
        files[f"{name}_server.c"] = c_server.source(interface, path, prefix)
    files = {name: "\n".join(lines) + "\n" for name, lines in files.items()}
    if table:
        files[f"{table}.c"] = "\n".join(tables.source(interfaces, paths, table)) + "\n"
        files[f"{table}.json"] = tables.as_json(interfaces)
    return files


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog=os.path.basename(argv[0]),
        description="Makes C from interface files: for FILE.idl FILE.h, FILE_client.h and .c, FILE_server.h and .c. "
                    "docs/interfaces.md tells the language.")
    parser.add_argument("files", nargs="+", metavar="FILE.idl")
    parser.add_argument("--out", default=".", metavar="FOLDER", help="where to write (default: here)")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="what stands before a name in an #include")
    parser.add_argument("--table", default="", metavar="NAME",
                        help="also make NAME.c, with the array NAME of all names, and NAME.json")
    parser.add_argument("--abi", default="", metavar="FOLDER", help="where rights.h and status.def are")
    parser.add_argument("--against", default="", metavar="OLD.idl",
                        help="make nothing; say whether FILE.idl is still compatible with this older description")
    parser.add_argument("--check", action="store_true", help="make nothing; say what is wrong")
    return parser.parse_args(argv[1:])


def check_against(interfaces, old_path, known):
    if len(interfaces) != 1:
        raise SystemExit("--against compares one interface")
    old = parse(old_path, open_text(old_path), known)
    found = compatible.problems(old, interfaces[0])
    for text in found:
        print(f"{interfaces[0].place.path}: error: not compatible with {old_path}: {text}", file=sys.stderr)
    return 1 if found else 0


def open_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(argv):
    options = arguments(argv)
    known = abi.load(options.abi or abi.default_folder())
    try:
        interfaces = read_all(options.files, known)
        if options.against:
            return check_against(interfaces, options.against, known)
    except IdlErrors as error:
        print(error, file=sys.stderr)
        return 1
    if options.check:
        return 0
    os.makedirs(options.out, exist_ok=True)
    for name, text in outputs(interfaces, options.files, options.prefix, options.table).items():
        with open(os.path.join(options.out, name), "w", encoding="utf-8") as file:
            file.write(text)
    return 0
