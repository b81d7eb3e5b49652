import pytest

from tests.hostile.patterns import matches, parse

MESSAGE = "<message to='a' type='chat'><body>hi</body><x xmlns='urn:x' n='1'><y/></x></message>"


@pytest.mark.parametrize(
    "pattern",
    [
        "<message/>",
        "<message to='a'/>",
        "<message type='*'/>",
        "<message><body/></message>",
        "<message><body>hi</body></message>",
        "<message><x xmlns='urn:x'><y/></x><body/></message>",
        MESSAGE,
    ],
)
def test_matches(pattern):
    assert matches(parse(pattern), parse(MESSAGE))


@pytest.mark.parametrize(
    "pattern",
    [
        "<presence/>",
        "<message xmlns='urn:x'/>",
        "<message to='b'/>",
        "<message id='*'/>",
        "<message><body>ho</body></message>",
        "<message><x/></message>",
        "<message><x xmlns='urn:x'><z/></x></message>",
    ],
)
def test_does_not_match(pattern):
    assert not matches(parse(pattern), parse(MESSAGE))
