"""Mutants of the kernel's guards: finding them in the sources, building and running each, and reporting."""
