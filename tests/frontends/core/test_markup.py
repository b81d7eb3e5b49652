"""Styling, links and mentions, as XEP-0393 and XEP-0245 have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat.frontends.core.markup import Line, Run, Style, action, lines_of, links, mentions

STRONG, EMPHASIS, STRIKE, CODE = Style.STRONG, Style.EMPHASIS, Style.STRIKE, Style.CODE


def styled(text, **how):
    """Return the pieces of one line that are styled, directives within them."""
    (line,) = lines_of(text, **how)
    found = []
    for run in line.runs:
        style = run.style & ~Style.DIRECTIVE
        if found and found[-1][1] == style:
            found[-1] = (found[-1][0] + run.text, style)
        else:
            found.append((run.text, style))
    return [one for one in found if one[1]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # The examples of XEP-0393, section 4.2.
        ("*strong*", [("*strong*", STRONG)]),
        ("plain *strong* plain", [("*strong*", STRONG)]),
        ("*strong* plain *strong*", [("*strong*", STRONG), ("*strong*", STRONG)]),
        ("*strong*plain*", [("*strong*", STRONG)]),
        ("* plain *strong*", [("*strong*", STRONG)]),
        ("not strong*", []),
        ("*not strong", []),
        ("*not *strong", []),
        ("**", []),
        ("****", []),
        ("***", []),
        ("Everyone ~dis~likes cake.", [("~dis~", STRIKE)]),
        ("_most_ people", [("_most_", EMPHASIS)]),
        ("This is `*monospace*`", [("`*monospace*`", CODE)]),
        ("*`both`*", [("*", STRONG), ("`both`", STRONG | CODE), ("*", STRONG)]),
        (
            "_emphasized *strong* text_",
            [
                ("_emphasized ", EMPHASIS),
                ("*strong*", EMPHASIS | STRONG),
                (" text_", EMPHASIS),
            ],
        ),
        ("*a _b* c_", [("*a _b*", STRONG)]),
        ("snake_case_name and 2*3*4", []),
        ("`a` `b", [("`a`", CODE)]),
        ("*\u00a0no*", []),
        ("*a", []),
        ("*", []),
        ("", []),
    ],
)
def test_spans(text, found):
    assert styled(text) == found


def test_spans_do_not_leave_their_line():
    assert [one.runs for one in lines_of("*not\nstrong*")] == [
        (Run("*not"),), (Run("strong*"),),
    ]  # fmt: skip


def test_directives_are_told_apart():
    assert lines_of("*b*")[0].runs == (
        Run("*", STRONG | Style.DIRECTIVE),
        Run("b", STRONG),
        Run("*", STRONG | Style.DIRECTIVE),
    )


def test_preformatted_blocks_and_quotations():
    text = "```ignored\n(*print*)\n```\n\n> > *a*\n>b\n>>```\n>> x\n> y\n> ```\nz"
    found = [(one.quote, one.pre, "".join(run.text for run in one.runs)) for one in lines_of(text)]
    assert found == [
        (0, True, "```ignored"),
        (0, True, "(*print*)"),
        (0, True, "```"),
        (0, False, ""),
        (2, False, "*a*"),
        (1, False, "b"),
        (2, True, "```"),
        (2, True, "x"),
        # The quotation ends, and the block with it.
        (1, False, "y"),
        (1, True, "```"),
        (0, False, "z"),
    ]
    assert lines_of(text)[1].runs == (Run("(*print*)", CODE),)


def test_within_a_preformatted_block_a_quotation_is_text():
    lines = lines_of("```\n> a\n```")
    assert lines[1] == Line((Run("> a", CODE),), 0, True)


def test_styling_can_be_off():
    (line,) = lines_of("> *a* http://x.y al", "al", styled=False)
    assert [run.text for run in line.runs] == ["> *a* ", "http://x.y", " ", "al"]
    assert [run.style for run in line.runs] == [
        Style.PLAIN, Style.LINK, Style.PLAIN, Style.MENTION,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://x.y/a_b_c?d=(e)#f.", ["https://x.y/a_b_c?d=(e)#f"]),
        ("(http://x.y/z)", ["http://x.y/z"]),
        ("<HTTP://x.y>, “https://a.b”", ["http://x.y", "https://a.b"]),
        ("xmpp:tea@r?join geo:1,2 mailto:a@b", ["xmpp:tea@r?join", "geo:1,2", "mailto:a@b"]),
        ("javascript:alert(1) file:///etc file://x data:x", []),
        ("http:// https://", []),
        ("ahttp://x.y", []),
        ("http://x.y http://x.y", ["http://x.y"]),
        ("*http://x.y*", ["http://x.y"]),
        ("http://x.y/\x1b[2Jz", ["http://x.y/z"]),
    ],
)
def test_links(text, found):
    assert links(text) == found


def test_a_link_leads_where_it_says():
    (line,) = lines_of("go *http://x.y/a_b* now")
    (run,) = [run for run in line.runs if run.link]
    assert run == Run("http://x.y/a_b", STRONG | Style.LINK, "http://x.y/a_b")
    assert not any(run.link for run in lines_of("`http://x.y`")[0].runs)
    assert not any(run.link for run in lines_of("```\nhttp://x.y")[1].runs)


@pytest.mark.parametrize(
    ("text", "nick", "found"),
    [
        ("al: hi", "al", True),
        ("hi AL!", "al", True),
        ("also", "al", False),
        ("final", "al", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("hi", "", False),
        ("hi", " ", False),
        ("(╯°□°)╯ it is", "(╯°□°)╯", True),
        ("hé Élodie", "élodie", True),
    ],
)
def test_mentions(text, nick, found):
    assert mentions(text, nick) is found
    assert any(run.style & Style.MENTION for run in lines_of(text, nick)[0].runs) is found


def test_what_somebody_does():
    assert action("/me waves") == "waves"
    assert action("/me") is action("/me  ") is action("x /me waves") is action("/mean") is None


@given(st.text(st.sampled_from("*_~`> \n(a)http://x.y\x1b[")), st.sampled_from(["", "a", "*"]))
def test_nothing_is_lost_or_added(text, nick):
    from sat.frontends.core.clean import clean

    cleaned = clean(text).split("\n")
    found = lines_of(text, nick)
    assert len(found) == len(cleaned)
    for line, whole in zip(found, cleaned, strict=True):
        told = "".join(run.text for run in line.runs)
        assert whole.endswith(told)
        assert not set(whole[: len(whole) - len(told)]) - {">", " "}
        assert all(run.text for run in line.runs)
    assert lines_of(clean(text), nick, cleaned=True) == found


@pytest.mark.parametrize(
    "text",
    [
        "*a " * 50_000, "*a* " * 50_000, "_*~`" * 40_000, "`" * 100_000, ">" * 100_000,
        "> " * 50_000 + "```", "http://" * 20_000, "http://x" + ")" * 100_000,
        "http://x" + "(" * 50_000 + ")" * 60_000, "*" + " a*" * 50_000, "al " * 50_000,
        "*_~a" * 30_000 + "~_*" * 30_000, "\n" * 100_000, "x" * 1_000_000,
    ],
)  # fmt: skip
def test_a_flood_ends(text):
    # Anything quadratic takes minutes here, and the test's time is limited.
    assert lines_of(text, "al")
    links(text)
