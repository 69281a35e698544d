"""A filter in the kernel (seccomp) that refuses system calls, for this process and all that it starts, for good."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Collection, Mapping

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = tuple(AUDIT)
LOAD, AND, EQUAL, ANY_BIT, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
OTHER_ABI = 1 << 30
"""Call numbers from here on are the second, 32-bit way into an x86_64 kernel."""
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2

# Name → its number on each of MACHINES; None where there is none. What starts a thread or process:
STARTING: Mapping[str, tuple[int | None, ...]] = {
    "clone": (56, 220), "fork": (57, None), "vfork": (58, None), "clone3": (435, 435),
}  # fmt: skip
# What ordinary programs never need, and what has broken out of sandboxes before.
DANGEROUS: Mapping[str, tuple[int | None, ...]] = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "chroot": (161, 51), "delete_module": (176, 106),
    "finit_module": (313, 273), "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430),
    "fspick": (433, 433), "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
    "keyctl": (250, 219), "memfd_create": (319, 279), "memfd_secret": (447, 447), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "mq_open": (240, 180), "msgget": (68, 186),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "perf_event_open": (298, 241), "personality": (135, 92), "pidfd_getfd": (438, 438), "pivot_root": (155, 41),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60),
    "reboot": (169, 142), "request_key": (249, 218), "semget": (64, 190), "setns": (308, 268), "shmget": (29, 194),
    "swapoff": (168, 225), "swapon": (167, 224), "umount2": (166, 39), "unshare": (272, 97),
    "userfaultfd": (323, 282),
}  # fmt: skip
SOCKET = (41, 198)
FAMILIES = (1, 2, 10, 16)
"""Sockets of Unix, IPv4, IPv6 and netlink, which a namespace shuts in. Others reach past it, such as vsock to the host
of a virtual machine, or are code of the kernel's that nobody needs.
"""
NEW_NAMESPACES = 0x7E020080
"""The flags with which `clone` makes namespaces; `clone3`, whose flags a filter can't see, is refused as unknown."""


def refuse(calls: Mapping[str, tuple[int | None, ...]], *, namespaces: bool = True) -> None:
    """From now on these calls fail with EPERM, as do sockets of other than FAMILIES (EAFNOSUPPORT); unless
    `namespaces`, so does making namespaces with clone.

    Does nothing on machines that are not of MACHINES. Raises OSError: the kernel takes no filter.
    """
    if platform.machine() not in MACHINES:
        return
    column = MACHINES.index(platform.machine())
    numbers = [row[column] for row in calls.values()]
    install(rules(AUDIT[MACHINES[column]], [number for number in numbers if number is not None], column, namespaces))


def rules(audit: int, numbers: Collection[int], column: int, namespaces: bool) -> list[tuple[int, int, int, int]]:
    """(operation, jump if true, jump if false, operand): each test is followed by its own answer."""
    made = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        *refused_if(AT_LEAST, OTHER_ABI, errno.EPERM),
    ]
    for number in numbers:
        made += refused_if(EQUAL, number, errno.EPERM)
    made += refused_families(SOCKET[column])
    if not namespaces:
        clone3, clone = STARTING["clone3"][column], STARTING["clone"][column]
        made += refused_if(EQUAL, clone3 or 0, errno.ENOSYS)
        made += [(EQUAL, 0, 3, clone or 0), (LOAD, 0, 0, FIRST_ARGUMENT)]
        made += refused_if(ANY_BIT, NEW_NAMESPACES, errno.EPERM)
    return [*made, (RETURN, 0, 0, ALLOW)]


def refused_families(socket: int) -> list[tuple[int, int, int, int]]:
    """Each family of FAMILIES jumps over the refusal; the call's number is loaded again for the tests to come."""
    allowed = [(EQUAL, len(FAMILIES) - place, 0, family) for place, family in enumerate(FAMILIES)]
    refusal = [*allowed, (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT), (LOAD, 0, 0, NUMBER)]
    return [(EQUAL, 0, len(refusal) + 1, socket), (LOAD, 0, 0, FIRST_ARGUMENT), *refusal]


def refused_if(test: int, operand: int, number: int) -> list[tuple[int, int, int, int]]:
    return [(test, 0, 1, operand), (RETURN, 0, 0, REFUSE | number)]


def install(made: Collection[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in made))
    program = ctypes.create_string_buffer(struct.pack("HP", len(made), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    none = ctypes.c_ulong(0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), none, none, none) or libc.prctl(
        PR_SET_SECCOMP, ctypes.c_ulong(FILTER), program, none, none
    ):
        raise OSError(ctypes.get_errno(), "the kernel refuses the filter")
