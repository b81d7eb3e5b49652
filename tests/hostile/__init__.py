"""A server that speaks raw XML as a script tells it, and tests of what must not get past it."""
