/*
 * A QEMU plugin that writes down each instruction that is executed, and each access to memory, for
 * bench/executed.py.
 *
 *     -plugin FILE,out=RECORDS,while=SWITCH
 *
 * It looks only at blocks that are translated while the file SWITCH exists: executed.py makes it
 * and then asks for blocks of one instruction each, which QEMU translates anew. One virtual CPU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qemu_plugin.h"

enum kind { EXECUTED, LOADED, STORED };

/* Little-endian, as executed.py reads it. */
struct record {
    uint64_t address; /* virtual: of the instruction where it was translated, or of the access */
    uint64_t where;   /* of an instruction the emulator's address, of an access the physical one;
                       * shifted left by 2,   with the kind in the lowest bits */
};

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static FILE *out;
static const char *switch_path;

static void write_record(const struct record *record)
{
    if (fwrite(record, sizeof(*record), 1, out) != 1) {
        perror("executed");
        exit(1);
    }
}

static struct record record_of(enum kind kind, uint64_t address, uint64_t where)
{
    return (struct record){.address = address, .where = where << 2 | (uint64_t)kind};
}

/* `data`: the instruction's record, which lives as long as the emulator may keep the translation:
 * until the end. */
static void executed(unsigned int cpu, void *data)
{
    (void)cpu;
    write_record(data);
}

static void accessed(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    const struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(info, address);

    (void)cpu;
    (void)data;
    if (place) {
        struct record record = record_of(qemu_plugin_mem_is_store(info) ? STORED : LOADED, address,
                                         qemu_plugin_hwaddr_phys_addr(place));
        write_record(&record);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    if (access(switch_path, F_OK) != 0)
        return;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        struct record *record = malloc(sizeof(*record));

        if (!record)
            abort();
        *record = record_of(EXECUTED, qemu_plugin_insn_vaddr(insn),
                            (uint64_t)(uintptr_t)qemu_plugin_insn_haddr(insn));
        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS, record);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                         NULL);
    }
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fclose(out);
}

/* The value of argument `name`, which are words of the form name=value; NULL: it is not there. */
static const char *value_of(const char *name, int argc, char **argv)
{
    size_t length = strlen(name);

    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            return argv[i] + length + 1;
    }
    return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    const char *out_path = value_of("out", argc, argv);

    (void)info;
    switch_path = value_of("while", argc, argv);
    if (!out_path || !switch_path)
        return 1;
    switch_path = strdup(switch_path);
    out = fopen(out_path, "wb");
    if (!out || !switch_path)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
