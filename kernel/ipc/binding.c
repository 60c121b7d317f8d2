/* Bindings of endpoints. */
#include "ipc/binding.h"

#include "core/cap_node.h"

/* A revocation: the one who kills unlinks the node. */
static bool kill_binding(struct cap_node *node, void *owner)
{
    struct binding *binding = owner;
    ATOMIC_STORE(&binding->endpoint, NULL);
    if (cap_node_abandon(node)) {
        cap_node_unpin_one(node);
        if (binding->unbound)
            binding->unbound(binding);
    }
    return true;
}

/* The memory belongs to what the binding is embedded in. */
static void free_nothing(struct cap_node *node)
{
    (void)node;
}

static const struct cap_node_ops binding_ops = {
    .is_effect = true, .kill = kill_binding, .free = free_nothing};

enum status binding_make(struct binding *binding, const struct cap_ref *ref)
{
    if (binding->made)
        return STATUS_REVOKED;
    cap_node_init(&binding->node, ref->object, &binding_ops);
    binding->badge = ref->badge;
    /* Before the link: from there on a revocation may unbind. */
    ATOMIC_STORE(&binding->endpoint, endpoint_of(ref->object));
    struct cap_parent parent = cap_ref_parent(ref);
    enum status status = cap_node_link(&binding->node, &parent, binding);
    if (status == STATUS_OK)
        binding->made = true;
    else
        ATOMIC_STORE(&binding->endpoint, NULL);
    return status;
}

void binding_signal(struct binding *binding)
{
    struct endpoint *endpoint = binding_endpoint(binding);
    if (endpoint)
        endpoint_signal(endpoint, binding->badge ? binding->badge : 1);
}

void binding_interrupt(struct binding *binding)
{
    struct endpoint *endpoint = binding_endpoint(binding);
    if (endpoint)
        endpoint_interrupt(endpoint, binding->badge ? binding->badge : 1);
}

void binding_drop(struct binding *binding)
{
    if (!ATOMIC_EXCHANGE(&binding->endpoint, NULL))
        return;
    if (cap_node_abandon(&binding->node)) {
        cap_node_drop_leaf(&binding->node);
        cap_node_unpin(&binding->node);
    }
}
