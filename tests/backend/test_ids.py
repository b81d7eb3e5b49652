import uuid

from sat.backend.ids import Ids


def test_ids_are_uuids_in_the_order_of_time():
    now = [1_700_000_000.0]
    ids = Ids(lambda: now[0])
    first = ids.next()
    made = uuid.UUID(first)
    assert (made.version, made.variant, str(made)) == (7, uuid.RFC_4122, first)
    assert made.int >> 80 == 1_700_000_000_000
    now[0] += 0.001
    assert ids.next() > first


def test_no_two_ids_of_a_moment_are_the_same():
    ids = Ids(lambda: 1.0)
    assert len({ids.next() for _ in range(5000)}) == 5000
