/* Results of system calls and of kernel and library functions that can fail. */
#ifndef ABI_STATUS_H
#define ABI_STATUS_H

enum status {
#define STATUS(number, name, text) STATUS_##name = (number),
#include "abi/status.def"
#undef STATUS
};

/* The caller must look at the result. */
#define MUST_USE __attribute__((warn_unused_result))

#endif
