/* kernel/mm/vspace.c: a region lies in the user half, within its memory object, and is never both
 * writable and executable. */
#include "abi/memory.h"
#include "mm/vspace.h"

/*@ requires \valid_read(m) && \valid_read(m->memory);
    requires m->memory->page_count <= MEMORY_MAX_BYTES / PAGE_SIZE;
    assigns \nothing;
    ensures pages: \result != 0 ==> m->page_count > 0 &&
        m->memory_page + m->page_count <= m->memory->page_count;
    ensures user: \result != 0 && m->address != 0 ==>
        USER_START <= m->address && m->address + m->page_count * PAGE_SIZE <= USER_END;
    ensures aligned: \result != 0 ==> m->address % PAGE_SIZE == 0;
    ensures write_xor_execute: \result != 0 ==> (m->access & ACCESS_WRITE) == 0 || (m->access &
   ACCESS_EXECUTE) == 0; ensures registers: \result != 0 && m->memory->device != 0 ==>
   m->private_copy == 0; */
static bool mapping_is_sane(const struct mapping *m);

#include "kernel/mm/vspace.c"
