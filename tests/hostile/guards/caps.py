"""Rule 20: what one says of itself counts for nobody else, and a flood of hashes is no flood."""

from tests.hostile.guards import Guard

_CODE = "sat/xmpp/caps.py"
_CAPABILITIES = "sat/backend/capabilities.py"
_DESCRIPTIONS = "sat/backend/descriptions.py"
_HASHES = "tests/xmpp/test_caps.py"
_HOSTILE = "tests/hostile/test_caps.py"
_ASKED = "tests/backend/test_capabilities.py"
_KEPT = "tests/backend/test_descriptions.py"

CAPS = (
    Guard(
        20,
        "a description that its hash does not stand for (XEP-0115)",
        _CODE,
        "_is_unambiguous(query, info) and info.caps_hash(claim.algorithm) == claim.value",
        "_is_unambiguous(query, info)",
        (f"{_HOSTILE}::test_a_lie_counts_for_the_liar_alone",),
    ),
    Guard(
        20,
        "a description that its hash does not stand for (XEP-0390)",
        _CODE,
        "_is_plain(query, info) and info.caps2_hash(claim.algorithm) == claim.value",
        "_is_plain(query, info)",
        (f"{_HOSTILE}::test_a_lie_counts_for_the_liar_alone",),
    ),
    Guard(
        20,
        "a lie that outlives the liar's presence",
        _CAPABILITIES,
        "        self._own.pop(full, None)\n        self._mute",
        "        self._mute",
        (f"{_HOSTILE}::test_a_lie_is_forgotten_with_the_liar",),
    ),
    Guard(
        20,
        "the same identity, feature or form twice",
        _CODE,
        "    if any(len(set(one)) != len(one) for one in (info.identities, features, types)):\n",
        "    if False:\n",
        (_HASHES, f"{_HOSTILE}::test_an_ambiguous_description_is_verified_for_nobody"),
        "doubled or ambiguous",
    ),
    Guard(
        20,
        "a form of two types",
        _CODE,
        "    return len(set(names)) != len(names) or len(types) > 1\n",
        "    return len(set(names)) != len(names)\n",
        (_HASHES, f"{_HOSTILE}::test_an_ambiguous_description_is_verified_for_nobody"),
        "doubled or ambiguous",
    ),
    Guard(
        20,
        "a feature that is called a form's type",
        _CODE,
        '            "<" not in form.form_type and form.fields and not',
        "            not",
        (f"{_HASHES}::test_a_feature_is_not_hidden_by_calling_it_something_else",),
    ),
    Guard(
        20,
        "a feature that is called a field",
        _CODE,
        '    return not values or bool(set(name) & set(":/<"))\n',
        "    return False\n",
        (f"{_HASHES}::test_a_feature_is_not_hidden_by_calling_it_something_else",),
    ),
    Guard(
        20,
        "a feature that is called an identity",
        _CODE,
        "all(_is_identity(one.category, one.type, one.lang) for one in info.identities)\n",
        "True\n",
        (f"{_HASHES}::test_a_feature_is_not_hidden_by_calling_it_an_identity",),
    ),
    Guard(
        20,
        "an identity that is called a feature",
        _CODE,
        "        bool(info.identities)\n        and all(",
        "        all(",
        (f"{_HASHES}::test_an_identity_is_not_hidden_by_calling_it_a_feature",),
    ),
    Guard(
        20,
        "two features that read the same in what is hashed",
        _CODE,
        '        and all("<" not in feature for feature in info.features)\n',
        "",
        (f"{_HASHES}::test_a_feature_is_not_hidden_within_another",),
    ),
    Guard(
        20,
        "what the newer hash does not cover",
        _CODE,
        "        all((child.uri, child.name) in known for child in query.elements())\n        and ",
        "        ",
        (f"{_HASHES}::test_what_the_newer_hash_does_not_cover_is_refused",),
    ),
    Guard(
        20,
        "hashes that are too weak for XEP-0390",
        _CODE,
        "        return self.algorithm in (ALGORITHMS if self.protocol == NS_CAPS else _STRONG)\n",
        "        return self.algorithm in ALGORITHMS\n",
        (f"{_HASHES}::test_an_unknown_or_weak_algorithm_verifies_nothing",),
    ),
    Guard(
        20,
        "a hash without end",
        _CODE,
        " or len(node) > _MAX_NODE or len(value) > _MAX_VALUE:\n",
        ":\n",
        (f"{_HASHES}::test_what_is_no_claim",),
    ),
    Guard(
        20,
        "more hashes than the disk shall hold",
        _DESCRIPTIONS,
        "            while count > MAX_KEPT or size > MAX_BYTES:\n",
        "            while size > MAX_BYTES:\n",
        (f"{_KEPT}::test_the_oldest_makes_room",),
    ),
    Guard(
        20,
        "descriptions of more bytes than the disk shall hold",
        _DESCRIPTIONS,
        "            while count > MAX_KEPT or size > MAX_BYTES:\n",
        "            while count > MAX_KEPT:\n",
        (f"{_KEPT}::test_so_does_the_largest_sum_of_bytes",),
    ),
    Guard(
        20,
        "one huge description",
        _DESCRIPTIONS,
        "        if len(data) > MAX_SIZE:\n            return\n",
        "",
        (f"{_HOSTILE}::test_a_huge_description_is_not_kept",),
    ),
    Guard(
        20,
        "asking everyone at once",
        _CAPABILITIES,
        "DeferredSemaphore(_AT_ONCE)",
        "DeferredSemaphore(_MAX_WAITING)",
        (f"{_HOSTILE}::test_few_are_asked_at_once_however_many_are_wondered_about",),
    ),
    Guard(
        20,
        "asking all that show one hash",
        _CAPABILITIES,
        "        if waiting is None:\n            self._check_waiting()\n",
        "        if True:\n            self._check_waiting()\n",
        (f"{_ASKED}::test_many_who_ask_at_once_cost_one_request",),
    ),
    Guard(
        20,
        "telling a stranger that we are there, by asking",
        _CAPABILITIES,
        "        may_ask = not jid.user or self._live.presences.visibility.may_see(jid)\n",
        "        may_ask = True\n",
        (f"{_ASKED}::test_a_plugin_learns_what_others_can_do",),
    ),
)
