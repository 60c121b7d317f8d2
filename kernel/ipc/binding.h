/*
 * Bindings: an endpoint that something signals by itself: an interrupt, a timer, a death, a fault.
 *
 * A binding is a leaf in the endpoint's derivation tree, under the capability that it was made by:
 * revoking that, or destroying the endpoint's group, unbinds. It is embedded in what it belongs to,
 * which is freed after a grace period.
 *
 * Locks: the endpoint's tree lock inside; `endpoint` is atomic.
 */
#ifndef IPC_BINDING_H
#define IPC_BINDING_H

#include "ipc/endpoint.h"

struct binding {
    struct cap_node node;
    struct endpoint *endpoint; /* NULL: unbound */
    u64 badge;                 /* of the capability */
    bool made; /* once: a node that was killed may still be on its way out of the tree */
    void (*unbound)(
        struct binding *binding); /* a revocation has unbound it; no locks; may be NULL */
};

/* Binds by a checked capability, once in the binding's life. REVOKED: that is over, or the
 * capability is dead. TOO_DEEP. The caller sees to it that one CPU at a time tries. */
enum status binding_make(struct binding *binding, const struct cap_ref *ref) MUST_USE;

/* The endpoint, readable until this kernel entry ends; NULL: unbound. */
static inline struct endpoint *binding_endpoint(struct binding *binding)
{
    return ATOMIC_LOAD(&binding->endpoint);
}

/* Signals the badge (bit 0 if it is 0). */
void binding_signal(struct binding *binding);
/* The same, at an interrupt: perhaps another thread is current afterwards. */
void binding_interrupt(struct binding *binding);

/* Unbinds; harmless when it is not bound. */
void binding_drop(struct binding *binding);

#endif
