/* The process manager: programs run for clients, their limits and their results. The messages:
 * interfaces/manager.h. */
#include "supervisor.h"

#include "ferrous/time.h"
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

static bool parse_command(const struct message *message, struct command *command)
{
    u32 length = message_length(message);
    u32 at = 0;

    memcpy(command->text, message_data(), length);
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

static enum status handle_run(struct supervisor *supervisor, struct message *message)
{
    struct child *child = find_free(supervisor);
    endpoint_t notify = {message_take_cap(message, 0)};
    u64 limit_ns = message->words[1];
    u64 client = message->badge;
    struct command command;
    enum status status;

    if (child == NULL)
        status = STATUS_FULL;
    else if (!parse_command(message, &command))
        status = STATUS_BAD_ARGUMENT;
    else
        status = run_job(supervisor, child, &command);
    if (status != STATUS_OK) {
        (void)cap_close(notify.cap);
        return status;
    }
    child->client = client;
    child->notify = notify;
    child->deadline_ns = limit_ns == 0 ? TIME_NEVER : time_after_ns(limit_ns);
    *message = MESSAGE_INIT(0);
    message->words[0] = child_index(supervisor, child);
    message->words[1] = child->process.id;
    (void)message_put_cap(message, child->process.handle.cap, RIGHT_WAIT | RIGHT_INSPECT,
                          CAP_SEND_COPY);
    return STATUS_OK;
}

static enum status handle_result(struct supervisor *supervisor, struct message *message)
{
    struct manager_result result;
    struct child *child;
    u64 job = message->words[0];

    if (job >= MAX_CHILDREN)
        return STATUS_NOT_FOUND;
    child = &supervisor->children[job];
    if (!is_job(child) || child->client != message->badge)
        return STATUS_NOT_FOUND;
    if (child->state != CHILD_ENDED)
        return STATUS_WOULD_BLOCK;
    result = (struct manager_result){.record = child->record,
                                     .process_id = child->process.id,
                                     .run_ns = child->ended_ns - child->started_ns,
                                     .cpu_ns = child->cpu_ns,
                                     .end = child->end};
    forget(child);
    *message = MESSAGE_INIT(0);
    message_put_data(message, &result, sizeof(result));
    return STATUS_OK;
}

static enum status handle_kill(struct supervisor *supervisor, struct message *message)
{
    for (u32 i = 0; i < MAX_CHILDREN; i++) {
        struct child *child = &supervisor->children[i];

        if (child->state != CHILD_RUNNING || child->process.id != message->words[0])
            continue;
        child->end = MANAGER_END_KILLED;
        *message = MESSAGE_INIT(0);
        return process_kill(child->process.handle, 0);
    }
    return STATUS_NOT_FOUND;
}

static enum manager_service_state service_state(const struct child *child)
{
    switch (child->state) {
    case CHILD_RUNNING:
        return SERVICE_RUNNING;
    case CHILD_WAITING:
        return SERVICE_WAITING;
    case CHILD_STOPPED:
        return SERVICE_STOPPED;
    default:
        return SERVICE_FAILED;
    }
}

static enum status handle_service(struct supervisor *supervisor, struct message *message)
{
    struct manager_service service;
    const struct child *child;

    /* Services were started first, so they hold the first places. */
    if (message->words[0] >= MAX_CHILDREN)
        return STATUS_NOT_FOUND;
    child = &supervisor->children[message->words[0]];
    if (child->entry == NULL || !child->entry->is_service)
        return STATUS_NOT_FOUND;
    memset(&service, 0, sizeof(service));
    string_copy(service.name, sizeof(service.name), child->entry->name);
    service.process_id = child->state == CHILD_RUNNING ? child->process.id : 0;
    service.state = service_state(child);
    service.restarts = child->restarts;
    service.last_end = child->record;
    *message = MESSAGE_INIT(0);
    message_put_data(message, &service, sizeof(service));
    return STATUS_OK;
}

static enum status handle_program(struct supervisor *supervisor, struct message *message)
{
    struct process_image image;
    const char *name;

    if (message->words[0] > UINT32_MAX)
        return STATUS_NOT_FOUND;
    name = archive_name(&supervisor->archive, (u32)message->words[0]);
    if (name == NULL || archive_find(&supervisor->archive, name, &image) != STATUS_OK)
        return STATUS_NOT_FOUND;
    *message = MESSAGE_INIT(0);
    message_put_data(message, name, strlen(name) + 1);
    return STATUS_OK;
}

static enum status dispatch(struct supervisor *supervisor, struct message *message)
{
    u32 rights = rights_of(supervisor, message->badge);

    switch (message_label(message)) {
    case MANAGER_RUN:
        if ((rights & MANAGER_RIGHT_RUN) == 0)
            return STATUS_MISSING_RIGHT;
        return handle_run(supervisor, message);
    case MANAGER_RESULT:
        return handle_result(supervisor, message);
    case MANAGER_KILL:
        if ((rights & MANAGER_RIGHT_KILL) == 0)
            return STATUS_MISSING_RIGHT;
        return handle_kill(supervisor, message);
    case MANAGER_SERVICE:
        return handle_service(supervisor, message);
    case MANAGER_PROGRAM:
        return handle_program(supervisor, message);
    case MANAGER_BOOT:
        *message = MESSAGE_INIT(0);
        message->words[0] = supervisor->boot_ticks;
        return STATUS_OK;
    default:
        return STATUS_BAD_ARGUMENT;
    }
}

void manager_handle(void *context, struct message *message)
{
    struct supervisor *supervisor = context;
    bool takes_cap = message_label(message) == MANAGER_RUN &&
                     (rights_of(supervisor, message->badge) & MANAGER_RIGHT_RUN) != 0;
    enum status status;

    message_drop_caps(message, takes_cap ? 1 : 0);
    status = dispatch(supervisor, message);
    if (status != STATUS_OK)
        message_fail(message, status);
}
