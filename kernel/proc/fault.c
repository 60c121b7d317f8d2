/* Exceptions of user threads: pages that are due are brought in, all else becomes a fault message.
 */
#include "arch/upcalls.h"
#include "proc/process.h"
#include "trace/trace.h"

static u32 access_of(u32 reason)
{
    switch (reason) {
    case FAULT_PAGE_WRITE:
        return ACCESS_WRITE;
    case FAULT_PAGE_EXECUTE:
        return ACCESS_EXECUTE;
    default:
        return ACCESS_READ;
    }
}

/* Other CPUs may hold the translation that was replaced: the thread waits until none can. */
static enum job_result flush_slice(struct job *job)
{
    struct thread *thread = thread_of_job(job);
    if (thread->work_phase++ > 0)
        return JOB_DONE;
    return vspace_flush(thread->vspace) || thread->work_start == FLUSH_WAIT ? JOB_GRACE : JOB_DONE;
}

/* True: the page is there now, or will be when the thread runs again. */
static bool resolve(struct thread *thread, const struct fault_info *fault,
                    struct fault_record *record)
{
    enum vspace_flush flush;
    enum status status =
        vspace_fault(thread->vspace, fault->address, access_of(fault->reason), &flush);
    if (status == STATUS_OK) {
        if (flush != FLUSH_NONE) {
            thread->work_start = flush;
            thread_work(thread, flush_slice);
        }
        return true;
    }
    if (status == STATUS_NO_MEMORY || status == STATUS_GROUP_LIMIT)
        record->reason = FAULT_NO_MEMORY;
    return false;
}

struct arch_context *upcall_fault(const struct fault_info *fault)
{
    struct cpu *cpu = this_cpu();
    struct thread *thread = cpu->current;
    cpu->entry_is_syscall = false;
    struct fault_record record = {
        .reason = fault->reason,
        .code = fault->code,
        .address = fault->address,
        .pc = thread->context.pc,
        .sp = thread->context.sp,
        .flags = thread->context.flags,
    };
    bool is_page = fault->reason >= FAULT_PAGE_READ && fault->reason <= FAULT_PAGE_EXECUTE;
    if (is_page)
        COUNT(cpu, PAGE_FAULTS);
    if (!is_page || !resolve(thread, fault, &record))
        process_fault(thread, &record);
    return likely(!cpu->attention.look) ? &thread->context : sched_exit();
}
