"""The completion of jp, as a shell uses it."""

import subprocess

import pytest
import shtab

from sat.frontends.jp.completion import parser

ASK = """
{script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_shtab_jp
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("jp mess", {"message"}),
        ("jp message se", {"search", "send"}),
        ("jp message send x --wai", {"--wait"}),
        ("jp message send x --wait s", {"stored", "sent"}),
        ("jp presence set d", {"dnd"}),
        ("jp profile sh", {"show"}),
    ],
)
def test_bash_completes(words, expected):
    script = shtab.complete(parser(), shell="bash")
    script = script.replace("complete -o", "true complete -o")
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.format(script=script, words=words)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected <= set(done.stdout.split()), done
