"""What `make help` prints."""

TEXT = """\
Building
  make                    the disk image build/release/ferrous.img (CONFIG=debug: build/debug/ferrous.img)
  make kernel|boot|user   one part of it
  make sdk                build/sdk: headers, libraries and ferrous-cc, to build programs outside this tree
  make clean              removes build/
Running
  make run                builds and boots the image in QEMU; a shell on this terminal, ctrl-a x quits
  make trace              runs requests through several processes; build/trace/trace.html shows where their time went
  tools/trace --help      recordings in the formats of babeltrace2, Perfetto, OpenTelemetry, Prometheus
  tools/run --help        other machines, typed commands, a debugger, programs of your own
Checking
  make quick              what is worth running after each change: under 3 minutes
  make check              everything that must hold before a change is taken; ends with `N passed, N failed`
  make soak               the same for hours: every machine, many rounds
  make unit               the host's unit tests only
  make models             proofs of ranges, rights and page-table entries; models of the concurrent protocols
  make fuzz               each fuzzer for FUZZ_SECONDS (60)
  make coverage           lines and branches of the kernel's heart that host tests reach, as a table and as HTML
  make mutants            takes the kernel's guards away one by one and sees whether the tests notice
  tools/check --list      the parts of the above; tools/check --only PART,... runs some
Measuring
  make bench              counts instructions of Ferrous and of Debian's Linux at the same work; writes bench/results/
  make bench-smp          both on two CPUs, in turn: ratios only
  make bench-check        fails if one has grown by more than 2 % since it was recorded
  make bench-record       records what is measured now
Tidying
  make format             clang-format on all sources
  V=1                     shows every command
"""

if __name__ == "__main__":
    print(TEXT, end="")
