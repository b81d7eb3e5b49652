"""Files that somebody else points to: where they are kept, and what is asked to get them."""

from tests.hostile.guards import Guard

_SAVING = "tests/frontends/core/test_saving.py"
_FETCHING = "tests/backend/test_fetching.py"
_OPENING = "tests/frontends/console/test_doing.py"

FILES = (
    # ---- 26: names and sizes
    Guard(
        26,
        "a name that leads to another folder",
        "frontends/core/saving.py",
        'name = _NO_PART.sub("_", clean_line(name))',
        "name = clean_line(name)",
        (_SAVING,),
    ),
    Guard(
        26,
        "a name that shows another, or says something to the terminal",
        "frontends/core/saving.py",
        'name = _NO_PART.sub("_", clean_line(name))',
        'name = _NO_PART.sub("_", name)',
        (_SAVING,),
    ),
    Guard(
        26,
        "a name that is hidden, or taken for an option",
        "frontends/core/saving.py",
        '.lstrip(".-~ ")',
        "",
        (_SAVING,),
    ),
    Guard(
        26,
        "a name that is a device of another system",
        "frontends/core/saving.py",
        "if _DEVICE.match(name) else name",
        "if False else name",
        (_SAVING,),
    ),
    Guard(
        26,
        "a name that no file system takes",
        "frontends/core/saving.py",
        "    if len(encoded) > _MAX_NAME:\n",
        "    if False:\n",
        (_SAVING,),
    ),
    Guard(
        26,
        "a file, or what a link leads to, that is written over",
        "frontends/core/saving.py",
        "os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC",
        "os.O_RDWR | os.O_CREAT | os.O_CLOEXEC",
        (_SAVING,),
    ),
    Guard(
        26,
        "half a file under its name",
        "frontends/core/saving.py",
        "        if kind is not None:\n",
        "        if False:\n",
        (_SAVING,),
    ),
    Guard(
        26,
        "a file that is larger than it said",
        "sat/backend/http.py",
        "            if self.size + len(data) > self._most:\n",
        "            if False:\n",
        (f"{_FETCHING}::test_what_is_too_large_is_given_up",),
    ),
    Guard(
        26,
        "a file that says that it is too large",
        "sat/backend/http.py",
        "        if isinstance(length, int) and length > self._most:\n",
        "        if False:\n",
        (f"{_FETCHING}::test_what_is_too_large_is_given_up",),
    ),
    Guard(
        26,
        "a file that ends early",
        "sat/backend/http.py",
        "        if isinstance(reason.value, ResponseDone | PotentialDataLoss):\n",
        "        if True:\n",
        (f"{_FETCHING}::test_a_file_that_ends_early_is_no_file",),
    ),
    Guard(
        26,
        "a pipe in the place of a file",
        "sat/backend/files.py",
        "            if not stat.S_ISREG(os.fstat(descriptor).st_mode):\n",
        "            if False:\n",
        (f"{_FETCHING}::test_what_is_not_there_is_refused",),
    ),
    # ---- 27: what is asked, and opened
    Guard(
        27,
        "a link that is not https",
        "sat/backend/http.py",
        'if not url.isascii() or not url.startswith("https://") or',
        "if not url.isascii() or",
        (f"{_FETCHING}::test_what_is_not_there_is_refused",),
    ),
    Guard(
        27,
        "a server that sends us elsewhere",
        "sat/backend/http.py",
        "            if response.code != 200:\n",
        "            if False:\n",
        (f"{_FETCHING}::test_a_file_that_ends_early_is_no_file",),
    ),
    Guard(
        27,
        "a head without end",
        "sat/backend/http.py",
        "        if self._intake.came > self._intake.most:\n",
        "        if False:\n",
        (f"{_FETCHING}::test_a_head_without_end_ends",),
    ),
    Guard(
        27,
        "a link to what is on this machine",
        "frontends/console/doing/messages.py",
        '    if link.partition(":")[0].lower() not in SCHEMES:\n',
        "    if False:\n",
        (_OPENING,),
    ),
    Guard(
        27,
        "a link that a shell reads",
        "frontends/console/doing/messages.py",
        "create_subprocess_exec(\n            command, link,",
        'create_subprocess_shell(\n            f"{command} {link}",',
        (_OPENING,),
    ),
)
