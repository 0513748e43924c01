#!/usr/bin/env python3
"""
policy/ decides and does nothing else, and sim/ plays on paper only: neither, nor anything they reach in model/ and base/,
may call a function of the C library that reads, writes, looks at the clock or draws chance, and they have no variables.

usage: pure-policy.py NM SIZE POLICY.a OTHER.a...

Archives are followed member by member: a member of policy/ imports names, which members of the other archives define, and
so on. What no archive defines must be on the list below.
"""
import re
import subprocess
import sys

PURE = set("""
abs bsearch calloc free malloc qsort realloc reallocarray
bcmp bzero memchr memcmp memcpy memmove memset
stpcpy strcasecmp strcat strchr strcmp strcpy strcspn strdup strlen strncasecmp strncat strncmp strncpy strndup strnlen
strpbrk strrchr strspn strstr
strtod strtol strtoll strtoul strtoull
snprintf vsnprintf strerror
ceil exp fabs floor fmax fmin fmod hypot ldexp llrint llround log log1p log2 lrint lround pow rint round sqrt trunc
""".split())

# what the compiler and the C library's headers make of them
MACHINERY = re.compile(
    r"^(__stack_chk_(fail|fail_local|guard)|_GLOBAL_OFFSET_TABLE_|__errno_location"
    r"|__(div|mod|udiv|umod|mul|ash|lsh|popcount|clz|ctz|ffs|parity)[a-z]*i[234]"
    r"|__ctype_(b|tolower|toupper)_loc|__assert_fail|abort|(__isoc23_|__)?strto(l|ll|ul|ull|d)"
    r"|__(mem|str|stp)[a-z]+_chk|__v?snprintf_chk|__(asan|ubsan|sanitizer|tsan|gcov|llvm)_.*|_*gcov.*)$")
INSTRUMENTED = re.compile(r"^(__(asan|ubsan|tsan|gcov|llvm)_|_*gcov)")


def members(nm, archive):
    """{member: (names defined, names imported)}"""
    found = {}
    text = subprocess.run([nm, "-A", "-P", "-g", archive], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        # archive[member]: name type ..., also for thin archives
        match = re.match(r"^.*\[(.*)\]: (\S+) (\S)", line)
        if not match:
            sys.exit(f"cannot understand nm: {line}")
        member, name, kind = match.groups()
        defined, imported = found.setdefault(f"{archive}({member})", (set(), set()))
        (imported if kind in "Uw" else defined).add(name)
    return found


def main(nm, size, policy, *others):
    mine = members(nm, policy)
    everything = dict(mine)
    for archive in others:
        everything.update(members(nm, archive))
    defined_by = {name: member for member, (defined, _) in everything.items() for name in defined}
    if not {defined_by.get("hn_decide"), defined_by.get("hn_simulate")} & set(mine) or "hn_fail" not in defined_by:
        sys.exit("hn_decide or hn_simulate, and hn_fail, are not in these archives: nothing was checked")

    failures, instrumented = 0, False
    reached, ahead = {}, [(member, []) for member in mine]
    while ahead:
        member, road = ahead.pop()
        if member in reached:
            continue
        reached[member] = road
        for name in sorted(everything[member][1]):
            instrumented = instrumented or bool(INSTRUMENTED.match(name))
            if name.startswith("hn_log"):
                print(f"{member} logs: {name}", *road)
                failures += 1
            elif name in defined_by:
                ahead.append((defined_by[name], [f"<- {member} ({name})"] + road))
            elif name not in PURE and not MACHINERY.match(name):
                print(f"{member} imports {name}", *road)
                failures += 1

    # sanitizers and coverage keep books in .data
    text = subprocess.run([size, "-A", "-d", policy], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] in (".data", ".bss", ".tdata", ".tbss") and words[1] != "0" and not instrumented:
            print(f"{policy} has {words[1]} bytes of variables in {words[0]}")
            failures += 1

    print(f"{len(mine)} members of {policy} and {len(reached) - len(mine)} others looked at, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
