"""A server that speaks raw XML as a script tells it, and tests of what must not get past it.

The rules of correctness, and where each is tested. ``forged``, ``streams``, ``caps``,
``catching_up``, ``corrections``, ``downgrade``, ``encrypted``, ``markers``, ``private`` and
``rooms`` are ``test_forged.py`` … here: they look through the bridge alone, and each attack has a
harmless twin. The rest is where its feature is tested; ``storm`` is ``tests/e2e/test_storm.py``.
The code that keeps each attack away is listed in :mod:`tests.hostile.guards`, which takes it away
and sees the tests fail (``make guards``).

====  ==============================================  =============================================
rule  what holds                                      where
====  ==============================================  =============================================
1     a stream is resumed, nothing doubled            storm; tests/xmpp, tests/backend
2     it isn't: the archive tells what arrived        storm; tests/backend/test_archive.py
3     killed between sending and acknowledgement      storm; tests/e2e/test_nothing_lost.py
4     one message, however often it comes             tests/backend/test_receiving.py; storm
5     catching up with the archive                    tests/backend/test_archive.py; storm;
                                                      tests/e2e/test_backlog.py
6     results of the archive that nobody asked for    catching_up; tests/backend/test_archive.py
7     copies (carbons) of our own account alone       forged; tests/plugins/test_xep_0280_carbons.py
8     roster pushes of our own account alone          forged; tests/backend/test_contacts.py
9     answers of whom was asked alone                 streams; tests/xmpp/test_session.py
10    private nodes of ours alone                     private; tests/backend/rooms, tests/plugins
11    what was said stays: nothing corrects it yet    corrections
12    what only a server may set                      forged
13    certificates, STARTTLS, text in clear           streams; tests/xmpp/test_login.py
14    SCRAM; what the server is held to               downgrade, streams;
                                                      tests/xmpp/test_sasl.py
15    names and addresses of servers                  tests/xmpp/test_resolve.py, test_dial.py
16    trying again, and when not to                   streams; tests/xmpp/test_connection.py,
                                                      test_redirect.py
17    XML without bounds, or forbidden                streams; tests/xmpp/test_parser.py
18    dates                                           tests/backend/test_receiving.py
19    addresses                                       streams; tests/xmpp/test_jid.py
20    capabilities                                    caps; tests/xmpp/test_caps.py,
                                                      tests/backend/test_capabilities.py,
                                                      test_descriptions.py
21    rooms                                           rooms; tests/backend/rooms
22    nothing for strangers                           forged; tests/plugins
23    markers                                         markers;
                                                      tests/plugins/test_xep_0333_markers.py
24    what is encrypted says nothing: no OMEMO yet    encrypted
25    upload                                          tests/plugins/test_xep_0363_upload.py
26    names and sizes of files that are received      tests/frontends/core/test_saving.py,
                                                      tests/backend/test_fetching.py
27    links: what is asked for, and opened            tests/backend/test_fetching.py,
                                                      tests/frontends/console/test_doing.py;
                                                      there is no aesgcm yet
28    the bridge                                      tests/bridge, tests/e2e/test_bad_input.py,
                                                      tests/frontends/core/test_clean.py; for other
                                                      machines tests/backend/test_remote.py
====  ==============================================  =============================================

Bad behaviour that is no forgery (silence, a byte at a time, an end within an element) is in
``streams``; a clock that jumps in ``test_clock.py``; what becomes of an account while it is used in
``tests/e2e/test_accounts.py``; what a broken network does in ``tests/e2e/test_bad_network.py``, a
full disk in ``tests/e2e/test_full_disk.py``.
"""
