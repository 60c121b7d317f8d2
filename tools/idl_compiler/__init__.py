"""The compiler for interfaces/*.idl: text to a checked model (grammar, model), to C and JSON (c_*, names).

docs/interfaces.md tells the language and how messages are laid out. Python's standard library only: the SDK brings
this folder along, so that programs outside the tree compile their own interfaces.
"""
