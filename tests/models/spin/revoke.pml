/*
 * Revocation against use, derivation and closing.
 * Stands for kernel/cap/lookup.c (find, check, revalidate, cap_ref_is_valid, cap_ref_is_revoked), kernel/cap/derive.c
 * (publish, kill_one, dissolve_step), kernel/cap/space.c (insert, cap_detach, take_slot), kernel/core/cap_node.c, and for
 * endpoint_revoked in kernel/ipc/endpoint.c.
 *
 * Capability P belongs to the revoker. Its child C is in a slot of the holder, who twice looks up what it has without a lock and
 * then, under the endpoint's lock and after asking again, uses it at once or waits by it; or derives D from C. A closer closes
 * C at any time and puts a capability of another object (X) into the free slot. The revoker revokes what comes from P.
 *
 * Shown: once revoke has returned, no use by C or D commits, and nobody waits by them; a lookup never mixes two capabilities;
 * each node is unlinked and freed exactly once, and none stays.
 *
 * Broken: BREAK_NO_COMMIT_CHECK  the capability is not asked for again under the lock of the effect
 *         BREAK_NO_SCAN          revoke does not look for waiters
 *         BREAK_READ_ONCE        the slot's handle is not read again after its fields
 *         BREAK_LINK_UNCHECKED   a child is linked without asking whether the parent is still good
 *         BREAK_NO_PIN           clean-up does not pin the node it works on
 */
#define P    0
#define C    1
#define D    2
#define X    3
#define NONE 15

/* Nodes; a handle has its node's number. P's own is 0 in no slot. */
byte parent[4] = NONE, birth[4], revoked[4], pins[4], freed[4];
bool condemned[4];         /* it is in its parent's condemned list, not among the children */
bool owner[4], made[4];

byte epoch = 1, next_epoch = 1; /* of the object of P, C, D; X's slots are good at epoch 9 */

byte handle[2], node[2] = NONE, slot_epoch[2];

bit space, tree, endpoint;      /* locks */
bool waiting;                   /* the holder waits by: */
byte wait_handle, wait_epoch;
bool returned;

inline lock(which) { atomic { which == 0 -> which = 1 } }
inline unlock(which) { which = 0 }

#define SLOT(h)     (h == D -> 1 : 0)
#define GOOD_C      (parent[C] == P && birth[C] >= revoked[P])
#define GOOD_D      (parent[D] == P && birth[D] >= revoked[P] || parent[D] == C && birth[D] >= revoked[C] && GOOD_C)
#define GOOD(n)     (n == C && GOOD_C || n == D && GOOD_D)
#define CHILDLESS(n) (parent[C] != n && parent[D] != n)

/* `good`: the capability is; then `seen` is the epoch it is good at. */
inline revalidate(h, n, seen, good)
{
    lock(tree);
    if
    :: handle[SLOT(h)] == h && node[SLOT(h)] == n && GOOD(n) -> slot_epoch[SLOT(h)] = epoch; seen = epoch; good = true
    :: else -> good = false
    fi;
    unlock(tree)
}

/* cap_lookup */
inline lookup(h, n, seen, good)
{
    good = (handle[SLOT(h)] == h);
    if
    :: good ->
       n = node[SLOT(h)];
       seen = slot_epoch[SLOT(h)];
#ifndef BREAK_READ_ONCE
       good = (handle[SLOT(h)] == h);
#endif
       if
       :: good -> assert(n == h);
          if
          :: epoch != seen -> revalidate(h, n, seen, good)
          :: else
          fi
       :: else
       fi
    :: else
    fi
}

/* cap_ref_is_valid */
inline is_valid(h, n, seen, good)
{
#ifdef BREAK_NO_COMMIT_CHECK
    good = true;
#else
    good = (handle[SLOT(h)] == h);
    if
    :: good && epoch != seen -> revalidate(h, n, seen, good)
    :: else
    fi
#endif
}

inline unpin(n)
{
    lock(tree);
    assert(pins[n] > 0);
    pins[n]--;
    assert(pins[n] > 0 || parent[n] == NONE);
    if
    :: pins[n] == 0 -> freed[n]++; assert(freed[n] == 1)
    :: else
    fi;
    unlock(tree)
}

/* cap_node_abandon: the caller has the owner's pin, if `mine`. */
inline abandon(n, mine) { lock(tree); mine = owner[n]; owner[n] = false; unlock(tree) }

inline clear_slot(s) { handle[s] = 0; node[s] = NONE }

#ifdef BREAK_LINK_UNCHECKED
#define MAY_LINK true
#else
#define MAY_LINK (GOOD_C && owner[C])
#endif

/* cap_insert_child of C, into slot 1 */
inline derive(h)
{
    lock(space);
    lock(tree);
    if
    :: handle[SLOT(h)] == h && MAY_LINK ->
       d_step { parent[D] = C; birth[D] = epoch; owner[D] = true; pins[D] = 1; condemned[D] = false; made[D] = true }
       node[1] = D;
       slot_epoch[1] = epoch;
       handle[1] = D
    :: else
    fi;
    unlock(tree);
    unlock(space)
}

proctype holder()
{
    byte h, n, seen, turn;
    bool good;

    do
    :: turn == 2 -> break
    :: else ->
       turn++;
       if
       :: h = C
       :: made[D] -> h = D
       fi;
       lookup(h, n, seen, good);
       if
       :: !good
       :: good && h == C && !made[D] -> derive(h)
       :: good ->
          lock(endpoint);
          is_valid(h, n, seen, good);
          if
          :: good -> assert(!returned)                            /* the effect: a message is taken */
          :: good -> assert(!returned); waiting = true; wait_handle = h; wait_epoch = seen
          :: !good
          fi;
          unlock(endpoint);
          if
          :: !waiting
          :: waiting -> lock(endpoint); waiting = false; unlock(endpoint) /* a message, a deadline */
          fi
       fi;
       n = 0; seen = 0; good = false; h = 0
    od
}

/* One condemned leaf below P goes, or a step towards it; `none`: there is none. */
inline kill_one(victim, mine, none)
{
    lock(tree);
    d_step {
        victim = NONE;
        if
        :: parent[C] == P && condemned[C] && parent[D] == C -> victim = D
        :: parent[C] == P && condemned[C] && parent[D] != C -> victim = C
        :: !(parent[C] == P && condemned[C]) && parent[D] == P && condemned[D] -> victim = D
        :: else
        fi;
        none = (victim == NONE);
#ifndef BREAK_NO_PIN
        if
        :: !none -> pins[victim]++
        :: else
        fi
#endif
    }
    unlock(tree);
    if
    :: none
    :: else ->
       lock(space);                                               /* kill_slot, take_slot */
       mine = false;
       if
       :: node[SLOT(victim)] == victim -> abandon(victim, mine)
       :: else
       fi;
       if
       :: mine -> clear_slot(SLOT(victim))
       :: else
       fi;
       unlock(space);
       if
       :: mine -> lock(tree); assert(pins[victim] > 1); pins[victim]--; unlock(tree)
       :: else
       fi;
       if
       :: !owner[victim] ->
          lock(tree);
          if
          :: parent[victim] != NONE && !owner[victim] && CHILDLESS(victim) -> parent[victim] = NONE
          :: else
          fi;
          unlock(tree)
       :: else
       fi;
#ifndef BREAK_NO_PIN
       unpin(victim)
#endif
    fi
}

proctype revoker()
{
    byte victim;
    bool mine, none, good;

    lock(tree);                                                   /* cap_revoke_publish */
    next_epoch++;
    revoked[P] = next_epoch;
    d_step {
        if :: parent[C] == P -> condemned[C] = true :: else fi;
        if :: parent[D] == P -> condemned[D] = true :: else fi
    }
    epoch = next_epoch;
    unlock(tree);
    do
    :: none -> break
    :: else -> kill_one(victim, mine, none)
    od;
#ifndef BREAK_NO_SCAN
    lock(endpoint);                                               /* endpoint_revoked */
    if
    :: waiting ->
       good = (epoch == wait_epoch);
       if
       :: !good && handle[SLOT(wait_handle)] == wait_handle -> revalidate(wait_handle, wait_handle, wait_epoch, good)
       :: else
       fi;
       if
       :: !good -> waiting = false                                /* woken with REVOKED */
       :: else
       fi
    :: else
    fi;
    unlock(endpoint);
#endif
    atomic { returned = true; assert(!waiting) }
}

proctype closer()
{
    bool mine, done;

    lock(space);                                                  /* cap_detach */
    mine = false;
    if
    :: handle[0] == C -> abandon(C, mine)
    :: else
    fi;
    if
    :: mine -> clear_slot(0)
    :: else
    fi;
    unlock(space);
    if
    :: mine ->
       do
       :: done -> break
       :: else ->                                                 /* cap_node_dissolve_step */
          lock(tree);
          done = (parent[C] == NONE);
          if
          :: !done ->
             d_step {
                 if
                 :: parent[D] == C -> parent[D] = P; condemned[D] = (birth[C] < revoked[P])
                 :: else
                 fi
             }
             if
             :: CHILDLESS(C) -> parent[C] = NONE; done = true
             :: else
             fi
          :: else
          fi;
          unlock(tree)
       od;
       unpin(C)
    :: else
    fi;
    lock(space);                                                  /* X comes into the slot if it is free */
    if
    :: handle[0] == 0 && node[0] == NONE -> node[0] = X; slot_epoch[0] = 9; handle[0] = X
    :: else
    fi;
    unlock(space)
}

init
{
    atomic {
        made[C] = true; parent[C] = P; birth[C] = 1; owner[C] = true; pins[C] = 1;
        handle[0] = C; node[0] = C; slot_epoch[0] = 1;
        run holder(); run revoker();
        if
        :: run closer()
        :: true
        fi
    }
    timeout;
    assert(returned && !waiting);
    assert(freed[C] == 1 && pins[C] == 0 && parent[C] == NONE);
    assert(!made[D] || (freed[D] == 1 && pins[D] == 0 && parent[D] == NONE));
    assert(handle[0] != C && handle[1] != D)
}
