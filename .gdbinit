# For `tools/run --gdb` in one window and `gdb` in another, both in the root of the tree.
# tools/run --gdb boots with slide=off, so that the kernel lies where it was linked.

set confirm off
set pagination off
set disassembly-flavor intel
set print pretty on
set architecture i386:x86-64

define ferrous
    file build/release/kernel.full.elf
    target remote 127.0.0.1:1234
    hbreak kernel_main
    printf "stopped before the firmware; `continue` runs to kernel_main\n"
end
document ferrous
ferrous: loads the release kernel's symbols, connects to tools/run --gdb, stops at kernel_main.
end

define ferrous-debug
    file build/debug/kernel.full.elf
    target remote 127.0.0.1:1234
    hbreak kernel_main
    printf "stopped before the firmware; `continue` runs to kernel_main\n"
end
document ferrous-debug
ferrous-debug: the same for tools/run --gdb --config debug.
end

define break-panic
    hbreak panic
    hbreak upcall_kernel_fault
end
document break-panic
break-panic: stops where the kernel gives up.
end

define this-cpu
    print *((struct port_cpu *)$gs_base)->core
end
document this-cpu
this-cpu: the per-CPU data of the stopped CPU, if it is in the kernel.
end

define current
    print *((struct port_cpu *)$gs_base)->core->current
end
document current
current: the thread that the stopped CPU runs, if it is in the kernel.
end

define user
    add-symbol-file build/user/bin/$arg0.full
end
document user
user NAME: adds the symbols of the program NAME (build/user/bin/NAME.full); its text must lie where it was linked.
end

printf "Ferrous: `ferrous` connects to tools/run --gdb; `help user-defined` lists the helpers\n"
