/* A program outside the tree with an interface of its own: one thread serves it, the other asks. */
#include <ferrous/calls.h>
#include <ferrous/console.h>
#include <ferrous/server.h>
#include <ferrous/start.h>
#include <ferrous/thread.h>
#include <ferrous/time.h>

#include "greeter_server.h"

static enum status greet(void *context, u64 badge, struct greeter_greet_request *request,
                         struct greeter_greet_reply *reply)
{
    u64 *greeted = context;

    (void)badge;
    if (request->name[0] == '\0')
        return STATUS_NOT_FOUND;
    (*greeted)++;
    format_to(reply->text, sizeof(reply->text), "%s, %s%s",
              request->tone == GREETER_TONE_LOUD ? "HELLO" : "hello", request->name,
              request->tone == GREETER_TONE_LOUD ? "!" : "");
    return STATUS_OK;
}

static enum status count(void *context, u64 badge, struct greeter_count_reply *reply)
{
    (void)badge;
    reply->greeted = *(const u64 *)context;
    return STATUS_OK;
}

static void stop(void *context, u64 badge)
{
    (void)context;
    (void)badge;
    process_exit(0);
}

static void handle(void *context, struct message *message)
{
    static const struct greeter_ops ops = {.greet = greet, .count = count, .stop = stop};

    greeter_dispatch(&ops, context, message);
}

static u64 serve(void *endpoint)
{
    static u64 greeted;
    struct server server = {.endpoint = *(const endpoint_t *)endpoint,
                            .accept = GREETER_MAX_CAPS,
                            .context = &greeted,
                            .handle = handle};

    return server_run(&server);
}

int main(int argc, char **argv)
{
    u64 deadline_ns = time_after_ns(5 * NS_PER_S);
    struct greeter_greet_reply greeting;
    struct greeter_count_reply counted;
    struct message unknown = MESSAGE_INIT(MESSAGE_LABEL(GREETER_INTERFACE, 77));
    struct thread thread;
    endpoint_t greeter;
    u32 version;

    if (endpoint_create(start_group(), 0, 0, &greeter) != STATUS_OK ||
        thread_start(&thread, serve, &greeter, 0) != STATUS_OK ||
        greeter_version(greeter, deadline_ns, &version) != STATUS_OK)
        return 1;
    print("greeter: version %u\n", version);
    for (int i = 1; i < argc; i++) {
        if (greeter_greet(greeter, argv[i], GREETER_TONE_LOUD, deadline_ns, &greeting) != STATUS_OK)
            return 2;
        print("greeter: %s\n", greeting.text);
    }
    if (greeter_greet(greeter, "", GREETER_TONE_KIND, deadline_ns, &greeting) != STATUS_NOT_FOUND ||
        greeter_greet(greeter, "x", (enum greeter_tone)3, deadline_ns, &greeting) !=
            STATUS_BAD_MESSAGE ||
        ipc_call_checked(greeter, &unknown, deadline_ns) != STATUS_NO_METHOD ||
        greeter_count(greeter, deadline_ns, &counted) != STATUS_OK)
        return 3;
    print("greeter: %llu greeted\n", (unsigned long long)counted.greeted);
    return greeter_stop(greeter, deadline_ns) == STATUS_OK ? (int)thread_join(&thread) : 4;
}
