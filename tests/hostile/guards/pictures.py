"""Rules 10 and 22, and what is a picture: whose it is, who is asked for it, and what comes."""

from tests.hostile.guards import Guard

_AVATAR = "tests/plugins/test_xep_0084_avatar.py"
_PLUGIN = "plugins/xep_0084_avatar.py"

PICTURES = (
    Guard(
        10,
        "pictures that others tell of",
        "sat/backend/pep.py",
        "live.roster.shares_presence(sender)",
        "True",
        (f"{_AVATAR}::test_a_picture_is_told_by_its_owners_account_alone",),
    ),
    Guard(
        10,
        "pictures that somebody's program tells of",
        "sat/backend/pep.py",
        "sender.resource is None and ",
        "",
        (f"{_AVATAR}::test_a_picture_is_told_by_its_owners_account_alone",),
    ),
    Guard(
        10,
        "pictures out of a copy",
        "sat/backend/pep.py",
        "    if not _is_news(incoming) or not _may_tell(live, sender):\n",
        "    if not _may_tell(live, sender):\n",
        (f"{_AVATAR}::test_a_picture_out_of_a_copy_counts_for_nothing",),
    ),
    Guard(
        22,
        "pictures asked of strangers",
        _PLUGIN,
        "        if not self.host.in_roster(owner):\n",
        "        if False:\n",
        (f"{_AVATAR}::test_nobody_is_asked_who_may_not_know_of_us",),
    ),
    Guard(
        "pictures",
        "pictures that are somewhere else",
        _PLUGIN,
        '                info.get("url")\n                or type_',
        "                type_",
        (f"{_AVATAR}::test_metadata_that_make_no_sense_are_of_no_picture",),
    ),
    Guard(
        "pictures",
        "types that are no pictures",
        _PLUGIN,
        "                or type_ not in _BEGINNINGS\n",
        "",
        (f"{_AVATAR}::test_metadata_that_make_no_sense_are_of_no_picture",),
    ),
    Guard(
        "pictures",
        "a hash that is a path",
        _PLUGIN,
        "                or not _HASH.fullmatch(hash_)\n",
        "",
        (f"{_AVATAR}::test_metadata_that_make_no_sense_are_of_no_picture",),
    ),
    Guard(
        "pictures",
        "a picture of any size",
        _PLUGIN,
        "                or not 0 < int(size) <= MAX_SIZE\n",
        "",
        (f"{_AVATAR}::test_metadata_that_make_no_sense_are_of_no_picture",),
    ),
    Guard(
        "pictures",
        "any number of versions",
        _PLUGIN,
        'islice(payload.elements(NS_METADATA, "info"), _MAX_VERSIONS)',
        'islice(payload.elements(NS_METADATA, "info"), None)',
        (f"{_AVATAR}::test_a_thousand_versions_are_not_looked_at",),
    ),
    Guard(
        "pictures",
        "another picture than was published",
        _PLUGIN,
        "    if len(data) != known.size or sha1(data, usedforsecurity=False)"
        ".hexdigest() != known.hash:\n",
        "    if False:\n",
        (
            f"{_AVATAR}::test_data_that_are_not_what_was_published_are_no_picture",
            f"{_AVATAR}::test_what_is_kept_survives_and_what_was_damaged_is_fetched_again",
        ),
    ),
    Guard(
        "pictures",
        "a length that is not so",
        _PLUGIN,
        "    if len(data) != known.size or sha1",
        "    if sha1",
        (f"{_AVATAR}::test_what_is_a_picture_is_told_by_its_first_bytes",),
    ),
    Guard(
        "pictures",
        "bytes that begin as no picture",
        _PLUGIN,
        "    return next((type_ for type_, one in _BEGINNINGS.items() if one.match(data)), None)\n",
        "    return known.type\n",
        (f"{_AVATAR}::test_what_is_a_picture_is_told_by_its_first_bytes",),
    ),
    Guard(
        "pictures",
        "a flood of changes",
        _PLUGIN,
        "        if not self._untold:\n"
        "            self.host.later(_GATHER, lambda: "
        'self.host.spawn(self._tell(), "telling of avatars"))\n'
        "        self._untold.add(found.jid)\n",
        "        self._untold.add(found.jid)\n"
        '        self.host.spawn(self._tell(), "telling of avatars")\n',
        (f"{_AVATAR}::test_a_flood_of_changes_is_told_a_few_times",),
    ),
    Guard(
        "pictures",
        "more people than anybody knows",
        _PLUGIN,
        " or (before is None and len(self._known) >= _MAX_KNOWN)",
        "",
        (f"{_AVATAR}::test_more_people_than_anybody_knows_are_not_kept",),
    ),
    Guard(
        "pictures",
        "a stanza that ends the stream",
        _PLUGIN,
        "        if len(data) > MAX_OWN_SIZE:\n",
        "        if False:\n",
        (
            "tests/plugins/test_xep_0084_own_avatar.py::test_only_a_png_that_servers_take_is_published",
        ),
    ),
    Guard(
        "pictures",
        "a cache that grows",
        "sat/backend/cache.py",
        "            _trim(path.parent)\n",
        "",
        ("tests/backend/test_cache.py",),
    ),
    Guard(
        "pictures",
        "a cache that fills the disk",
        "sat/backend/cache.py",
        "            if disk.f_bavail * disk.f_frsize < _RESERVE:\n",
        "            if False:\n",
        ("tests/backend/test_cache.py",),
    ),
)
