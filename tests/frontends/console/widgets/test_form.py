"""Forms: what is filled in, what is missing, what is read back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sat.frontends.console.widgets.form import Field, Form, Kind
from sat.frontends.console.widgets.paste import paste_key
from tests.frontends.console.widgets.support import PATIENT, attributes, drawn, press, told

SIZE = (30, 20)
FIELDS = [
    Field("", Kind.FIXED, "Who may come in?"),
    Field("name", Kind.TEXT, "Name", "lobby", required=True),
    Field("secret", Kind.PRIVATE, "Password"),
    Field("about", Kind.LINES, "About", "one\ntwo"),
    Field("open", Kind.BOOLEAN, "Open to all", True),
    Field("roles", Kind.SEVERAL, "Roles", ("b",), [("a", "Admins"), ("b", "Members")]),
    Field("see", Kind.ONE, "Seen by", "x", [("x", "all"), ("y", "none")], hint="of addresses"),
]
VALUES = {
    "name": "lobby",
    "secret": "",
    "about": "one\ntwo",
    "open": True,
    "roles": ("b",),
    "see": "x",
}


def test_a_form_shows_all_it_asks_for():
    assert drawn(Form(FIELDS), (24, 22)) == [
        "Who may come in?",
        "Name *",
        "> lobby",
        "Password",
        ">",
        "About",
        "> one",
        "  two",
        "[x] Open to all",
        "Roles",
        "[ ] Admins",
        "[x] Members",
        "Seen by",
        "of addresses",
        "(x) all",
        "( ) none",
        "[ OK ]",
        "[ Cancel ]",
        "",
        "",
        "",
        "",
    ]


def test_what_is_filled_in_is_read_back():
    form = Form(FIELDS)
    heard = told(form, "submitted", "change")
    assert form.values == VALUES
    press(form, SIZE, "!", "tab", *"s3 cret", "tab", "enter", "x", "tab", " ", "tab", " ", "down")
    press(form, SIZE, "enter", "tab", "down", "enter", "tab", "enter")
    assert heard[-1] == (
        "submitted",
        {
            "name": "lobby!",
            "secret": "s3 cret",
            "about": "one\ntwo\nx",
            "open": False,
            "roles": ("a",),
            "see": "y",
        },
    )
    assert ("change", "open") in heard


def test_what_is_private_is_not_drawn():
    form = Form([Field("secret", Kind.PRIVATE, "Password")])
    press(form, SIZE, *"sé", paste_key("cret\n"))
    assert form.values == {"secret": "sécret"}
    assert drawn(form, SIZE)[1] == "> ******"
    assert form.render(SIZE, True).cursor == (8, 1)


def test_what_is_required_has_to_be_filled_in():
    form = Form(FIELDS)
    heard = told(form, "submitted")
    press(form, SIZE, "ctrl u", "ctrl x")
    assert heard == []
    assert drawn(form, SIZE)[:4] == ["Who may come in?", "Name *", ">", "This has to be filled in."]
    assert attributes(form, SIZE)[3][0][0] == "form error"
    press(form, SIZE, "x")
    assert drawn(form, SIZE)[3] == "Password"
    press(form, SIZE, "meta enter")
    assert heard == [("submitted", VALUES | {"name": "x"})]


def test_what_is_wrong_is_said_and_brought_into_view():
    form = Form(FIELDS)
    form.errors = {"see": "Nobody may see that."}
    assert drawn(form, (24, 4)) == ["of addresses", "(x) all", "( ) none", "Nobody may see that."]


def test_one_is_taken_back_unless_it_is_required():
    fields = [
        Field("a", Kind.ONE, "A", "x", [("x", "X")]),
        Field("b", Kind.ONE, "B", "x", [("x", "X")], required=True),
    ]
    form = Form(fields)
    press(form, SIZE, "enter", "down", "enter")
    assert form.values == {"a": "", "b": "x"}


def test_unknown_options_are_not_taken():
    fields = [
        Field("a", Kind.ONE, "A", "gone", [("x", "X")]),
        Field("b", Kind.SEVERAL, "B", ("gone", "x"), [("x", "X")]),
    ]
    assert Form(fields).values == {"a": "", "b": ("x",)}


def test_esc_cancels():
    form = Form(FIELDS)
    heard = told(form, "cancelled")
    press(form, SIZE, "esc")
    assert heard == [("cancelled",)]
    assert press(form, SIZE, "f1", "up") == ["f1", "up"]


def test_clicks_choose():
    form = Form(FIELDS)
    heard = told(form, "submitted")
    assert form.mouse_event(SIZE, "mouse press", 1, 1, 8, True)
    assert form.mouse_event(SIZE, "mouse press", 1, 1, 10, True)
    assert form.mouse_event(SIZE, "mouse press", 1, 4, 2, True)
    press(form, SIZE, "x")
    assert not form.mouse_event(SIZE, "mouse press", 1, 4, 0, True)
    assert form.mouse_event(SIZE, "mouse press", 1, 4, 16, True)
    assert heard == [("submitted", VALUES | {"open": False, "roles": ("a", "b"), "name": "loxbby"})]


def test_labels_can_do_no_harm():
    form = Form(
        [Field("x", Kind.BOOLEAN, "\x1b[31mred\nline\u202e"), Field("", Kind.FIXED, "\x9b1m!")]
    )
    assert drawn(form, SIZE)[:2] == ["[ ] red line", "!"]


@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 12)),
    keys=st.lists(
        st.sampled_from(
            [
                "tab",
                "shift tab",
                "up",
                "down",
                "enter",
                " ",
                "x",
                "日",
                "page down",
                "page up",
                "ctrl x",
            ]
        ),
        max_size=25,
    ),
    fields=st.lists(st.sampled_from(FIELDS[1:]), unique_by=lambda one: one.name, max_size=6),
)
@settings(PATIENT, max_examples=120)
def test_forms_of_any_size(size, keys, fields):
    form = Form(fields)
    for key in ["", *keys]:
        press(form, size, *([key] if key else []))
        canvas = form.render(size, True)
        assert (canvas.cols(), canvas.rows()) == size
        cursor = canvas.cursor
        assert cursor is None or (0 <= cursor[0] < size[0] and 0 <= cursor[1] < size[1])


def test_keys_of_texts_are_what_the_program_says():
    fields = [Field("a", Kind.TEXT, "A"), Field("b", Kind.LINES, "B")]
    form = Form(
        fields, editor_keys={"delete-left": ["ctrl g"], "send": ["enter"], "up": ["ctrl p"]}
    )
    press(form, SIZE, "x", "y", "ctrl g", "enter", "z", "enter", "z")
    assert form.values == {"a": "x", "b": "z\nz"}
    assert press(form, SIZE, "backspace", "ctrl u") == ["backspace", "ctrl u"]
