/* Allocation of kernel objects. */
#include "mm/object_slab.h"

enum status object_allocate(struct slab_cache *cache, enum object_type type, struct payer *payer,
                            size_t offset, void **out)
{
    enum status status = account_charge(&payer->account, GROUP_OBJECTS, 1);
    if (status != STATUS_OK)
        return status;
    void *memory;
    status = slab_alloc(cache, &payer->account, &memory);
    if (status != STATUS_OK) {
        account_release(&payer->account, GROUP_OBJECTS, 1);
        return status;
    }
    object_init((void *)((char *)memory + offset), type, payer);
    *out = memory;
    return STATUS_OK;
}

void object_deallocate(struct slab_cache *cache, struct object *object, size_t offset)
{
    struct account *account = &object->payer->account;
    account_release(account, GROUP_OBJECTS, 1);
    object_fini(object); /* the payer's memory stays readable until this entry ends */
    slab_free(cache, account, (char *)object - offset);
}
