/* Object types, the rights that a capability may carry for each, and the flags of a capability. */
#ifndef ABI_RIGHTS_H
#define ABI_RIGHTS_H

#include "abi/types.h"

enum object_type {
    OBJECT_NONE = 0,
    OBJECT_PROCESS = 1,
    OBJECT_THREAD = 2,
    OBJECT_MEMORY = 3,
    OBJECT_ENDPOINT = 4,
    OBJECT_REPLY = 5,
    OBJECT_GROUP = 6,
    OBJECT_INTERRUPT = 7,
    OBJECT_PORTS = 8,
    OBJECT_DMA = 9,
    OBJECT_TIMER = 10,
    OBJECT_MACHINE = 11,
    OBJECT_TRACE_DOMAIN = 12,
    OBJECT_TYPE_COUNT = 13
};

/* Rights that mean the same for every type: bits 24 and up. */
#define RIGHT_DERIVE   (1u << 24) /* make children of this capability */
#define RIGHT_TRANSFER (1u << 25) /* hand it to another process */
#define RIGHT_REVOKE   (1u << 26) /* kill its descendants */
#define RIGHT_MINT     (1u << 27) /* set the badge of a child, once */
#define RIGHTS_COMMON  (RIGHT_DERIVE | RIGHT_TRANSFER | RIGHT_REVOKE | RIGHT_MINT)

/* endpoint */
#define RIGHT_SEND      (1u << 0) /* send and call */
#define RIGHT_RECEIVE   (1u << 1)
#define RIGHT_SIGNAL    (1u << 2)
#define RIGHT_REBIND    (1u << 3) /* give the receiving side to a new process */
#define RIGHTS_ENDPOINT (RIGHT_SEND | RIGHT_RECEIVE | RIGHT_SIGNAL | RIGHT_REBIND)

/* memory */
#define RIGHT_READ    (1u << 0)
#define RIGHT_WRITE   (1u << 1)
#define RIGHT_EXECUTE (1u << 2)
#define RIGHT_INFO    (1u << 3) /* size, residency; physical addresses of device memory */
#define RIGHTS_MEMORY (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_INFO)

/* process and thread */
#define RIGHT_KILL         (1u << 0)
#define RIGHT_WAIT         (1u << 1)
#define RIGHT_GRANT        (1u << 2) /* put capabilities into its space */
#define RIGHT_MAP          (1u << 3) /* change its address space */
#define RIGHT_CONTROL      (1u << 4) /* suspend, resume, registers, affinity, priority */
#define RIGHT_INSPECT      (1u << 5) /* state and usage */
#define RIGHT_READ_MEMORY  (1u << 6) /* process: see what it has mapped */
#define RIGHT_WRITE_MEMORY (1u << 7) /* process: write where it may write */
#define RIGHTS_PROCESS                                                                             \
    (RIGHT_KILL | RIGHT_WAIT | RIGHT_GRANT | RIGHT_MAP | RIGHT_CONTROL | RIGHT_INSPECT |           \
     RIGHT_READ_MEMORY | RIGHT_WRITE_MEMORY)
#define RIGHTS_THREAD (RIGHT_KILL | RIGHT_WAIT | RIGHT_CONTROL | RIGHT_INSPECT)

/* group: what may be created at its expense */
#define RIGHT_CREATE_ENDPOINT  (1u << 0)
#define RIGHT_CREATE_MEMORY    (1u << 1)
#define RIGHT_SPAWN            (1u << 2)
#define RIGHT_CREATE_GROUP     (1u << 3)
#define RIGHT_CREATE_TIMER     (1u << 4)
#define RIGHT_CREATE_TRACE     (1u << 5)
#define RIGHT_CREATE_DMA       (1u << 6)
#define RIGHT_GROUP_CONTROL    (1u << 7) /* limits, suspend, kill */
#define RIGHT_GROUP_INFO       (1u << 8)
#define RIGHT_CREATE_INTERRUPT (1u << 9)
#define RIGHTS_GROUP                                                                               \
    (RIGHT_CREATE_ENDPOINT | RIGHT_CREATE_MEMORY | RIGHT_SPAWN | RIGHT_CREATE_GROUP |              \
     RIGHT_CREATE_TIMER | RIGHT_CREATE_TRACE | RIGHT_CREATE_DMA | RIGHT_GROUP_CONTROL |            \
     RIGHT_GROUP_INFO | RIGHT_CREATE_INTERRUPT)

/* reply, interrupt, ports, timer, machine, trace domain */
#define RIGHT_REPLY        (1u << 0) /* answer the call, adopt it */
#define RIGHTS_REPLY       (RIGHT_REPLY)
#define RIGHT_BIND         (1u << 0) /* interrupt: connect to an endpoint, acknowledge */
#define RIGHTS_INTERRUPT   (RIGHT_BIND)
#define RIGHT_PORT_IN      (1u << 0)
#define RIGHT_PORT_OUT     (1u << 1)
#define RIGHTS_PORTS       (RIGHT_PORT_IN | RIGHT_PORT_OUT)
#define RIGHT_SET          (1u << 0)
#define RIGHTS_TIMER       (RIGHT_SET)
#define RIGHT_POWER        (1u << 0)
#define RIGHT_KERNEL_LOG   (1u << 1)
#define RIGHT_FACTS        (1u << 2)
#define RIGHT_PROCESS_LIST (1u << 3)
#define RIGHT_INTERRUPTS   (1u << 4) /* create interrupt objects */
#define RIGHTS_MACHINE                                                                             \
    (RIGHT_POWER | RIGHT_KERNEL_LOG | RIGHT_FACTS | RIGHT_PROCESS_LIST | RIGHT_INTERRUPTS)
#define RIGHT_TRACE_READ    (1u << 0)
#define RIGHT_TRACE_CONTROL (1u << 1)
#define RIGHT_TRACE_EMIT    (1u << 2)
#define RIGHTS_TRACE        (RIGHT_TRACE_READ | RIGHT_TRACE_CONTROL | RIGHT_TRACE_EMIT)

/* A derivation tree is at most this deep; see docs/capabilities.md. */
#define CAP_MAX_DEPTH 16u

#endif
