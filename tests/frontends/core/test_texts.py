"""What the core says: English, or the language of the frontend that has one."""

import gettext
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sat.bridge.errors import CommandError
from sat.bridge.model import MessageState
from sat.frontends.core import texts
from sat.frontends.core.commands import forms, show
from sat.frontends.core.commands.completing import complete
from sat.frontends.core.commands.line import CommandLine, Context, help_of
from sat.frontends.core.files import open_file
from sat.frontends.core.state import State
from tests.frontends.core.test_notices import Told, added

ROOT = Path(__file__).resolve().parents[3]
DESCRIPTION = json.loads((ROOT / "doc/api/api.json").read_text())
CHAT = Context("alice", "bob@x")
FIELD = {"name": "trust", "kind": "boolean", "value": ["true"], "required": True}
LISTED = {"name": "who", "kind": "list-single", "options": ["a", "b{c}"]}
ROOMS = [{"jid": "tea@r", "state": "joined", "nick": "al"}]


@pytest.fixture
def french():
    found = gettext.translation("primitivus", ROOT / "frontends/console/locale", ["fr"])
    texts.use(found.gettext, found.ngettext)
    yield
    texts.use(None, None)


@pytest.fixture(scope="module")
def commands():
    found = CommandLine()
    found.learn(DESCRIPTION)
    return found


def refused(work, *arguments):
    with pytest.raises(CommandError) as refusal:
        work(*arguments)
    return refusal.value.sentence


def test_nothing_said_is_english():
    assert texts.is_english()
    assert texts._("The daemon ended the session.") == "The daemon ended the session."
    assert texts.ngettext("{number} a", "{number} b", 2) == "{number} b"
    assert (texts._(""), texts.mark("x")) == ("", "x")


def test_the_empty_text_is_not_what_a_catalogue_says_of_itself(french):
    assert texts._("") == ""


@pytest.mark.parametrize(
    ("line", "english", "translated"),
    [
        (
            "/jion x",
            "There is no command /jion. Did you mean “join”? See /help; a message that begins so "
            "is written //jion.",
            "Il n’y a pas de commande /jion. Vouliez-vous dire « join » ? Voyez /help ; un message "
            "qui commence ainsi s’écrit //jion.",
        ),
        (
            "/profile create x",
            "That needs a shell: “jp profile create” does it there.",
            "Il y faut un shell : « jp profile create » le fait là.",
        ),
        (
            "/room leave",
            "ROOM is missing. See /help room leave.",
            "SALON manque. Voyez /help room leave.",
        ),
        (
            "/message list --limit many",
            "--limit is a whole number, not “many”. See /help message list.",
            "--limit est un nombre entier, pas « many ». Voyez /help message list.",
        ),
        (
            "/set a b --profile p {c}",
            "“{c}” is one word too many (a text of several words goes in quotes). "
            "See /help option set.",
            "« {c} » est un mot de trop (un texte de plusieurs mots se met entre guillemets "
            "droits). Voyez /help option set.",
        ),
    ],
)
def test_a_refusal(commands, line, english, translated, request):
    assert refused(commands.read, line, CHAT) == english
    request.getfixturevalue("french")
    assert refused(commands.read, line, CHAT) == translated


def test_a_refusal_of_a_file(french, tmp_path):
    assert refused(open_file, str(tmp_path / "no")).startswith("Il n’y a pas de fichier /")
    assert refused(open_file, str(tmp_path)).endswith("ou nommez des fichiers.")


def test_help_and_completion(commands, french):
    rows = dict(help_of(commands.commands))
    assert rows["/room subject SALON TEXTE"] == "Changer le sujet d’un salon."
    # What plugins say of themselves is the daemon's, whose language is English.
    assert rows["/ping PEER"].startswith("Ping ")
    rows = dict(help_of(commands.commands, "room subject"))
    assert rows["/topic"] == "la même chose que /room subject"
    assert rows["SALON"] == "l’adresse du salon"
    found = complete("/room su", 8, commands, State(), CHAT).candidates
    assert found == [("subject", "Changer le sujet d’un salon.")]
    found = complete("/he", 3, commands, State(), CHAT).candidates
    assert found == [("/help", "ce qui peut se dire")]
    found = complete("/room invite --r", 16, commands, State(), CHAT).candidates
    assert found == [("--reason", "quelques mots pour cette personne")]
    # An option without a word of help has none in any language.
    assert all("Project-Id" not in told for _typed, told in help_of(commands.commands))


def test_results(french):
    assert show.render("rooms", ROOMS) == "tea@r  vous y êtes  al"
    assert show.render("rooms", [{"jid": "a@r", "state": "odd{x}"}]) == "a@r  odd{x}"
    assert show.render("record", {"there": True, "b": False}) == "there  oui\nb      non"
    assert show.render("profiles", [{"name": "a", "default": True}]) == "a  par défaut"
    said = {"peer": "bob@x", "direction": "out", "body": "hi", "ts": "", "state": "failed"}
    assert show.render("found", [said]) == "  moi à bob@x: hi  (échoué)"


def test_results_in_english_have_the_words_of_the_bridge():
    assert show.render("rooms", ROOMS) == "tea@r  joined  al"
    assert show.render("presences", [{"jid": "a@x", "show": "xa"}]) == "a@x  xa"


def test_forms(french):
    form = {"fields": [FIELD, LISTED]}
    told = forms.form_text(form)
    assert "trust=oui  (oui ou non; obligatoire)" in told and "(l’un de a, b{c})" in told
    for word, value in (("oui", "true"), ("Non", "false"), ("yes", "true"), ("false", "false")):
        assert forms.read_words(form, [f"trust={word}"]) == {"trust": [value]}
    assert refused(forms.read_words, form, ["trust={0}"]) == "trust est oui ou non, pas « {0} »."
    sentence = "who est l’un de a, b{c} ; pas « x »."
    assert refused(forms.read_words, form, ["who=x"]) == sentence


def test_yes_is_said_in_ones_own_language_alone():
    assert "not “oui”" in refused(forms.read_words, {"fields": [FIELD]}, ["trust=oui"])


def test_notices(french):
    told = Told()
    failed = added(20, state=MessageState.FAILED, error="", body="{0}")
    told.tell(failed)
    found = told.tell(*(added(number, peer=f"{number}@x") for number in range(23, 30)))
    assert found == [("burst", "7 nouveaux messages", "de 7 personnes")]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("fr", "Le démon n’est pas encore joint."), ("xx", "The daemon is not reached yet.")],
)
def test_the_console_hands_its_language_over(language, sentence):
    program = (
        "from sat.frontends.console.main import main; from sat.frontends.core.texts import _;"
        "main(); print(_('The daemon is not reached yet.'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--version"],
        env={**os.environ, "LANGUAGE": language, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1:] == [sentence], done
