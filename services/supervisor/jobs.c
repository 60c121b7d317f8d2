/* The process manager: programs run for clients, their limits and their results. The messages:
 * interfaces/manager.idl. */
#include "supervisor.h"

#include "ferrous/time.h"
#include "ferrous/typed.h"
#include "lib/checked_math.h"
#include "lib/string.h"

/* The name and arguments of a RUN, cut apart. */
struct command {
    char text[MESSAGE_MAX_INLINE + 1];
    const char *arguments[MAX_ARGUMENTS];
    u32 count;
};

void job_ended(struct child *child)
{
    child->state = CHILD_ENDED;
    if (!cap_is_null(child->notify.cap))
        (void)endpoint_signal(child->notify);
}

static void forget(struct child *child)
{
    child_destroy_group(child);
    (void)cap_close(child->notify.cap);
    child->notify.cap = CAP_NULL;
    child->entry = NULL;
    child->state = CHILD_FREE;
}

static bool is_job(const struct child *child)
{
    return child->entry != NULL && !child->entry->is_service;
}

u64 jobs_run_due(struct supervisor *supervisor, u64 now_ns)
{
    u64 next = TIME_NEVER;

    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if (!is_job(child) || child->state != CHILD_RUNNING)
            continue;
        if (child->deadline_ns <= now_ns) {
            child->end = MANAGER_END_TIME_LIMIT;
            child->deadline_ns = TIME_NEVER;
            (void)process_kill(child->process.handle, 0);
        } else {
            next = min_u64(next, child->deadline_ns);
        }
    }
    return next;
}

void jobs_drop_client(struct supervisor *supervisor, u64 client)
{
    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if (!is_job(child) || child->client != client)
            continue;
        if (child->state == CHILD_RUNNING) {
            (void)process_kill(child->process.handle, 0);
            (void)child_collect(child);
        }
        forget(child);
    }
}

static bool parse_command(const struct manager_run_request *request, struct command *command)
{
    u32 length = request->words_count;
    u32 at = 0;

    memcpy(command->text, request->words, length);
    command->text[length] = '\0';
    command->count = 0;
    if (length == 0 || command->text[length - 1] != '\0')
        return false;
    while (at < length) {
        if (command->count == MAX_ARGUMENTS)
            return false;
        command->arguments[command->count++] = command->text + at;
        at += (u32)strlen(command->text + at) + 1;
    }
    return true;
}

static struct child *find_free(struct supervisor *supervisor)
{
    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        if (supervisor->children[i].state == CHILD_FREE && supervisor->children[i].entry == NULL)
            return &supervisor->children[i];
    }
    return NULL;
}

/* The rights that the manifest gives the client with this badge. */
static u32 rights_of(const struct supervisor *supervisor, u64 client)
{
    const struct child *child;

    if (client == 0 || client > MAX_CHILDREN)
        return 0;
    child = &supervisor->children[client - 1];
    return child->entry == NULL ? 0 : child->entry->manager_rights;
}

static enum status run_job(struct supervisor *supervisor, struct child *child,
                           const struct command *command)
{
    struct launch_request request = {
        .entry = manifest_find_program(&supervisor->manifest, command->arguments[0]),
        .file = command->arguments[0],
        .arguments = command->arguments,
        .argument_count = command->count};
    enum status status;

    if (request.entry == NULL)
        return STATUS_NOT_FOUND;
    child->entry = request.entry;
    status = launch(supervisor, child, &request);
    if (status != STATUS_OK) {
        child->entry = NULL;
        return status;
    }
    child->state = CHILD_RUNNING;
    child->end = MANAGER_END_OWN;
    return STATUS_OK;
}

static enum status handle_run(void *context, u64 badge, struct manager_run_request *request,
                              struct manager_run_reply *reply)
{
    struct supervisor *supervisor = context;
    struct child *child = find_free(supervisor);
    struct command command;
    enum status status;

    if ((rights_of(supervisor, badge) & MANAGER_RIGHT_RUN) == 0)
        return STATUS_MISSING_RIGHT;
    if (child == NULL)
        return STATUS_FULL;
    if (!parse_command(request, &command))
        return STATUS_BAD_ARGUMENT;
    status = run_job(supervisor, child, &command);
    if (status != STATUS_OK)
        return status;
    child->client = badge;
    child->notify.cap = cap_take(&request->listener.cap);
    child->deadline_ns = request->limit_ns == 0 ? TIME_NEVER : time_after_ns(request->limit_ns);
    reply->job = child_index(supervisor, child);
    reply->process_id = child->process.id;
    reply->process = child->process.handle;
    return STATUS_OK;
}

static enum status handle_result(void *context, u64 badge, struct manager_result_request *request,
                                 struct manager_result_reply *reply)
{
    struct supervisor *supervisor = context;
    struct child *child;

    if (request->job >= MAX_CHILDREN)
        return STATUS_NOT_FOUND;
    child = &supervisor->children[request->job];
    if (!is_job(child) || child->client != badge)
        return STATUS_NOT_FOUND;
    if (child->state != CHILD_ENDED)
        return STATUS_WOULD_BLOCK;
    reply->result = (struct manager_job_end){.record = child->record,
                                             .process_id = child->process.id,
                                             .run_ns = child->ended_ns - child->started_ns,
                                             .cpu_ns = child->cpu_ns,
                                             .end = child->end};
    forget(child);
    return STATUS_OK;
}

static enum status handle_kill(void *context, u64 badge, struct manager_kill_request *request)
{
    struct supervisor *supervisor = context;

    if ((rights_of(supervisor, badge) & MANAGER_RIGHT_KILL) == 0)
        return STATUS_MISSING_RIGHT;
    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if (child->state != CHILD_RUNNING || child->process.id != request->process_id)
            continue;
        child->end = MANAGER_END_KILLED;
        return process_kill(child->process.handle, 0);
    }
    return STATUS_NOT_FOUND;
}

static enum manager_service_state service_state(const struct child *child)
{
    switch (child->state) {
    case CHILD_RUNNING:
        return MANAGER_SERVICE_STATE_RUNNING;
    case CHILD_WAITING:
        return MANAGER_SERVICE_STATE_WAITING;
    case CHILD_STOPPED:
        return MANAGER_SERVICE_STATE_STOPPED;
    default:
        return MANAGER_SERVICE_STATE_FAILED;
    }
}

static enum status handle_service(void *context, u64 badge, struct manager_service_request *request,
                                  struct manager_service_reply *reply)
{
    struct supervisor *supervisor = context;
    struct manager_service_facts *facts = &reply->service;
    const struct child *child;

    (void)badge;
    /* Services were started first, so they hold the first places. */
    if (request->index >= MAX_CHILDREN)
        return STATUS_NOT_FOUND;
    child = &supervisor->children[request->index];
    if (child->entry == NULL || !child->entry->is_service)
        return STATUS_NOT_FOUND;
    string_copy(facts->name, sizeof(facts->name), child->entry->name);
    facts->process_id = child->state == CHILD_RUNNING ? child->process.id : 0;
    facts->state = service_state(child);
    facts->restarts = child->restarts;
    facts->last_end = child->record;
    return STATUS_OK;
}

static enum status handle_program(void *context, u64 badge, struct manager_program_request *request,
                                  struct manager_program_reply *reply)
{
    struct supervisor *supervisor = context;
    struct process_image image;
    const char *name;

    (void)badge;
    if (request->index > UINT32_MAX)
        return STATUS_NOT_FOUND;
    name = archive_name(&supervisor->archive, (u32)request->index);
    if (name == NULL || archive_find(&supervisor->archive, name, &image) != STATUS_OK)
        return STATUS_NOT_FOUND;
    string_copy(reply->name, sizeof(reply->name), name);
    return STATUS_OK;
}

static enum status handle_boot(void *context, u64 badge, struct manager_boot_reply *reply)
{
    const struct supervisor *supervisor = context;

    (void)badge;
    reply->ticks = supervisor->boot_ticks;
    return STATUS_OK;
}

void manager_handle(void *context, struct message *message)
{
    static const struct manager_ops ops = {
        .run = handle_run,
        .result = handle_result,
        .kill = handle_kill,
        .service = handle_service,
        .program = handle_program,
        .boot = handle_boot,
    };

    manager_dispatch(&ops, context, message);
}
