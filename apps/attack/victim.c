/* The victim: a server that has done nothing to deserve this, and must not notice. */
#include "attack.h"

int role_victim(const char *argument)
{
    endpoint_t endpoint = {start_cap("endpoint")};
    struct message message;
    enum status status = ipc_receive(endpoint, &message, 0, TIME_NEVER);

    (void)argument;
    while (status == STATUS_OK) {
        bool quit = message_label(&message) == VICTIM_QUIT;

        message.words[0]++;
        message.info = message_info(message_label(&message), 0, 0, 0);
        if (quit)
            return (int)ipc_reply(&message);
        status = ipc_reply_receive(endpoint, &message, 0, TIME_NEVER);
    }
    return (int)status;
}

enum status victim_start(struct victim *victim)
{
    struct process_cap cap;
    enum status status = make_group(attack.group, GROUP_PROCESSES, 1, &victim->group);

    victim->calls = 0;
    if (status == STATUS_OK)
        status = make_endpoint(0, &victim->endpoint);
    if (status != STATUS_OK)
        return status;
    cap = GIVE("endpoint", victim->endpoint, RIGHT_RECEIVE);
    return start_role(victim->group, "victim", NULL, &cap, 1, &victim->process);
}

static bool victim_answers(struct victim *victim, u32 label)
{
    struct message message = MESSAGE_INIT(label);
    u64 number = ++victim->calls * 0x10001;

    message.words[0] = number;
    return ipc_call(victim->endpoint, &message, PATIENCE) == STATUS_OK &&
           message_label(&message) == label && message.words[0] == number + 1;
}

bool victim_works(struct victim *victim, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (!victim_answers(victim, VICTIM_ADD))
            return false;
    }
    return true;
}

bool victim_stop(struct victim *victim)
{
    struct exit_record record;
    bool good = victim_answers(victim, VICTIM_QUIT);

    good &= end_of(&victim->process, &record) == STATUS_OK && record.reason == EXIT_NORMAL &&
            record.code == 0;
    good &= end_group_empty(victim->group);
    return cap_close(victim->endpoint.cap) == STATUS_OK && good;
}
