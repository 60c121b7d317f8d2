/*
 * The names behind labels: which interface and method, what its parameters are called and where in
 * a message they travel (docs/interfaces.md). For people who look at traces; nothing is decided by
 * it.
 */
#ifndef FERROUS_INTERFACE_NAMES_H
#define FERROUS_INTERFACE_NAMES_H

#include "abi/types.h"

enum interface_place {
    INTERFACE_WORD,  /* the word with that number */
    INTERFACE_DATA,  /* in the inline data, at that offset */
    INTERFACE_ARRAY, /* the string or array with that number */
    INTERFACE_CAP,   /* the capability with that number */
};

struct interface_param {
    const char *name;
    const char *type; /* as in the interface's file */
    u32 place;        /* enum interface_place */
    u32 at;
};

struct interface_method {
    u32 number;
    bool one_way;
    const char *name;
    const struct interface_param *request;
    const struct interface_param *reply;
    u32 request_count;
    u32 reply_count;
};

struct interface_names {
    u32 number;
    u32 version;
    const char *name;
    const struct interface_method *methods;
    size_t method_count;
};

/* The interfaces of Ferrous itself, ended by NULL; made by tools/idl. */
extern const struct interface_names *const ferrous_interfaces[];

/* The interface or method of a label; NULL: not in the table. */
const struct interface_names *interface_of_label(const struct interface_names *const *table,
                                                 u32 label);
const struct interface_method *method_of_label(const struct interface_names *const *table,
                                               u32 label);

/* Writes "console.write", "console.#77" or "#32343.1"; returns what it took, cut to `size` - 1. */
size_t label_format(char *text, size_t size, const struct interface_names *const *table, u32 label);

#endif
