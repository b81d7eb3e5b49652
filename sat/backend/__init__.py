"""The daemon: profiles, journal, history, messages, roster, and the API that frontends call."""
