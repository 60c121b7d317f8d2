/* See echo.h. */
#include "echo.h"

#include "ferrous/calls.h"
#include "ferrous/typed.h"
#include "lib/string.h"

struct echo echo;

static void called(void *context, u64 badge)
{
    struct echo *self = context;

    self->calls++;
    self->badge = badge;
}

static enum status integers(void *context, u64 badge, struct sample_integers_request *request,
                            struct sample_integers_reply *reply)
{
    called(context, badge);
    *reply = (struct sample_integers_reply){.a = request->a,
                                            .b = request->b,
                                            .c = request->c,
                                            .d = request->d,
                                            .e = request->e,
                                            .f = request->f,
                                            .g = request->g,
                                            .h = request->h};
    return STATUS_OK;
}

static enum status values(void *context, u64 badge, struct sample_values_request *request,
                          struct sample_values_reply *reply)
{
    called(context, badge);
    *reply = (struct sample_values_reply){.yes = request->yes,
                                          .colour = request->colour,
                                          .wide = request->wide,
                                          .status = request->status};
    return STATUS_OK;
}

static enum status texts(void *context, u64 badge, struct sample_texts_request *request,
                         struct sample_texts_reply *reply)
{
    called(context, badge);
    string_copy(reply->first, sizeof(reply->first), request->first);
    reply->middle_count = request->middle_count;
    memcpy(reply->middle, request->middle, request->middle_count);
    string_copy(reply->last, sizeof(reply->last), request->last);
    return STATUS_OK;
}

static enum status items(void *context, u64 badge, struct sample_items_request *request,
                         struct sample_items_reply *reply)
{
    called(context, badge);
    reply->before = request->before;
    reply->item = request->item;
    reply->points_count = request->points_count;
    memcpy(reply->points, request->points, sizeof(request->points[0]) * request->points_count);
    reply->colours_count = request->colours_count;
    memcpy(reply->colours, request->colours, request->colours_count);
    reply->flags_count = request->flags_count;
    memcpy(reply->flags, request->flags, request->flags_count);
    reply->numbers_count = request->numbers_count;
    memcpy(reply->numbers, request->numbers, sizeof(u64) * request->numbers_count);
    reply->last = request->last;
    return STATUS_OK;
}

/* Gives three of the four back. What is copied must live until the reply has left. */
static enum status capabilities(void *context, u64 badge,
                                struct sample_capabilities_request *request,
                                struct sample_capabilities_reply *reply)
{
    struct echo *self = context;

    called(context, badge);
    self->kept[0] = cap_take(&request->first.cap);
    self->kept[1] = cap_take(&request->third.cap);
    reply->first.cap = self->kept[0];
    reply->second.cap = cap_take(&request->second.cap);
    reply->third.cap = self->kept[1];
    return STATUS_OK;
}

static void note(void *context, u64 badge, struct sample_note_request *request)
{
    struct echo *self = context;

    called(context, badge);
    self->note_number = request->number;
    self->note_has_listener = !cap_is_null(request->listener.cap);
    string_copy(self->note, sizeof(self->note), request->text);
}

static enum status nothing(void *context, u64 badge)
{
    called(context, badge);
    return STATUS_OK;
}

static enum status choosy(void *context, u64 badge, struct sample_choosy_request *request)
{
    called(context, badge);
    return (enum status)request->wanted;
}

static enum status any(void *context, u64 badge, struct sample_any_request *request)
{
    called(context, badge);
    return (enum status)request->wanted;
}

static enum status largest(void *context, u64 badge, struct sample_largest_request *request,
                           struct sample_largest_reply *reply)
{
    called(context, badge);
    reply->data_count = request->data_count;
    memcpy(reply->data, request->data, request->data_count);
    return STATUS_OK;
}

static enum status record(void *context, u64 badge, struct sample_record_request *request,
                          struct sample_record_reply *reply)
{
    called(context, badge);
    reply->record = request->record;
    return STATUS_OK;
}

static enum status broken(void *context, u64 badge, struct sample_broken_request *request,
                          struct sample_broken_reply *reply)
{
    called(context, badge);
    reply->data_count = request->count;
    if (request->count == 0)
        memset(reply->text, 'x', sizeof(reply->text));
    return STATUS_OK;
}

const struct sample_ops echo_ops = {
    .integers = integers,
    .values = values,
    .texts = texts,
    .items = items,
    .capabilities = capabilities,
    .note = note,
    .nothing = nothing,
    .choosy = choosy,
    .any = any,
    .largest = largest,
    .record = record,
    .broken = broken,
};

void echo_serve(struct message *message)
{
    sample_dispatch(&echo_ops, &echo, message);
}

void echo_close_kept(void)
{
    for (u32 i = 0; i < 2; i++) {
        (void)cap_close(echo.kept[i]);
        echo.kept[i] = CAP_NULL;
    }
}
